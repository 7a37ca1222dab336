"""Batch files of arrays, as CIFAR-10 and the downsampled ImageNet come: pickled or .npz, read without running code.

A pickle may name any function to be called. The unpickler here knows those that rebuild a numpy array, and refuses all
others by name.
"""

import pickle
import zipfile
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from r3gan.data.errors import BadData

_array = np.empty(1)
_RECONSTRUCT: Any = _array.__reduce__()[0]
_SCALAR: Any = np.int64(0).__reduce__()[0]
_FROM_BUFFER: Any = _array.__reduce_ex__(5)[0]

DAMAGE = (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)


def _latin1(text: str, encoding: str) -> bytes:
    """How protocol 2 writes bytes."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"it asks to encode text as {encoding}")
    return text.encode("latin1")


ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _latin1,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _RECONSTRUCT for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _SCALAR for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _FROM_BUFFER for core in ("core", "_core")},
}


class ForbiddenGlobal(pickle.UnpicklingError):
    """A pickle asks for something else than an array."""


class ArrayUnpickler(pickle.Unpickler):
    """Unpickles numpy arrays, numbers, strings and plain containers."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return ALLOWED[module, name]
        except KeyError:
            raise ForbiddenGlobal(f"{module}.{name}") from None


def load_pickle(file: BinaryIO, where: str) -> dict[str, Any]:
    """The dictionary in a pickle, with its keys as text. Raises BadData, naming `where`."""
    try:
        data = ArrayUnpickler(file, encoding="bytes").load()  # type: ignore[arg-type]
    except ForbiddenGlobal as error:
        raise BadData(
            f"{where} is a pickle that holds more than arrays: it asks for {error}, and was not run"
        ) from None
    except (*DAMAGE, OSError, MemoryError, zipfile.BadZipFile) as error:
        raise BadData(f"{where} cannot be unpickled: {error or type(error).__name__}") from error
    if not isinstance(data, dict):
        raise BadData(f"{where} holds a {type(data).__name__}; a dictionary with 'data' and 'labels' was expected")
    return {key.decode("latin1") if isinstance(key, bytes) else str(key): value for key, value in data.items()}


def load_npz(file: BinaryIO, where: str) -> dict[str, Any]:
    """The arrays 'data' and 'labels' of an .npz file. Raises BadData, naming `where`."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in ("data", "labels") if key in arrays}
    except (*DAMAGE, OSError, MemoryError, zipfile.BadZipFile) as error:
        raise BadData(f"{where} cannot be read as .npz: {error or type(error).__name__}") from error

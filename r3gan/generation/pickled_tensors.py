"""Tensors from what a pickle says of them. Storages are blobs in torch's older format: pickles, and numbers behind."""

import io
from typing import Any

import torch
from torch import Tensor

from r3gan.generation.pickle_reader import Call, Name, Reference, RefusedPickle, read_pickle

PARAMETER, TENSOR = Name("torch._utils", "_rebuild_parameter"), Name("torch._utils", "_rebuild_tensor_v2")
STORAGE = Name("torch.storage", "_load_from_bytes")
MAGIC, FORMAT = 0x1950A86A20F9469CFC6C, 1001
TYPES = {
    Name("torch", "FloatStorage"): torch.float32,
    Name("torch", "DoubleStorage"): torch.float64,
    Name("torch", "HalfStorage"): torch.float16,
    Name("torch", "BFloat16Storage"): torch.bfloat16,
}
MOST_DIMENSIONS = 8


def rebuild_tensor(value: Any) -> Tensor:
    """The tensor or parameter, as float32 and with memory of its own. Raises RefusedPickle."""
    if _is_call(value, PARAMETER, 3):
        value = value.arguments[0]
    if not _is_call(value, TENSOR, 6):
        raise RefusedPickle(f"it has {_described(value)} where a tensor was expected")
    storage, offset, size, stride = value.arguments[:4]
    if not _is_call(storage, STORAGE, 1) or not isinstance(storage.arguments[0], bytes):
        raise RefusedPickle(f"it has {_described(storage)} where a tensor's numbers were expected")
    flat = read_storage(storage.arguments[0])
    whole = [offset, *(size if isinstance(size, tuple) else [None]), *(stride if isinstance(stride, tuple) else [None])]
    if any(type(number) is not int or number < 0 for number in whole) or not len(size) == len(stride) < MOST_DIMENSIONS:
        raise RefusedPickle("it has a tensor whose size and strides are no whole numbers from 0 up, one of each")
    count, last = 1, offset
    for length, step in zip(size, stride, strict=True):
        count, last = count * length, last + (length - 1) * step
    if not 0 < count <= len(flat) or last >= len(flat):
        raise RefusedPickle(f"it has a tensor of {'x'.join(map(str, size))} in a storage of {len(flat)} numbers")
    return flat.as_strided(size, stride, offset).float().contiguous()


def read_storage(blob: bytes) -> Tensor:
    """The numbers of a storage, in one dimension. Raises RefusedPickle."""
    file = io.BytesIO(blob)
    try:
        head = [read_pickle(file, ()) for _ in range(3)]
        if head[:2] != [MAGIC, FORMAT] or not isinstance(head[2], dict) or head[2].get("little_endian") is not True:
            raise RefusedPickle("it does not begin as torch's older format, little-endian, does")
        reference, keys = read_pickle(file, TYPES, references=True), read_pickle(file, ())
    except RefusedPickle as error:
        raise RefusedPickle(f"in a tensor's storage {error}") from error
    value = reference.value if isinstance(reference, Reference) else ()
    if not (isinstance(value, tuple) and len(value) == 6 and value[0] == "storage" and value[1] in TYPES):
        raise RefusedPickle("in a tensor's storage it has no reference to one storage")
    kind, count = TYPES[value[1]], value[4]
    numbers = memoryview(blob)[file.tell() :]
    if type(count) is not int or keys != [value[2]] or len(numbers) != 8 + count * kind.itemsize:
        room = max(0, len(numbers) - 8)
        raise RefusedPickle(f"it promises {count} numbers in a storage that has {room} bytes for them")
    if int.from_bytes(numbers[:8], "little") != count or count < 1:
        raise RefusedPickle(f"it promises {count} numbers in a storage that says otherwise or is empty")
    return torch.frombuffer(bytearray(numbers[8:]), dtype=kind)


def _is_call(value: Any, function: Name, arguments: int) -> bool:
    return isinstance(value, Call) and value.function == function and len(value.arguments) >= arguments


def _described(value: Any) -> str:
    return f"a call of {value.function}" if isinstance(value, Call) else f"a {type(value).__name__}"

"""The formats that a generator is exported to. Each writes a file with facts, and reads it as others would."""

import io
import json
import logging
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.export import ExportedProgram

from r3gan.data.errors import DatasetUnavailable
from r3gan.export.traced import IMAGES, Inputs, inputs_of, trace
from r3gan.generation.load import LoadedGenerator
from r3gan.snapshot import load_snapshot
from r3gan.tensor_files import METADATA, save_tensors

FACTS_FILE = f"{METADATA}.json"  # within a .pt2 archive
Facts = dict[str, Any]
Write = Callable[[Path, Facts], None]
Run = Callable[[Inputs], Tensor]


class Format(NamedTuple):
    """One format."""

    writer: Callable[[LoadedGenerator], Write]  # what takes time is done once, writing may be repeated
    open: Callable[[Path], Run]
    packages: tuple[str, ...]  # beyond those that the project always has
    text: str


def weights_writer(generator: LoadedGenerator) -> Write:
    """This project's own files: tensors by their names, and facts, with a hash of both."""
    tensors = generator.network.state_dict()
    return lambda path, facts: save_tensors(tensors, path, **facts)


def open_weights(path: Path) -> Run:
    """As `load_generator` does."""
    generator = LoadedGenerator(load_snapshot(path, torch.device("cpu")))
    return lambda inputs: generator(*inputs.values())


def onnx_writer(generator: LoadedGenerator) -> Write:
    """ONNX, by torch's exporter; facts in the model's metadata."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    names = list(inputs_of(generator, 1))
    program = torch.onnx.export(trace(generator), dynamo=True, input_names=names, output_names=[IMAGES], verbose=False)
    assert program is not None  # without a file to write to, it is returned

    def write(path: Path, facts: Facts) -> None:
        program.model.metadata_props[METADATA] = json.dumps(facts)
        program.save(str(path))

    return write


def open_onnx(path: Path) -> Run:
    """By onnxruntime, on the CPU."""
    onnxruntime = import_module("onnxruntime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def run(inputs: Inputs) -> Tensor:
        arrays = {name: np.asarray(tensor) for name, tensor in inputs.items()}
        return torch.from_numpy(session.run([IMAGES], arrays)[0])

    return run


def program_writer(generator: LoadedGenerator) -> Write:
    """torch.export's archive; facts in a file of it."""
    program = trace(generator)
    return lambda path, facts: _save_program(program, path, facts)


def _save_program(program: ExportedProgram, path: Path, facts: Facts) -> None:
    buffer = io.BytesIO()  # torch warns of paths that do not end in .pt2
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No complete tensor found")  # of expanded constants, which are on the CPU
        torch.export.save(program, buffer, extra_files={FACTS_FILE: json.dumps(facts)})
    path.write_bytes(buffer.getvalue())


def open_program(path: Path) -> Run:
    """By torch.export.load."""
    with path.open("rb") as file:
        module = torch.export.load(file).module()

    def run(inputs: Inputs) -> Tensor:
        with torch.no_grad():
            return module(*inputs.values())

    return run


FORMATS = {
    ".safetensors": Format(weights_writer, open_weights, (), "weights with their configuration, for `load_generator`"),
    ".onnx": Format(onnx_writer, open_onnx, ("onnx", "onnxscript", "onnxruntime"), "ONNX"),
    ".pt2": Format(program_writer, open_program, (), "a program of torch.export, which needs torch alone"),
}


def format_of(path: Path) -> Format:
    """The format that a path's suffix names. Raises DatasetUnavailable if there is none, or if it lacks a package."""
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        known = ", ".join(f"{suffix} ({row.text})" for suffix, row in FORMATS.items())
        raise DatasetUnavailable(f"{path} ends in {path.suffix or 'nothing'}: known endings are {known}")
    require_packages(f"writing {path.suffix}", found.packages)
    return found


def require_packages(what: str, packages: tuple[str, ...]) -> None:
    """Raises DatasetUnavailable, with the way out, if one of the optional packages cannot be imported."""
    for package in packages:
        try:
            import_module(package)
        except ImportError as error:
            way_out = "pip install 'r3gan-ablations[export]'"
            raise DatasetUnavailable(f"{what} needs the package {package} ({error}): {way_out}") from error

"""What an exported file says of where its generator comes from."""

from pathlib import Path
from typing import Any

from r3gan.snapshot import NoSnapshot, WeightsName, find_snapshot
from r3gan.tensor_files import DamagedTensors, load_tensors


def facts_of(source: Path, weights: WeightsName) -> dict[str, Any]:
    """The facts in the file of weights that `load_generator` takes for a source. Raises NoSnapshot."""
    path = find_snapshot(source, weights)
    if path is None:
        raise NoSnapshot(f"{source} holds no generator")
    try:
        return load_tensors(path)[1]
    except DamagedTensors as error:
        raise NoSnapshot(str(error)) from error

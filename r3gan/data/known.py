"""Preparing a known dataset from the files that one has, and where it lives once it is loaded."""

from collections.abc import Sequence
from pathlib import Path

import torch

from r3gan.data.conversion import AS_STORED, Conversion
from r3gan.data.errors import BadData
from r3gan.data.facts import Facts
from r3gan.data.prepare import Options, Written, write_prepared
from r3gan.data.progress import progress_bar
from r3gan.data.recognise import open_source
from r3gan.data.sources import Source, count_classes
from r3gan.one_machine import jobs_per_gpu


def home_of(size: int, device: torch.device) -> torch.device:
    """Where a dataset of `size` bytes lives: on a GPU while it takes a quarter of the free memory at most, or of this
    job's part where jobs share it."""
    if device.type == "cuda" and size > torch.cuda.mem_get_info(device)[0] // (4 * jobs_per_gpu()):
        return torch.device("cpu")
    return device


def prepare_known(
    name: str,
    known: Facts,
    paths: Sequence[Path],
    destination: Path,
    *,
    conversion: Conversion = AS_STORED,
    wait: bool = False,
) -> Written:
    """Prepare a known dataset from its files.

    Raises DatasetUnavailable; BadData if the files are not all of it.
    """
    options = known_options(known, conversion)
    source = open_source(paths, options.labels)
    require_counts(name, source, paths[0], known)
    with progress_bar(f"preparing {name}") as progress:
        return write_prepared(source, destination, options, progress, wait)


def known_options(known: Facts, conversion: Conversion = AS_STORED) -> Options:
    """How a known dataset's images are taken."""
    return Options(known.resolution, "auto" if known.classes else "none", conversion)


def require_counts(name: str, source: Source, path: Path, known: Facts) -> None:
    """Raises BadData if the source at a path has other counts than the known dataset."""
    found = Facts(known.resolution, count_classes(source.labels), len(source))
    if found != known:
        raise BadData(f"{path} is not {name}, or not all of it: found {found}; expected {known}")

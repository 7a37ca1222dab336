"""`python -m r3gan export`: a generator as a file for other programs, checked as soon as it is written."""

import argparse
from functools import partial
from pathlib import Path

import torch

from r3gan.config import IMG_PER_KIMG
from r3gan.data.places import require_new
from r3gan.export.facts import facts_of
from r3gan.export.formats import FORMATS, Facts, Format, format_of
from r3gan.export.traced import CHECKED_BATCHES, largest_difference, readable_flags
from r3gan.files import replace_file
from r3gan.generation.load import LoadedGenerator, load


def add_export(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`r3gan export`."""
    endings = ", ".join(f"{suffix}: {row.text}" for suffix, row in FORMATS.items())
    parser = commands.add_parser("export", help="write a generator in the format of other programs")
    parser.add_argument("source", type=Path, help="job directory, checkpoint folder, or .safetensors file of weights")
    parser.add_argument("destination", type=Path, help=f"a new file ({endings})")
    which = "which of a job's generators (default: ema)"
    parser.add_argument("--weights", choices=("ema", "raw", "best"), default="ema", help=which)
    parser.set_defaults(run=run_export)


def run_export(options: argparse.Namespace) -> int:
    """Write, check, and say how much the file differs from the generator."""
    destination: Path = options.destination
    require_new(destination)
    kind = format_of(destination)
    generator = load(options.source, options.weights, torch.device("cpu"))
    facts = facts_of(options.source, options.weights)
    difference = export(generator, kind, destination, facts)
    asked = f"latents z [N, {generator.latent_dim}]"
    if generator.classes:
        asked += f" and one-hot labels [N, {generator.classes}]"
    origin = f"{options.source} after {generator.images_shown / IMG_PER_KIMG:g} kimg"
    made = f"images [N, {generator.channels}, {generator.resolution}, {generator.resolution}]"
    batches = ", ".join(map(str, CHECKED_BATCHES))
    checked = f"differs from the generator by {difference:.2g} at most (of images in -1..1, in batches of {batches})"
    print(f"{destination} is written: {kind.text}, of {origin}; {asked} to {made}; {checked}")
    return 0


def export(generator: LoadedGenerator, kind: Format, destination: Path, facts: Facts) -> float:
    """Write the file with its facts and the largest difference found, which is returned. Raises ExportMismatch."""
    with readable_flags():
        write = kind.writer(generator)
    found = 0.0

    def write_and_check(path: Path) -> None:
        nonlocal found
        write(path, facts)
        found = difference_of(path)
        write(path, facts | {"largest_difference": found, "checked_batches": list(CHECKED_BATCHES)})
        difference_of(path)  # what stays is what was checked

    difference_of = partial(_difference, generator, kind)
    replace_file(destination, write_and_check)
    return found


def _difference(generator: LoadedGenerator, kind: Format, path: Path) -> float:
    return largest_difference(generator, kind.open(path))

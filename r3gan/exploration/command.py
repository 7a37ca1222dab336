"""`python -m r3gan explore`: one page that shows what a generator has learned."""

import argparse
from collections.abc import Callable
from pathlib import Path

import torch

from r3gan.config import IMG_PER_KIMG
from r3gan.data.catalog import data_root
from r3gan.data.dataset import Dataset
from r3gan.data.errors import BadData, DatasetUnavailable
from r3gan.data.load import ensure_dataset, load_dataset
from r3gan.data.places import require_new
from r3gan.data.progress import tell, warn
from r3gan.devices import device_of
from r3gan.exploration.basis import basis
from r3gan.exploration.classes import class_grid, embedding_map
from r3gan.exploration.directions import activations, modulation
from r3gan.exploration.maps import real_against_generated
from r3gan.exploration.mixing import mixing
from r3gan.exploration.neighbours import neighbours
from r3gan.exploration.page import page_of
from r3gan.exploration.parts import Part, Parts
from r3gan.exploration.subject import Subject
from r3gan.exploration.truncation import truncation
from r3gan.files import write_text
from r3gan.generation.arguments import add_source, seed_list
from r3gan.generation.images import require_images
from r3gan.generation.load import LoadedGenerator, load, origin
from r3gan.generation.running import stoppable

SECTIONS: dict[str, Callable[[Subject], Parts]] = {
    "Directions of the latent space": modulation,
    "Directions of the activations": activations,
    "The learned input": basis,
    "Truncation": truncation,
    "Two latents mixed, stage by stage": mixing,
    "Nearest training images": neighbours,
    "Real against generated": real_against_generated,
    "Classes": class_grid,
    "Map of the classes": embedding_map,
}
FEWEST, DEFAULT_SAMPLES = 50, 500
MOST_SHOWN = 100  # images, each of which begins several strips


def shown_seeds(text: str) -> tuple[int, ...]:
    """Seeds, as many as a page can show. Raises ArgumentTypeError."""
    seeds = seed_list(text)
    if len(seeds) > MOST_SHOWN:
        raise argparse.ArgumentTypeError(f"{text!r}: {len(seeds):,} seeds; a page shows at most {MOST_SHOWN}")
    return seeds


def samples(text: str) -> int:
    """A whole number that every section can do with. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) < FEWEST:
        raise argparse.ArgumentTypeError(f"{text!r}: a whole number from {FEWEST} up was expected")
    return int(text)


def add_explore(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`r3gan explore`."""
    parser = commands.add_parser("explore", help="one HTML page of what a generator has learned")
    add_source(parser)
    add = parser.add_argument
    add("destination", type=Path, help="a new .html file")
    add("--data", metavar="NAME", help="a dataset to compare with (default: what it was trained on, if that is here)")
    add("--seeds", type=shown_seeds, default=tuple(range(6)), metavar="0-5", help="images shown (default: 0-5)")
    what = f"images of each kind for statistics (default: {DEFAULT_SAMPLES})"
    add("--samples", type=samples, default=DEFAULT_SAMPLES, help=what)
    parser.set_defaults(run=stoppable(run_explore))


def run_explore(options: argparse.Namespace) -> int:
    """Compute every section, write the page, and say what was written."""
    require_new(options.destination)
    if options.destination.suffix.lower() != ".html":
        raise BadData(f"{options.destination}: a file that ends in .html was expected")
    device = device_of(options.device)
    loaded = load(options.source, options.weights, device)
    require_images(loaded.network, "explore")
    real, missing = real_images_of(options.data, loaded)
    subject = Subject(
        loaded=loaded,
        real=real,
        missing=missing,
        seeds=options.seeds,
        samples=options.samples,
        at_once=options.batch,
        device=device,
    )
    sections: list[tuple[str, list[Part]]] = []
    for number, (title, section) in enumerate(SECTIONS.items(), 1):
        tell(f"{number} of {len(SECTIONS)}: {title}")
        sections.append((title, list(section(subject))))
    text = page_of(f"What {options.source.resolve().name} has learned", introduction(options, subject), sections)
    write_text(options.destination, text)
    what = f"{len(sections)} sections, {len(text.encode()) / 2**20:.1f} MB"
    print(f"{options.destination} is written: {what}, {origin(options.source, loaded)}")
    return 0


def real_images_of(name: str | None, loaded: LoadedGenerator) -> tuple[Dataset | None, str]:
    """The dataset to compare with, or why there is none.

    Raises DatasetUnavailable if it was asked for and cannot be had, BadData if its images are of another size.
    """
    wanted = name or loaded.dataset
    if wanted is None:
        return None, "these weights do not say what they were trained on; --data NAME names a dataset."
    try:
        ensure_dataset(wanted, data_root())
        real = load_dataset(wanted, data_root(), torch.device("cpu"))
    except DatasetUnavailable as error:
        if name is not None:
            raise
        warn(f"sections without real images, as those that it was trained on cannot be had: {error}")
        return None, f"the images of {wanted}, on which it was trained, were not to be had."
    if real.resolution != loaded.resolution:
        theirs, ours = (f"{size}x{size}" for size in (real.resolution, loaded.resolution))
        raise BadData(f"{wanted} has images of {theirs}, this generator makes {ours}: name another by --data")
    return real, ""


def introduction(options: argparse.Namespace, subject: Subject) -> str:
    """What the page is about, and of how much."""
    loaded = subject.loaded
    kind = f"conditional ({loaded.classes} classes)" if loaded.classes else "unconditional"
    size = f"{loaded.resolution}x{loaded.resolution}"
    about = f"A {kind} R3GAN generator of {size} images after {loaded.images_shown / IMG_PER_KIMG:g} kimg"
    compared = f"compared with {subject.real.name}" if subject.real else "without real images to compare with"
    shown = ", ".join(map(str, options.seeds))
    drawn = f"{options.samples} samples"
    if loaded.classes:
        drawn += f", classes {'as often as in the data' if subject.knows_classes else 'equally often'}"
    return f"{about} ({options.weights}), {compared}. Seeds shown: {shown}; statistics of {drawn}."

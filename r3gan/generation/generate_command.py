"""`python -m r3gan generate`: images of seeds or of given latents, into a grid, a folder, a zip or an array."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from r3gan.data.errors import BadData
from r3gan.data.places import require_new
from r3gan.data.progress import progress_bar, tell
from r3gan.devices import device_of
from r3gan.generation.arguments import add_generator, image_count, seed_list
from r3gan.generation.class_names import named_classes
from r3gan.generation.images import GRID_SIDE, images_of
from r3gan.generation.inputs import as_one_hot, classes_of, latents_of
from r3gan.generation.latents_file import read_latents
from r3gan.generation.load import LoadedGenerator, load, origin
from r3gan.generation.outputs import OUTPUTS, Batch, Whole, output_of, require_space, write_whole
from r3gan.generation.running import stoppable

DEFAULT_COUNT = GRID_SIDE**2  # what a job's sample grids show


def add_generate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`r3gan generate`."""
    endings = ", ".join(f"{suffix or 'no ending'}: {row.text}" for suffix, row in OUTPUTS.items())
    parser = commands.add_parser("generate", help="images of a trained generator")
    add_generator(parser)
    parser.add_argument("destination", type=Path, help=f"what to write ({endings})")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--seeds", type=seed_list, metavar="0-63,100", help="an image of each (default: 0-63)")
    which.add_argument("--count", type=image_count, help="as many seeds from 0 on")
    which.add_argument("--latents", type=Path, metavar="FILE", help=".safetensors with z [N, Z] and maybe labels")
    how = "numbers or names, of a conditional generator; seed s takes number s mod their count (default: drawn)"
    parser.add_argument("--classes", metavar="0,3,5-7,cat", help=how)
    parser.set_defaults(run=stoppable(run_generate))


def run_generate(options: argparse.Namespace) -> int:
    """Generate, write, and say what was written."""
    require_new(options.destination)
    generator = load(options.source, options.weights, device_of(options.device))
    asked = inputs_of(options, named_classes(options.classes, options.source, generator), generator)
    output = output_of(options.destination, len(asked.numbers), generator.network.makes_points)
    require_space(output, options.destination, len(asked.numbers), generator.resolution)
    with progress_bar(f"generating {options.destination.name}") as progress:

        def batches() -> Iterator[Batch]:
            done = 0
            for batch in make(generator, asked, options.truncation, options.batch):
                yield batch
                done += len(batch.numbers)
                progress(done, len(asked.numbers))

        whole = Whole(batches(), len(asked.numbers), generator.resolution, generator.channels)
        write_whole(output, whole, options.destination)
    images = f"{len(asked.numbers):,} image{'s' if len(asked.numbers) > 1 else ''}"
    what = f"{output.text}, {images} of {generator.resolution}x{generator.resolution}"
    print(f"{options.destination} is written: {what}, {origin(options.source, generator)}")
    return 0


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What is to be made: seeds, unless latents are given."""

    numbers: Sequence[int]
    classes: tuple[int, ...]  # to choose from; empty: all
    given: Tensor | None = None  # latents [N, Z]
    weights: Tensor | None = None  # of classes, given with them [N, K]
    labelled: bool = True  # whether the weights are of one class each


def inputs_of(options: argparse.Namespace, classes: tuple[int, ...], generator: LoadedGenerator) -> Inputs:
    """What the options ask for. Raises BadData."""
    if options.latents is None:
        return Inputs(numbers=options.seeds or range(options.count or DEFAULT_COUNT), classes=classes)
    z, weights = read_latents(options.latents, generator)
    if weights is not None and classes:
        raise BadData(f"--classes: {options.latents} has labels of its own: leave one of the two out")
    if generator.classes and weights is None and not classes:
        raise BadData(f"{options.latents} has no labels, which this generator needs: put them there or name --classes")
    pure = weights is None or bool((weights == as_one_hot(weights.argmax(1), generator.classes)).all())
    if not pure:
        tell(f"{options.latents} mixes classes: the images are written without labels")
    return Inputs(numbers=range(len(z)), classes=classes, given=z, weights=weights, labelled=pure)


def make(generator: LoadedGenerator, asked: Inputs, truncation: float, at_once: int) -> Iterator[Batch]:
    """The images, batch by batch."""
    for start in range(0, len(asked.numbers), at_once):
        part = slice(start, start + at_once)
        numbers = asked.numbers[part]
        z = latents_of(numbers, generator.latent_dim, generator.noise_dim) if asked.given is None else asked.given[part]
        classes = weights = None
        if asked.weights is not None:
            weights = asked.weights[part]
            classes = weights.argmax(1) if asked.labelled else None
        elif generator.classes:
            classes = classes_of(numbers, generator.classes, asked.classes)
            weights = as_one_hot(classes, generator.classes)
        images = next(images_of(generator.network, truncation * z, weights, at_once))
        yield Batch(numbers, images, None if classes is None else classes.tolist())

"""`python -m r3gan interpolate`: the way from seed to seed, or from class to class, as a strip or a film."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from r3gan.arguments import positive
from r3gan.data.errors import BadData
from r3gan.data.places import require_new
from r3gan.data.progress import progress_bar
from r3gan.devices import device_of
from r3gan.files import replace_file
from r3gan.generation.arguments import add_generator, number_list
from r3gan.generation.class_names import named_classes
from r3gan.generation.films import FILMS, Frames, film_of, require_rate
from r3gan.generation.images import images_of, require_images, to_pixels
from r3gan.generation.inputs import as_one_hot, classes_of, latents_of
from r3gan.generation.load import LoadedGenerator, load, origin
from r3gan.generation.paths import WAYS, frame_count, path_through
from r3gan.generation.running import stoppable


def add_interpolate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`r3gan interpolate`."""
    parser = commands.add_parser("interpolate", help="the way from seed to seed, or class to class, as a strip or film")
    add_generator(parser)
    add = parser.add_argument
    endings = ", ".join(f"{suffix}: {row.text}" for suffix, row in FILMS.items())
    add("destination", type=Path, help=f"what to write ({endings})")
    add("--seeds", type=number_list, default=tuple(range(8)), metavar="0-7", help="the key frames (default: 0-7)")
    add("--classes", metavar="0,3,5-7,cat", help="of the key frames, numbers or names: as many as seeds, or one of "
        "the two is one (default: what each seed draws)")  # fmt: skip
    add("--way", choices=WAYS, default="spherical", help="of the latents; classes mix linearly (default: spherical)")
    add("--steps", type=positive, default=12, help="frames from one key frame to the next (default: 12)")
    add("--loop", action="store_true", help="go on from the last key frame to the first")
    add("--fps", type=positive, default=12, help="frames in a second of film (default: 12)")
    add("--scale", type=positive, default=1, help="show each pixel as a square of so many (default: 1)")
    parser.set_defaults(run=stoppable(run_interpolate))


def run_interpolate(options: argparse.Namespace) -> int:
    """Generate, write, and say what was written."""
    require_new(options.destination)
    generator = load(options.source, options.weights, device_of(options.device))
    require_images(generator.network, "interpolate")
    classes = named_classes(options.classes, options.source, generator)
    keys, size = key_count(options.seeds, classes), generator.resolution * options.scale
    film = film_of(options.destination, frame_count(keys, options.steps, options.loop), size)
    require_rate(film, options.destination, options.fps)
    z, weights = key_frames(options.seeds, classes, keys, generator)
    latents = options.truncation * path_through(z, options.steps, options.way, options.loop)
    labels = None if weights is None else path_through(weights, options.steps, "linear", options.loop)
    with progress_bar(f"generating {options.destination.name}") as progress:

        def batches() -> Iterator[np.ndarray]:
            done = 0
            for images in images_of(generator.network, latents, labels, options.batch):
                yield to_pixels(images).repeat(options.scale, axis=1).repeat(options.scale, axis=2)
                done += len(images)
                progress(done, len(latents))

        frames = Frames(batches(), len(latents), size, options.fps)
        replace_file(options.destination, lambda temporary: film.write(frames, temporary))
    what = f"{film.text}, {len(latents)} frames of {size}x{size} through {keys} key frames"
    print(f"{options.destination} is written: {what}, {origin(options.source, generator)}")
    return 0


def key_count(seeds: tuple[int, ...], classes: tuple[int, ...]) -> int:
    """How many key frames there are. Raises BadData if seeds and classes do not pair."""
    count = max(len(seeds), len(classes))
    if count < 2:
        raise BadData("--seeds: two key frames at least are needed, such as --seeds 0,1, or one seed and two --classes")
    if any(len(part) not in (1, count) for part in (seeds, classes or seeds)):
        raise BadData(f"--classes: {len(classes)} for {len(seeds)} seeds: as many or one of the two was expected")
    return count


def key_frames(
    seeds: tuple[int, ...], classes: tuple[int, ...], count: int, generator: LoadedGenerator
) -> tuple[Tensor, Tensor | None]:
    """Latents [M, Z] and, for a conditional generator, weights of classes [M, K].

    Without `classes` each seed has the one that it draws.
    """
    z = latents_of(seeds, generator.latent_dim, generator.noise_dim).expand(count, -1)
    if not generator.classes:
        return z, None
    labels = torch.tensor(classes) if classes else classes_of(seeds, generator.classes)
    return z, as_one_hot(labels, generator.classes).expand(count, -1)

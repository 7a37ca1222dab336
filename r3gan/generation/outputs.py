"""The files that images are written into, batch by batch, so that any number of them needs the memory of one batch.

Each writer takes the batches and the path to write. The names in folders and zips, and dataset.json with its labels,
are those of the StyleGAN and EDM dataset tools.
"""

import io
import json
import math
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from r3gan.data.errors import BadData
from r3gan.data.places import nearest
from r3gan.data.progress import warn
from r3gan.files import new_folder, replace_file
from r3gan.generation.images import tiled, to_pixels
from r3gan.generation.scatter import scatter
from r3gan.quantities import POINT_CHANNELS

MOST_IN_GRID = 4096
SHAPE_ROOM = 256  # bytes that a safetensors header is filled up to


class Batch(NamedTuple):
    """Some of the images."""

    numbers: Sequence[int]  # their seeds, or their rows in a file of latents
    images: Tensor  # [B, I, R, R], about -1..1
    classes: Sequence[int] | None  # of each image, if it has one


class Whole(NamedTuple):
    """All of the images."""

    batches: Iterator[Batch]
    total: int
    resolution: int
    channels: int = 3  # 2 of points of the plane


def write_grid(whole: Whole, path: Path) -> None:
    """All images in one PNG, about as many rows as columns; points of the plane in a scatter plot."""
    if whole.channels == POINT_CHANNELS:
        Image.fromarray(scatter(torch.cat([batch.images.flatten(1) for batch in whole.batches]))).save(path, "png")
        return
    pixels = np.concatenate([to_pixels(batch.images) for batch in whole.batches])
    Image.fromarray(tiled(pixels, math.ceil(math.sqrt(whole.total)))).save(path, "png")


def write_npz(whole: Whole, path: Path) -> None:
    """`arr_0` uint8 [N, R, R, 3] and, with classes, `arr_1` int64 [N]: what guided-diffusion's evaluator reads."""
    classes: list[int] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        with archive.open("arr_0.npy", "w", force_zip64=True) as file:
            shape = (whole.total, whole.resolution, whole.resolution, 3)
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for batch in whole.batches:
                file.write(to_pixels(batch.images).data)
                classes += batch.classes or ()
        if classes:
            with archive.open("arr_1.npy", "w") as file:
                np.lib.format.write_array(file, np.array(classes, np.int64), allow_pickle=False)


def write_zip(whole: Whole, path: Path) -> None:
    """PNGs, not compressed again, and dataset.json."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        _write_files(whole, archive.writestr)


def write_folder(whole: Whole, path: Path) -> None:
    """The same files in a folder."""

    def write(name: str, content: bytes) -> None:
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(content)

    _write_files(whole, write)


def write_tensors(whole: Whole, path: Path) -> None:
    """A safetensors file with `images` float32 [N, I, R, R] as the network makes them, neither clipped nor rounded."""
    shape = [whole.total, whole.channels, whole.resolution, whole.resolution]
    size = 4 * math.prod(shape)
    header = json.dumps({"images": {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}).ljust(SHAPE_ROOM)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header.encode())
        for batch in whole.batches:
            file.write(batch.images.float().cpu().contiguous().numpy().data)


def _write_files(whole: Whole, write: Callable[[str, bytes], None]) -> None:
    labels: list[tuple[str, int]] = []
    for batch in whole.batches:
        names = [f"{number // 1000:05d}/img{number:08d}.png" for number in batch.numbers]
        for name, pixels in zip(names, to_pixels(batch.images), strict=True):
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "png", compress_level=1)
            write(name, buffer.getvalue())
        labels += zip(names, batch.classes or (), strict=batch.classes is not None)
    write("dataset.json", json.dumps({"labels": labels or None}).encode())


class Output(NamedTuple):
    """A kind of output."""

    write: Callable[[Whole, Path], None]
    text: str
    of_points: bool = False  # whether points of the plane can be written so


OUTPUTS = {
    ".png": Output(write_grid, "one grid", of_points=True),
    "": Output(write_folder, "a folder of PNGs"),
    ".zip": Output(write_zip, "a zip of PNGs"),
    ".npz": Output(write_npz, "an array"),
    ".safetensors": Output(write_tensors, "a tensor", of_points=True),
}


def output_of(path: Path, count: int, points: bool = False) -> Output:
    """The kind that a path's suffix names. Raises BadData if there is none, or if it cannot hold so many images.

    points: whether they are points of the plane.
    """
    output = OUTPUTS.get(path.suffix.lower())
    if output is None:
        known = ", ".join(f"{suffix or 'none'} ({row.text})" for suffix, row in OUTPUTS.items())
        raise BadData(f"{path} ends in {path.suffix}: known endings are {known}")
    if points and not output.of_points:
        known = " or ".join(f"{suffix} ({row.text})" for suffix, row in OUTPUTS.items() if row.of_points)
        raise BadData(f"{path}: {output.text} holds images, and this generator makes points of the plane: name {known}")
    if output.write is write_grid and not points and count > MOST_IN_GRID:
        raise BadData(f"{path}: a grid shows at most {MOST_IN_GRID} images, not {count}: name a folder, .zip or .npz")
    return output


def require_space(output: Output, path: Path, count: int, resolution: int) -> None:
    """Raises BadData if the disk has no room for an array of so many images; warns of PNGs, which are packed."""
    need = count * 3 * resolution**2 * (4 if output.write is write_tensors else 1)
    free = shutil.disk_usage(nearest(path.parent)).free
    if need <= free:
        return
    images = f"{count:,} images of {resolution}x{resolution}"
    sizes = f"{images} are {need / 2**30:,.1f} GiB, {free / 2**30:,.1f} GiB are free"
    if output.write in (write_npz, write_tensors):
        raise BadData(f"{path}: {sizes}: ask for fewer, or write a .zip of PNGs")
    warn(f"{path}: unpacked, {sizes}")


def write_whole(output: Output, whole: Whole, path: Path) -> None:
    """Write under a temporary name and rename. Raises what making the images raises, and OSError."""
    put = new_folder if output.write is write_folder else replace_file
    put(path, lambda temporary: output.write(whole, temporary))

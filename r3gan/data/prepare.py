"""From a source to a prepared dataset or a dataset zip: checked image by image, resumable, never half there."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from filelock import Timeout

from r3gan.data.archive import is_zip, write_zip
from r3gan.data.conversion import AS_STORED, Conversion
from r3gan.data.errors import BadData, as_told
from r3gan.data.images import take
from r3gan.data.manifest import MANIFEST, PARTIAL, Manifest, is_prepared, is_resolution, read_manifest
from r3gan.data.recognise import PreparedSource
from r3gan.data.remarks import NONE, Remarks
from r3gan.data.sources import LabelMode, Source
from r3gan.data.store import ImageSet, open_prepared
from r3gan.data.summary import all_notes
from r3gan.data.writer import StoreWriter, publish
from r3gan.files import passing_lock, replace_file

AT_ONCE = 128  # images that are decoded before they are written
Progress = Callable[[int, int], None]  # is called with how many images of how many are done


@dataclass(frozen=True)
class Options:
    """How images are taken from a source."""

    resolution: int | None = None  # None: as they are
    labels: LabelMode = "auto"
    conversion: Conversion = AS_STORED


def no_progress(done: int, total: int) -> None:
    """Show nothing."""


class Written(NamedTuple):
    """What has been prepared."""

    manifest: Manifest
    notes: tuple[str, ...]  # what was left out, ignored or changed, in sentences


def write_prepared(
    source: Source, destination: Path, options: Options, progress: Progress = no_progress, wait: bool = False
) -> Written:
    """Write a prepared dataset into the folder `destination`, or a dataset zip if it ends in .zip. Begun ones go on.

    The work lies in DESTINATION.partial until it is done. The source was opened with `options.labels`.
    wait: if another process prepares the same, take what it made instead of raising BadData.
    Raises BadData naming what is wrong with the source or in the way, and DiskFull.
    """
    partial = partial_of(destination)
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with passing_lock(destination.with_name(f".{destination.name}.lock"), -1 if wait else 0):
            if is_prepared(destination) and wait:
                return Written(read_manifest(destination), ("another process has prepared it",))
            if is_prepared(destination) or destination.is_file():
                raise BadData(f"{destination} is there already: remove it to prepare it again")
            if (destination / MANIFEST).exists():
                raise BadData(f"{destination / MANIFEST} is another program's, and would be replaced: move it away")
            if is_zip(destination):
                return _prepare_zip(source, destination, partial, options, progress)
            written = _write_folder(source, destination.name, partial, options, progress)
            publish(partial, destination)
            return written
    except Timeout as error:
        raise BadData(f"{destination} is being prepared by another process") from error
    except OSError as error:
        kept = "; what is there is kept, run the same again to go on" if os.path.exists(partial) else ""
        raise as_told(error, f"{partial} cannot be written: {error.strerror or error}{kept}") from error


def partial_of(destination: Path) -> Path:
    """The folder that holds a dataset until it is complete."""
    return destination.with_name(destination.name + PARTIAL)


class Stack(NamedTuple):
    """Some images of a source, all of one size."""

    images: np.ndarray  # uint8 [n, R, R, 3]
    remarks: Remarks


def survey(source: Source, options: Options, resolution: int, start: int = 0) -> Iterator[Stack]:
    """The images from index `start` on, checked, in stacks of the resolution. Raises BadData."""
    items = source.items(start)
    with ThreadPoolExecutor(os.cpu_count(), "decode") as pool:
        while some := list(islice(items, AT_ONCE)):
            pictures = list(pool.map(lambda item: take(item, options.resolution, options.conversion), some))
            for item, (image, _) in zip(some, pictures, strict=True):
                if len(image) != resolution:
                    sizes = f"{len(image)}x{len(image)}, the first image {resolution}x{resolution}"
                    raise BadData(f"{item.name} is {sizes}: `data prepare --resolution R` reduces all")
            remarks = sum((picture.remarks for picture in pictures), NONE)
            yield Stack(np.stack([picture.pixels for picture in pictures]), remarks)


def resolution_of(source: Source, options: Options) -> int:
    """The resolution that is asked for, or that of the first image. Raises BadData if networks have no such."""
    if options.resolution is not None:
        return options.resolution
    item = next(source.items(0))
    size = len(take(item, None, options.conversion).pixels)
    if not is_resolution(size):
        found = f"{item.name} is {size}x{size}, but networks make 4, 8, 16, 32, ... pixels"
        raise BadData(f"{found}: `data prepare --resolution R` reduces them")
    return size


def source_hash(source: Source, options: Options) -> str:
    """A hash of the names and sizes of the source's parts, of its labels and of the options."""
    digest = hashlib.sha256(json.dumps([asdict(options), list(source.parts)]).encode())
    if source.labels is not None:
        digest.update(source.labels.data)
    return digest.hexdigest()[:16]


def _write_folder(source: Source, name: str, folder: Path, options: Options, progress: Progress) -> Written:
    count, resolution = len(source), resolution_of(source, options)
    writer = StoreWriter(folder, source_hash(source, options), count, resolution)
    try:
        need, free = (count - writer.done) * resolution**2 * 3, shutil.disk_usage(folder).free
        if need > free:
            raise OSError(errno.ENOSPC, f"{need / 2**30:.1f} GiB are needed, {free / 2**30:.1f} GiB are free")
        progress(writer.done, count)
        for stack in survey(source, options, resolution, writer.done):
            writer.append(*stack)
            progress(writer.done, count)
        if writer.done != count:
            raise BadData(f"{source.description} ended after {writer.done} of {count} images")
        earlier = source.data.manifest.background if isinstance(source, PreparedSource) else ""
        background = earlier or writer.remarks.background(options.conversion)
        manifest = writer.finish(name, source.description, source.labels, source.class_names, background)
        return Written(manifest, (*all_notes(source), *writer.remarks.notes(count, options.conversion)))
    except BadData:  # the source, once mended, is another one, with which this cannot go on
        shutil.rmtree(folder)
        raise
    finally:
        writer.close()


def _prepare_zip(source: Source, destination: Path, partial: Path, options: Options, progress: Progress) -> Written:
    """By way of a prepared folder, unless the source is one."""
    if isinstance(source, PreparedSource) and options.resolution in (None, source.data.resolution):
        _pack(source.data, source, destination, progress)
        return Written(source.data.manifest, all_notes(source))
    written = _write_folder(source, destination.stem, partial, options, progress)
    _pack(open_prepared(partial), source, destination, progress)
    shutil.rmtree(partial)
    return written


def _pack(data: ImageSet, source: Source, destination: Path, progress: Progress) -> None:
    replace_file(destination, lambda temporary: write_zip(data, source.labels, temporary, progress))

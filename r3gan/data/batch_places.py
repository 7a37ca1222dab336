"""Where batch files lie: in a folder, in a zip, or in a .tar.gz."""

import io
import tarfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from r3gan.data.batchfiles import FAMILIES, BatchFiles, Part, is_batch, is_beside, open_batches
from r3gan.data.errors import BadData
from r3gan.data.files import ZipFiles
from r3gan.data.litter import count_kinds, litter_above, litter_note
from r3gan.data.member_names import normal_name
from r3gan.data.sources import LabelMode


def folder_parts(paths: Sequence[Path]) -> list[Part]:
    """Batch files that lie in a folder."""
    return [Part(path.name, str(path), path.stat().st_size, partial(_opened, path)) for path in paths]


def zip_parts(files: ZipFiles, wanted: Callable[[str], bool] = is_batch) -> list[Part]:
    """Batch files in a zip."""
    return [
        Part(PurePosixPath(name).name, files.where(name), size, partial(_member, files, name))
        for name, size in files.sizes.items()
        if wanted(name)
    ]


def _opened(path: Path) -> BinaryIO:
    return path.open("rb")


def _member(files: ZipFiles, name: str) -> BinaryIO:
    return io.BytesIO(files.read(name))


def open_tar(path: Path, mode: LabelMode) -> BatchFiles:
    """Batch files in a .tar.gz, kept in memory: an archive of this kind cannot be entered in the middle."""
    parts: list[Part] = []
    kinds: set[tuple[str, str]] = set()
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                inner = normal_name(member.name) or member.name
                litter = litter_above(inner)
                if litter is not None:
                    kinds.add(litter)
                elif member.isfile() and (is_batch(inner) or is_beside(inner)):
                    file = archive.extractfile(member)
                    assert file is not None
                    data = file.read()
                    name = PurePosixPath(inner).name
                    parts.append(Part(name, f"{path}: {member.name}", len(data), partial(io.BytesIO, data)))
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise BadData(f"{path} cannot be read as a .tar.gz archive: is it cut off? ({error})") from error
    batches, others = ([part for part in parts if is_batch(part.name) is kind] for kind in (True, False))
    if not batches:
        raise BadData(f"{path} holds no batch files ({', '.join(f.prefix + '1' for f in FAMILIES)} ...)")
    source = open_batches(path, batches, mode, others)
    return replace(source, notes=(*source.notes, *litter_note(count_kinds(kind for kind, _ in kinds))))

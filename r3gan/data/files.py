"""The files of a folder or of a zip, by relative name: listed safely, in sorted order, and read one by one."""

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from r3gan.data.errors import BadData
from r3gan.data.litter import count_kinds, litter_above, litter_kind
from r3gan.data.member_names import normal_name


class Files(Protocol):
    """Named files under one path."""

    @property
    def path(self) -> Path:
        """The folder or the archive."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Relative name -> size in bytes, in the names' order. Litter is left out."""

    @property
    def litter(self) -> Mapping[str, int]:
        """What of systems was skipped: kind -> how many files and folders."""

    def where(self, name: str) -> str:
        """The file's full name, for messages."""

    def read(self, name: str) -> bytes:
        """The file's content. Raises BadData."""


class FolderFiles:
    """The files in a folder and its subfolders; links are followed. Raises BadData on links that lead in a circle."""

    def __init__(self, path: Path):
        self.path = path
        kinds: list[str] = []
        self.sizes: Mapping[str, int] = dict(sorted(_walk(path, "", (), kinds)))
        self.litter = count_kinds(kinds)

    def where(self, name: str) -> str:
        return str(self.path / name)

    def read(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise BadData(f"{self.path / name} cannot be read: {error.strerror}") from error


class ZipFiles:
    """The files of a zip archive, which is never unpacked. Raises BadData if it is damaged or names outer paths."""

    def __init__(self, path: Path):
        self.path = path
        try:
            self.archive = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, ValueError) as error:
            raise BadData(f"{path} cannot be opened as a zip archive: is it cut off? ({error})") from error
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in self.archive.infolist():
            name = normal_name(info.filename)
            if name is None:
                raise BadData(f"{path} names {info.filename!r}, a path outside of itself: it is not to be trusted")
            if info.filename.endswith(("/", "\\")):
                continue
            if self._members.setdefault(name, info) is not info:
                raise BadData(f"{path} holds {name} twice")
        above = {name: litter_above(name) for name in self._members}
        self.litter = count_kinds(kind for kind, _ in {found for found in above.values() if found})
        kept = sorted(name for name, found in above.items() if not found)
        self.sizes: Mapping[str, int] = {name: self._members[name].file_size for name in kept}

    def where(self, name: str) -> str:
        return f"{self.path}: {name}"

    def read(self, name: str) -> bytes:
        try:
            return self.archive.read(self._members[name])
        except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error) as error:
            raise BadData(f"{self.where(name)} cannot be read: {error}") from error


def open_files(path: Path) -> Files:
    """The files of a folder, or of a zip. Raises BadData."""
    return FolderFiles(path) if path.is_dir() else ZipFiles(path)


def _walk(
    folder: Path, prefix: str, above: tuple[tuple[int, int], ...], litter: list[str]
) -> Iterator[tuple[str, int]]:
    """Relative names and sizes; `above` identifies the folders that lead here, `litter` takes the kinds of what is."""
    here = folder
    try:
        status = folder.stat()
        above = (*above, (status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            for entry in entries:
                here = folder / entry.name
                kind = litter_kind(entry.name)
                if kind is not None:
                    litter.append(kind)
                    continue
                status = entry.stat()
                if stat.S_ISDIR(status.st_mode):
                    if (status := here.stat()) and (status.st_dev, status.st_ino) in above:
                        raise BadData(f"{here} leads back to a folder that it lies in")
                    yield from _walk(here, f"{prefix}{entry.name}/", above, litter)
                elif stat.S_ISREG(status.st_mode):
                    yield prefix + entry.name, status.st_size
                else:
                    raise BadData(f"{here} is neither a file nor a folder")
    except OSError as error:
        raise BadData(f"{here} cannot be read: {error.strerror}") from error

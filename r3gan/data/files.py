"""The files of a folder or of a zip, by relative name: listed safely, in sorted order, and read one by one."""

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Protocol

from r3gan.data.errors import BadData


class Files(Protocol):
    """Named files under one path."""

    @property
    def path(self) -> Path:
        """The folder or the archive."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Relative name -> size in bytes, in the names' order. Hidden files are left out."""

    def where(self, name: str) -> str:
        """The file's full name, for messages."""

    def read(self, name: str) -> bytes:
        """The file's content. Raises BadData."""


class FolderFiles:
    """The files in a folder and its subfolders; links are followed. Raises BadData on links that lead in a circle."""

    def __init__(self, path: Path):
        self.path = path
        self.sizes: Mapping[str, int] = dict(sorted(_walk(path, "", ())))

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
        found = [(info.filename, info.file_size) for info in self.archive.infolist() if not info.is_dir()]
        for name, _ in found:
            if name.startswith("/") or "\\" in name or ":" in name or ".." in PurePosixPath(name).parts:
                raise BadData(f"{path} names {name!r}, a path outside of itself: it is not to be trusted")
        if len({name for name, _ in found}) < len(found):
            twice = next(name for i, (name, _) in enumerate(found) if name in {other for other, _ in found[:i]})
            raise BadData(f"{path} holds {twice} twice")
        self.sizes: Mapping[str, int] = dict(sorted((name, size) for name, size in found if not _is_hidden(name)))

    def where(self, name: str) -> str:
        return f"{self.path}: {name}"

    def read(self, name: str) -> bytes:
        try:
            return self.archive.read(name)
        except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error) as error:
            raise BadData(f"{self.where(name)} cannot be read: {error}") from error


def open_files(path: Path) -> Files:
    """The files of a folder, or of a zip. Raises BadData."""
    return FolderFiles(path) if path.is_dir() else ZipFiles(path)


def _walk(folder: Path, prefix: str, above: tuple[tuple[int, int], ...]) -> Iterator[tuple[str, int]]:
    """Relative names and sizes; `above` identifies the folders that lead here."""
    here = folder
    try:
        status = folder.stat()
        above = (*above, (status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            for entry in entries:
                here = folder / entry.name
                if _is_hidden(entry.name):
                    continue
                status = entry.stat()
                if stat.S_ISDIR(status.st_mode):
                    if (status := here.stat()) and (status.st_dev, status.st_ino) in above:
                        raise BadData(f"{here} leads back to a folder that it lies in")
                    yield from _walk(here, f"{prefix}{entry.name}/", above)
                elif stat.S_ISREG(status.st_mode):
                    yield prefix + entry.name, status.st_size
                else:
                    raise BadData(f"{here} is neither a file nor a folder")
    except OSError as error:
        raise BadData(f"{here} cannot be read: {error.strerror}") from error


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)

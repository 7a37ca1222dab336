"""Whether something can be written at a place, found out before the work and not after it. Needs no torch."""

import os
import tempfile
from pathlib import Path

from r3gan.data.errors import BadData, as_told

LONGEST_NAME = 255  # bytes, where the file system does not say
TEMPORARY = len(".12345678.")  # bytes that names have more while their files are written: see r3gan/files.py


def require_new(path: Path) -> None:
    """Raises BadData if there is something of this name already, or nothing can be written there."""
    if os.path.lexists(path):
        raise BadData(f"{path} exists already: remove it or name another place")
    require_writable(path.parent)
    _require_short(path)


def require_file_place(path: Path) -> None:
    """Raises BadData if no file can be written there, be it a new one or in the place of one that is there."""
    if os.path.isdir(path):
        raise BadData(f"{path} is a folder: the name of a file was expected")
    if not os.path.exists(path):
        target = path.resolve() if path.is_symlink() else path
        require_writable(target.parent)
        _require_short(target)
    elif not os.access(path, os.W_OK):
        raise BadData(f"{path} is there and cannot be written: name another file")


def require_writable(folder: Path) -> None:
    """Raises BadData if the folder takes no new file, or cannot be made."""
    above = nearest(folder)
    if not above.is_dir():
        raise BadData(f"{folder} cannot be made: {above} is no folder")
    try:
        tempfile.TemporaryFile(dir=above).close()
    except OSError as error:
        reason = error.strerror or error
        raise as_told(error, f"{folder} cannot be written: {above} takes no new file ({reason})") from error


def nearest(folder: Path) -> Path:
    """The folder itself, or what there is on the way to it."""
    return next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))


def longest_name(folder: Path) -> int:
    """How many bytes a name in the folder, which need not be there yet, can have."""
    above = nearest(folder)
    return os.pathconf(above, "PC_NAME_MAX") if hasattr(os, "pathconf") and above.is_dir() else LONGEST_NAME


def _require_short(path: Path) -> None:
    size, most = len(os.fsencode(path.name)), longest_name(path.parent) - TEMPORARY
    if size > most:
        raise BadData(f"{path} has a name of {size} bytes: at most {most} can be")

"""Files that appear whole or not at all: written under a temporary name, synced, and renamed."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Put what `write` writes into the file it is given in the place of `path`: never half, not even after a power cut.

    Folders on the way are made. A file that is there keeps its mode, and a link stays a link to the new content.
    Raises what `write` raises, and OSError; `path` is then as it was.
    """
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{target.name}.tmp")
    try:
        write(temporary)
        if target.exists():
            os.chmod(temporary, target.stat().st_mode & 0o7777)
        sync_path(temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    sync_path(target.parent)


def new_folder(path: Path, write: Callable[[Path], object]) -> None:
    """Make a folder, which is not there yet, of the files that `write` writes into the folder it is given.

    Raises what `write` raises, and OSError; there is then nothing at `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as above:
        inner = Path(above) / path.name
        inner.mkdir()
        write(inner)
        inner.rename(path)
    sync_path(path.parent)


def write_text(path: Path, text: str) -> None:
    """`replace_file` with a text, in UTF-8 and with its line ends as they are."""
    replace_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8", newline=""))


def write_json(path: Path, data: Any) -> None:
    """`write_text` of indented JSON."""
    write_text(path, json.dumps(data, indent=2) + "\n")


def read_object(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file; None if there is none."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):  # the last: of brackets within brackets without end
        return None
    return found if isinstance(found, dict) else None


def file_lock(path: Path, timeout: float = -1) -> FileLock:
    """The lock that a file of this name is, by default waited for without end.

    Raises OSError where no file can be made: FileLock would take that for a lock that another process holds.
    """
    path.touch()
    return FileLock(path, timeout=timeout)


@contextmanager
def passing_lock(path: Path, timeout: float = -1) -> Iterator[None]:
    """`file_lock` for the time of some work; the file is gone after it, and whoever waits for it makes a new one.

    Raises what the work and `file_lock` raise, and Timeout.
    """
    with file_lock(path, timeout):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def sync_path(path: Path) -> None:
    """Force a file's bytes, or a folder's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

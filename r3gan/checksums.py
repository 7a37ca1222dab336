"""Folders that are sealed: a list of every file's SHA-256, written last, says whether the folder is whole and sound."""

import hashlib
import json
from pathlib import Path

from r3gan.files import sync_path, write_json

CHECKSUMS = "checksums.json"


def seal(folder: Path) -> None:
    """Sync every file of a flat folder, then write down their hashes. Raises OSError."""
    digests = {}
    for path in sorted(folder.iterdir()):
        sync_path(path)
        digests[path.name] = file_hash(path)
    write_json(folder / CHECKSUMS, digests)


def find_damage(folder: Path) -> str | None:
    """What is wrong with a sealed folder, in words; None if every file is as it was written."""
    try:
        digests = json.loads((folder / CHECKSUMS).read_text())
        for name, promised in digests.items():
            if file_hash(folder / name) != promised:
                return f"{name} is not what was written"
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except OSError as error:
        return f"{Path(error.filename or folder).name} cannot be read: {error.strerror}"
    except (ValueError, AttributeError, TypeError):
        return f"{CHECKSUMS} is not what was written"
    return None if digests else f"{CHECKSUMS} is empty"


def file_hash(path: Path) -> str:
    """Of a file's bytes. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

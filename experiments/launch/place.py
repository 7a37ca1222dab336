"""The place of a job: a name that its folder carries along when it is moved, and that no other folder has.

Two folders of one job, which a copy or another output folder makes, are two places, each with a run of its own.
"""

import socket
import uuid
from pathlib import Path

from r3gan.files import read_object, write_json
from r3gan.jobdir import JobDir

KEY = "place"


def place_of(job: JobDir) -> str:
    """The name of a job's folder; made up where there is none. Raises OSError if it cannot be written."""
    return _read(job) or new_place(job)


def new_place(job: JobDir) -> str:
    """Give a folder another name: it is a copy. Raises OSError."""
    place = uuid.uuid4().hex
    write_json(job.place, {KEY: place})
    return place


def folder_of(job: JobDir) -> str:
    """Where it lies at present: host and path."""
    return f"{socket.gethostname()}:{job.root.resolve()}"


def is_at(place: str, folder: str) -> bool:
    """Whether a folder, as `folder_of` says it, is of this host and still is that place."""
    host, _, path = folder.partition(":")
    return host == socket.gethostname() and _read(JobDir(Path(path))) == place


def _read(job: JobDir) -> str | None:
    found = (read_object(job.place) or {}).get(KEY)
    return found if isinstance(found, str) else None

"""What of a job's folder MLflow has, noted beside it, so that whoever comes next sends only what is new.

The note is no truth: without it, or with another one, the job is sent again, which changes nothing.
"""

import os
from contextlib import suppress
from pathlib import Path

from experiments.tracking.address import SERVED, URI_VARIABLE
from r3gan.files import read_object, write_json
from r3gan.jobdir import JobDir

Content = dict[str, str | int | bool]


def content_of(job: JobDir) -> Content:
    """What tells a folder from what it was, and where it would be sent to. Loads no MLflow."""
    uri = os.environ.get(URI_VARIABLE, "")
    is_server = uri.startswith(tuple(f"{scheme}:" for scheme in SERVED))
    return {
        "store": uri if is_server else f"{os.getcwd()}:{uri}",  # the address of a file counts from here
        "folder": os.path.abspath(job.root),
        "metrics_bytes": _size(job.metrics),
        "finished": os.path.exists(job.result),
        "diverged": os.path.exists(job.diverged),
    }


def note_sent(job: JobDir, content: Content) -> list[str]:
    """MLflow has all of that. Where nothing can be written, it is sent again the next time. Returns a sentence on a
    folder in the note's place."""
    with suppress(OSError):
        write_json(job.sent, content)
    what = "is a folder, where a file is to note what MLflow has: everything is sent again each time until it is gone"
    return [f"{job.sent} {what}"] if job.sent.is_dir() else []


def is_behind(job: JobDir) -> bool:
    """Whether MLflow may lack something of a job that has ended."""
    return read_object(job.sent) != content_of(job)


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0

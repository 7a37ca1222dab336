"""What the system refuses, in one sentence: permissions, names that are too long, read-only and full disks."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from r3gan.data.errors import DiskFull, as_told


@contextmanager
def told_in_one_sentence() -> Iterator[None]:
    """Any OSError within is raised as BadData, or as DiskFull; names that are no text can be printed."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield
    except (DiskFull, BrokenPipeError):
        raise
    except OSError as error:
        raise as_told(error, system_sentence(error)) from error


def system_sentence(error: OSError) -> str:
    """What failed, and why."""
    reason = error.strerror or str(error)
    return reason if error.filename is None else f"{error.filename} cannot be used: {reason}"

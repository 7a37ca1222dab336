"""Other processes of this machine."""

import os
from pathlib import Path

PROC = Path("/proc")


def is_alive(pid: int) -> bool:
    """Whether a process with this id exists that is not a zombie: ended, and not yet waited for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return status_fields(pid)[:1] not in (["Z"], ["X"])


def status_fields(pid: int) -> list[str]:
    """What Linux's /proc/PID/stat says behind the process's name; empty if it is gone, and on other systems."""
    try:
        return (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []

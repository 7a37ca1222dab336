"""Other processes of this machine."""

import os
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Whether a process with this id exists that is not a zombie: ended, and not yet waited for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:  # gone by now, or a system that says nothing there
        return False
    return status.rpartition(")")[2].split()[0] in ("Z", "X")

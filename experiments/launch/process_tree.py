"""A process of this machine and all that it started, directly or not, as Linux's /proc lists them."""

import os
import signal
from contextlib import suppress

from r3gan.processes import PROC, status_fields

PARENT, TIMES = 1, slice(11, 15)  # behind the name in /proc/PID/stat; user, system, and the same of ended children


def processor_seconds(pid: int) -> float | None:
    """Processor time that the process and its descendants have used; None where there is no /proc."""
    if not (PROC / "self" / "stat").exists():
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    table = read_table()
    return sum(sum(map(int, table[member][TIMES])) for member in family(pid, table)) / ticks


def kill_family(pid: int) -> None:
    """End the process and its descendants at once."""
    for member in family(pid, read_table()) or [pid]:
        with suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)


def family(pid: int, table: dict[int, list[str]]) -> list[int]:
    """The process and its descendants, as far as they are there."""
    members = [pid] if pid in table else []
    for member in members:  # grows on the way
        members += [child for child, fields in table.items() if int(fields[PARENT]) == member]
    return members


def read_table() -> dict[int, list[str]]:
    """Process -> what /proc/PID/stat says behind the name; empty where there is no /proc."""
    pids = (int(path.parent.name) for path in PROC.glob("[0-9]*/stat"))
    return {pid: fields for pid in pids if (fields := status_fields(pid))}  # without those that have ended by now

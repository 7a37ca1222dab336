"""The log of a job: what its processes printed, attempt by attempt."""

import time
from datetime import datetime
from typing import IO

from r3gan.jobdir import JobDir

ATTEMPT_MARK = "=== attempt "  # begins each attempt


def begin_attempt(log: IO[str]) -> None:
    """Mark the beginning of an attempt, before its processes print anything."""
    log.write(f"{ATTEMPT_MARK}{time.strftime('%Y-%m-%d %H:%M:%S%z')} ===\n")
    log.flush()


def first_attempt(directory: JobDir) -> float | None:
    """When it began, in seconds since 1970; None if the log does not say. Earlier versions wrote no time zone."""
    if not directory.log.exists():
        return None
    with directory.log.open(errors="replace") as log:
        mark = next((line for line in log if line.startswith(ATTEMPT_MARK)), "")
    try:
        return datetime.fromisoformat(mark.removeprefix(ATTEMPT_MARK).removesuffix(" ===\n")).timestamp()
    except ValueError:
        return None


def log_warnings(directory: JobDir) -> list[str]:
    """What the job warned of in its last attempt: damage that it found and left out, say."""
    lines = _last_attempt(directory).splitlines()
    return list(dict.fromkeys(line for line in lines if line.startswith("warning: ")))


def log_tail(directory: JobDir, lines: int = 15) -> str:
    """The end of what the job itself printed in its last attempt, without the launcher's own report."""
    own = [line for line in _last_attempt(directory).splitlines() if line.strip()]
    report = next((i for i, line in enumerate(own) if "torch/distributed/elastic" in line), len(own))
    return "\n".join(own[:report][-lines:] or own[-lines:])


def _last_attempt(directory: JobDir) -> str:
    text = directory.log.read_text(errors="replace") if directory.log.exists() else ""
    return text.rpartition(ATTEMPT_MARK)[2].partition("\n")[2]

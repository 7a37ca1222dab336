"""The log of a job: what its processes printed, attempt by attempt."""

import time
from typing import IO

from r3gan.jobdir import JobDir

ATTEMPT_MARK = "=== attempt "  # begins each attempt


def begin_attempt(log: IO[str]) -> None:
    """Mark the beginning of an attempt, before its processes print anything."""
    log.write(f"{ATTEMPT_MARK}{time.strftime('%Y-%m-%d %H:%M:%S')} ===\n")
    log.flush()


def log_tail(directory: JobDir, lines: int = 15) -> str:
    """The end of what the job itself printed in its last attempt, without the launcher's own report."""
    text = directory.log.read_text(errors="replace") if directory.log.exists() else ""
    attempt = text.rpartition(ATTEMPT_MARK)[2].partition("\n")[2]
    own = [line for line in attempt.splitlines() if line.strip()]
    report = next((i for i, line in enumerate(own) if "torch/distributed/elastic" in line), len(own))
    return "\n".join(own[:report][-lines:] or own[-lines:])

"""A job that hangs is found out, and stopped: one in whose folder nothing is new, and which computes nothing either.

Files alone would not do: an evaluation, or a large batch on a slow machine, may take hours without a line.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from experiments.launch.launchers import Process
from r3gan.jobdir import JobDir

LOOK_SECONDS = 10.0  # between looks
IDLE_SHARE = 0.05  # of a core: a torchrun that only waits uses less than a hundredth
LONGEST_STOP_SECONDS = 60.0  # for a job that was asked to stop; torchrun itself gives its ranks 30


@dataclass(kw_only=True)
class Watchdog:
    """Watches one running job."""

    directory: JobDir
    process: Process
    patience_minutes: float  # 0: without end
    clock: Callable[[], float]  # seconds
    reason: str = ""  # why the job was stopped; empty if it was not
    _sign: tuple[Any, ...] = ()
    _processor: float | None = None
    _looked: float = field(init=False)
    _alive: float = field(init=False)  # when it last gave a sign of life; once it was asked to stop, when that was

    def __post_init__(self) -> None:
        self._looked = self._alive = self.clock()

    def look(self) -> None:
        """Stop the job if it has been silent for too long; end it if it does not stop."""
        now = self.clock()
        if not self.patience_minutes or now - self._looked < LOOK_SECONDS:
            return
        if self.reason:
            if now - self._alive > LONGEST_STOP_SECONDS:
                self.process.kill()
        elif self._is_alive(now):
            self._alive = now
        elif now - self._alive > 60 * self.patience_minutes:
            self.reason, self._alive = silence_text(self.patience_minutes), now
            self.process.stop()
        self._looked = now

    def _is_alive(self, now: float) -> bool:
        sign, processor = changes(self.directory), self.process.processor_seconds()
        before, self._sign, self._processor = (self._sign, self._processor), sign, processor
        if processor is None or before[1] is None:
            return True
        return sign != before[0] or processor - before[1] > IDLE_SHARE * (now - self._looked)


def silence_text(minutes: float) -> str:
    """Why a silent job was stopped."""
    return (
        f"stopped after {minutes:g} minutes without a sign of life: nothing new in its log, metrics or checkpoints, "
        "and no processor time used; --patience MINUTES waits longer, 0 without end"
    )


def changes(job: JobDir) -> tuple[Any, ...]:
    """What changes whenever a job writes something."""
    found: list[tuple[int, int]] = []
    for path in (job.root, job.log, job.metrics, job.checkpoints, job.samples):
        with suppress(OSError):  # not there yet
            status = os.stat(path)
            found.append((status.st_mtime_ns, status.st_size))
    return tuple(found)

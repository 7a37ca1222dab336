"""A job within its allocation: what Slurm starts, through submitit, on each of the job's machines.

The job directory keeps the truth: this writes nothing but the job's log. Told that the time limit or a preemption is
near, it has the job write a checkpoint, and goes to the queue again.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Protocol

from experiments.launch.local import LocalProcess
from experiments.launch.outcome import JobState
from experiments.launch.scheduler import outcome_of
from experiments.launch.signs_of_life import Watchdog
from r3gan.computation import Computation
from r3gan.job_log import log_tail
from r3gan.jobdir import JobDir
from r3gan.one_machine import on_cores, on_gpus, start_ranks
from r3gan.rendezvous import Meeting

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

LOOK_SECONDS = 0.5
NOTICE = getattr(signal, f"SIG{os.environ.get('SUBMITIT_PREEMPT_SIGNAL', 'USR2')}")  # as submitit asks Slurm for it
PORTS = range(20_000, 30_000)  # of the first machine, one for each of Slurm's jobs


@contextmanager
def deaf_to(number: int) -> Iterator[None]:
    """Processes that are started within ignore the signal. One that arrives at that moment is lost."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


class JobFailed(Exception):
    """The job has failed, so that Slurm calls it failed, too."""


@dataclass(kw_only=True)
class NodeJob:
    """What is pickled and submitted. Called on a node, it trains in `directory` (absolute) until the job ends."""

    directory: str
    ranks: int  # over all machines
    nodes: int
    uses_gpus: bool
    computation: Computation
    patience_minutes: float
    began_at: int | None = None  # images of the last checkpoint when the attempt before was cut short

    process: LocalProcess | None = field(default=None, init=False)  # of this attempt

    def __call__(self) -> str:
        """Returns what became of the job. Raises JobFailed."""
        job = JobDir(Path(self.directory))
        if job.finished():
            return str(JobState.FINISHED)
        asked: list[int] = []
        meeting = meeting_here() if self.nodes > 1 else None
        ranks = self.ranks // self.nodes
        with deaf_to(NOTICE):  # Slurm sends it to all processes of a job, and only this one knows what to do
            started = start_ranks(job, ranks, self.computation, self.environment(ranks), meeting)
        process = self.process = LocalProcess(started)

        def stop(number: int, _: FrameType | None) -> None:  # scancel, or a preemption: Slurm ends it soon
            asked.append(number)
            process.stop()

        signal.signal(signal.SIGTERM, stop)
        watchdog = Watchdog(
            directory=job, process=process, patience_minutes=self.patience_minutes, clock=time.monotonic
        )
        while (code := process.poll()) is None:
            time.sleep(LOOK_SECONDS)
            watchdog.look()
        outcome = outcome_of(job, code, bool(asked), watchdog.reason)
        if outcome.state is JobState.FINISHED or asked or (meeting and meeting.here and not code):
            return str(outcome.state)  # of several machines the first one tells how it ended
        raise JobFailed(f"{outcome}\n{log_tail(job)}")

    def environment(self, ranks: int) -> dict[str, str]:
        """The variables that confine so many ranks to what Slurm gave the job here."""
        return on_gpus(range(ranks), ranks) if self.uses_gpus else on_cores(ranks)

    def cut_short(self) -> "NodeJob":
        """Let the job write a checkpoint and end. Returns what goes on with it. Raises JobFailed if nothing was won
        since the last time: it would go to the queue for ever."""
        job = JobDir(Path(self.directory))
        if self.process is not None:
            self.process.stop()
            self.process.process.wait()
        newest = job.last_checkpoint()
        images = int(newest.name) if newest else 0
        if self.began_at is not None and images <= self.began_at and not job.finished():
            raise JobFailed(f"between two time limits it got no further than {images / 1000:g} kimg: raise `hours`")
        return replace(self, began_at=images)


class Work(Protocol):
    """What can be submitted; it is pickled."""

    def __call__(self) -> str:
        """Do it, on a node. Returns what became of it."""

    def cut_short(self) -> "Work":
        """Let it end in order. Returns what goes on with it."""


class OnNode:
    """What submitit calls on a node, and what it asks when the time limit or a preemption is near."""

    def __call__(self, job: Work) -> str:
        """See Work."""
        return job()

    def checkpoint(self, job: Work) -> "DelayedSubmission":
        """See Work.cut_short."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, job.cut_short())


def meeting_here() -> Meeting:
    """Where the job's machines meet, as Slurm tells this one."""
    from submitit import JobEnvironment

    slurm = JobEnvironment()
    number, restarts = int(slurm.raw_job_id), os.environ.get("SLURM_RESTART_COUNT", "0")
    port = PORTS[number % len(PORTS)]
    return Meeting(hosts=tuple(slurm.hostnames), here=slurm.node, port=port, attempt=f"{number}-{restarts}")

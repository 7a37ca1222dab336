"""What becomes of a job, and why."""

from dataclasses import dataclass
from enum import StrEnum


class JobState(StrEnum):
    """How a job ended, or did not."""

    FINISHED = "finished"
    FAILED = "failed"
    DIVERGED = "diverged"  # a loss was not finite: the job's own doing, not the machine's
    STOPPED = "stopped"  # asked to, with a checkpoint to go on from
    ELSEWHERE = "elsewhere"  # another command trains it: it is left alone
    PRUNED = "pruned"  # stopped by a search's pruner, not to go on

    @property
    def is_failure(self) -> bool:
        """Whether the command that ran the job has to say so in its exit code."""
        return self in (JobState.FAILED, JobState.DIVERGED)


@dataclass(frozen=True)
class JobOutcome:
    """A state, and the reason where there is one to tell."""

    state: JobState
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.state} ({self.reason})" if self.reason else str(self.state)

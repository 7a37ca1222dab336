"""A search and its trials as data: what `experiments.tune` writes, MLflow keeps and `analysis` reads. Loads no library.

As JSON it is `dataclasses.asdict` of a SearchRecord; the names of its fields are that format.
"""

import os
import socket
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from r3gan.config_json import from_dict


class TrialState(StrEnum):
    """What has become of a trial."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    DIVERGED = "diverged"  # a loss was not finite: the parameters' doing
    FAILED = "failed"  # for another reason: what it kept from the search is given back to the budget
    RUNNING = "running"
    WAITING = "waiting"
    INTERRUPTED = "interrupted"  # another attempt repeats it
    SURPLUS = "surplus"  # begun beyond the budget by a worker elsewhere, and ended at once

    @property
    def is_counted(self) -> bool:
        """Whether the budget counts it."""
        return self in (self.COMPLETE, self.PRUNED, self.DIVERGED, self.RUNNING)

    @property
    def has_cost(self) -> bool:
        """Whether it has cost something that is to be reported."""
        return self.is_counted or self is self.FAILED

    @property
    def is_open(self) -> bool:
        """Whether it may still change."""
        return self in (self.RUNNING, self.WAITING)

    @property
    def mlflow_status(self) -> str:
        """MLflow's status of a run in this state, once it has ended."""
        if self is self.COMPLETE:
            return "FINISHED"
        return "FAILED" if self in (self.FAILED, self.DIVERGED) else "KILLED"


@dataclass(frozen=True)
class Worker:
    """Who runs a trial: a process, and which of its slots."""

    host: str
    pid: int
    slot: int = 0

    @classmethod
    def here(cls, slot: int) -> Self:
        """A slot of this process."""
        return cls(socket.gethostname(), os.getpid(), slot)

    @property
    def is_this_process(self) -> bool:
        """Whether it is, or was, a slot of this process."""
        return (self.host, self.pid) == (socket.gethostname(), os.getpid())

    @property
    def is_on_this_host(self) -> bool:
        """Whether its process can be looked for here."""
        return self.host == socket.gethostname()


Rung = tuple[int, tuple[float, ...]]  # images, and the value of each objective


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """One trial."""

    number: int
    state: TrialState
    params: dict[str, Any]
    values: tuple[float, ...] | None  # of each objective; only of a complete one
    rungs: tuple[Rung, ...]
    kimg: float  # up to which it was trained, with what it has from other trials
    seconds: float  # of training, summed over the ranks; not those that other trials had spent
    started: int | None  # milliseconds since 1970
    ended: int | None
    worker: Worker | None
    is_default: bool  # whether it is the variant's own setting
    retry_of: int | None  # the first attempt at the same trial
    reason: str  # why it has no value
    starts_from: str = ""  # the states of other trials in which its jobs began, for people
    inherited_kimg: float = 0.0  # what it has from them
    inherited_seconds: float = 0.0

    @property
    def trained_kimg(self) -> float:
        """What was trained for it."""
        return self.kimg - self.inherited_kimg

    @property
    def scores(self) -> tuple[float, ...]:
        """The value of each objective; empty without any."""
        return self.values or ()


@dataclass(frozen=True)
class ObjectiveRecord:
    """A number that was optimised."""

    metric: str  # its recorded name
    direction: str  # minimize or maximize
    at: str  # last or best


@dataclass(frozen=True, kw_only=True)
class ParameterRecord:
    """What a searched key could be."""

    kind: str
    low: float | None
    high: float | None
    step: float | None
    choices: list[Any] | None
    when: dict[str, list[Any]]


@dataclass(frozen=True)
class BudgetRecord:
    """The limits of a search."""

    trials: int | None
    kimg: float | None
    minutes: float | None


@dataclass(frozen=True, kw_only=True)
class SearchRecord:
    """One search."""

    study: str
    tuning: str  # its identity
    name: str
    profile: str
    dataset: str
    variant: str
    variants: tuple[str, ...]  # those that a trial trains
    sampler: str
    pruner: str
    comparison: str  # equal for searches whose values may be compared
    objectives: tuple[ObjectiveRecord, ...]
    seeds: tuple[int, ...]
    trial_kimg: float  # of a trial that is run to its end
    budget: BudgetRecord
    space: dict[str, ParameterRecord]
    distributions: dict[str, str]  # as Optuna writes them
    default: dict[str, Any]  # the variant's own values
    best: tuple[int, ...]  # the best trial, or the front of several objectives
    trials: tuple[TrialRecord, ...]

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """From parsed JSON. Raises TypeError or ValueError for anything else."""
        record: Self = from_dict(cls, data)
        return record

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

"""What a search may spend, and what it has spent: read from Optuna's trials, whoever ran them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from experiments.tracking.search_record import TrialState
from experiments.tuning.trial_attributes import COST, OUTCOME, RETRIES, SURPLUS

Admission = Literal["start", "wait", "stop"]


@dataclass(frozen=True)
class Budget:
    """Limits of a search; whichever is reached first ends it. None: no limit."""

    trials: int | None
    kimg: float | None
    minutes: float | None  # of one command, after which no further trial begins


def repeated(trials: Iterable[FrozenTrial]) -> set[int]:
    """The numbers of the trials that another attempt has taken over."""
    return {number for trial in trials for number in trial.system_attrs.get(RETRIES, ())}


def proposed(trials: Iterable[FrozenTrial]) -> int:
    """How many trials were proposed before the one that is next: all attempts at a trial are one proposal.

    So a search that was stopped or killed goes on to propose what it would have proposed.
    """
    trials = list(trials)
    begun = [t for t in trials if t.state != OptunaState.WAITING and RETRIES not in t.system_attrs]
    repeats_next = any(t.state == OptunaState.WAITING and RETRIES in t.system_attrs for t in trials)
    return len(begun) - repeats_next


def counted(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that use up the budget: begun, and neither surplus, nor taken over by another attempt, nor failed.

    A failure is not the parameters' (a diverged trial is not one): its place is given back to the search.
    """
    trials = list(trials)
    taken_over = repeated(trials)
    return [
        trial
        for trial in trials
        if trial.state != OptunaState.WAITING
        and (trial.state != OptunaState.FAIL or trial.user_attrs.get(OUTCOME) == TrialState.DIVERGED)
        and trial.number not in taken_over
        and SURPLUS not in trial.user_attrs
    ]


def spent_kimg(trial: FrozenTrial, trial_kimg: float) -> float:
    """What a trial has cost; one that still runs may yet cost all of it."""
    return trial_kimg if trial.state == OptunaState.RUNNING else float(trial.user_attrs.get(COST, {}).get("kimg", 0.0))


def admit(budget: Budget, trials: Iterable[FrozenTrial], trial_kimg: float, minutes: float) -> Admission:
    """Whether one more trial of `trial_kimg` may begin, `minutes` after the command did.

    It begins only if it could run to its end within the budget. While others still run, there may be room later:
    they can be pruned, or be killed and wait to be repeated.
    """
    begun = counted(trials)
    if budget.minutes is not None and minutes >= budget.minutes:
        return "stop"
    trials_left = budget.trials is None or len(begun) < budget.trials
    kimg = sum(spent_kimg(trial, trial_kimg) for trial in begun)
    if trials_left and (budget.kimg is None or kimg + trial_kimg <= budget.kimg * (1 + 1e-9)):
        return "start"
    return "wait" if any(trial.state == OptunaState.RUNNING for trial in begun) else "stop"

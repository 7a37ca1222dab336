"""Who runs a trial, and what becomes of it when that worker dies: another one goes on with it."""

import time
from copy import deepcopy
from dataclasses import asdict

import optuna
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from experiments.tracking.search_record import TrialState, Worker
from experiments.tuning.trial_attributes import FIXED, OUTCOME, RETRIES, WORKER
from r3gan.processes import is_alive

CLAIM_SECONDS = 1.0  # how long a worker that took a queued trial waits for another that did so at the same moment
MOST_KILLS = 5  # of one trial's workers, after which it is not queued again: it may be what kills them


class TakenByAnother(BaseException):
    """Another worker runs this trial, or will. Not an Exception: Optuna would end what is no longer this one's."""


def claim(trial: optuna.Trial, slot: int) -> None:
    """Say in the storage who runs a trial. Raises TakenByAnother.

    SQLite cannot lock a row, so two processes can take the same queued trial: the last one to sign runs it.
    """
    signature = asdict(Worker.here(slot))
    trial.set_user_attr(WORKER, signature)
    if frozen(trial).system_attrs.keys() & {FIXED, RETRIES}:
        time.sleep(CLAIM_SECONDS)
        if frozen(trial).user_attrs[WORKER] != signature:
            raise TakenByAnother


def frozen(trial: optuna.Trial) -> FrozenTrial:
    """What the storage has of a trial."""
    return trial.study.get_trials(deepcopy=False)[trial.number]


def take_over(study: optuna.Study) -> int:
    """Queue again what workers of this machine were running when they died; returns how many trials.

    Missing heartbeats would show it too, after a minute; a journal file has none.
    """
    found = 0
    for trial in study.get_trials(deepcopy=False, states=(OptunaState.RUNNING,)):
        worker = trial.user_attrs.get(WORKER)
        if worker and Worker(**worker).is_on_this_host and not is_alive(worker["pid"]):
            found += _take_over(study, trial)
    return found


def _take_over(study: optuna.Study, trial: FrozenTrial) -> bool:
    try:
        study.tell(trial.number, state=OptunaState.FAIL)
    except (ValueError, optuna.exceptions.UpdateFinishedTrialError):  # another worker was faster
        return False
    queue_again(study, trial)
    return True


def queue_again(study: optuna.Study, trial: FrozenTrial) -> None:
    """Let a trial that did not end be repeated, with its parameters and files, unless too many workers died of it."""
    attempts = [*trial.system_attrs.get(RETRIES, ()), trial.number]
    trials = study.get_trials(deepcopy=False)
    kills = [number for number in attempts if trials[number].user_attrs.get(OUTCOME) != TrialState.INTERRUPTED]
    if len(kills) <= MOST_KILLS:
        RetryHeartbeatStaleTrialCallback()(study, deepcopy(trial))  # which changes what it is given

"""Workers: threads that take one trial after another from the storage until the budget is spent, one in each slot.

Workers of other processes and machines may share the storage; whoever comes next takes over what a killed one left.
"""

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage, fail_stale_trials
from optuna.trial import TrialState as OptunaState

from experiments.launch.launchers import Launcher
from experiments.launch.scheduler import Observer
from experiments.tracking.search_record import TrialState
from experiments.tuning.budget import admit, counted, proposed
from experiments.tuning.optuna_study import open_study
from experiments.tuning.record import worker_of
from experiments.tuning.samplers import make_sampler
from experiments.tuning.search import Search
from experiments.tuning.storage import STORAGE_ERRORS, storage_message
from experiments.tuning.takeover import TakenByAnother, claim, take_over
from experiments.tuning.trial import Interrupted, StorageLost, TrialFailed, run_trial
from experiments.tuning.trial_attributes import OUTCOME, REASON, SURPLUS
from r3gan.config import IMG_PER_KIMG

WAIT_SECONDS = 2.0  # between looks at trials that others run
MOST_FAILURES = 3  # in a row, after which a search does not go on: it is not the parameters


@dataclass(kw_only=True)
class Workers:
    """The workers of one search in this process, one in each of the launcher's slots."""

    search: Search
    storage: BaseStorage
    folder: Path
    launcher: Launcher
    observers: list[Observer]
    asked_to_stop: Callable[[], bool]
    show: Callable[[str], None]  # a line on the terminal
    after_trial: Callable[[], None]
    error: str | None = None  # why the search cannot go on
    _began: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _failures: int = 0
    _waiting: bool = False

    def run(self) -> None:
        """Work until the budget is spent, or `asked_to_stop`, or an error."""
        threads = [
            threading.Thread(target=self._work, args=(slot,), daemon=True) for slot in range(self.launcher.slots)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():  # a plain join would not let a second Ctrl-C through
                thread.join(0.5)

    def should_stop(self) -> bool:
        """Whether running jobs are to end with a checkpoint."""
        return self.asked_to_stop() or self.error is not None

    def _work(self, slot: int) -> None:
        try:
            study = open_study(self.search, self.storage)
            while not self.should_stop() and self._one_trial(study, slot):
                pass
        except STORAGE_ERRORS as error:
            self.error = storage_message(error)
        except (StorageLost, OSError) as error:
            self.error = str(error)
        except Exception:  # whatever it is, it is shown and ends the search
            self.error = traceback.format_exc()

    def _one_trial(self, study: optuna.Study, slot: int) -> bool:
        """Run a trial, or wait for one that others run. False if there is nothing left to do."""
        self._lock.acquire()  # until the trial is in the storage, so that two workers do not take the last place both
        release = _Once(self._lock.release)
        try:
            take_over(study)
            trials = study.get_trials(deepcopy=False)
            minutes = (time.monotonic() - self._began) / 60
            admission = admit(self.search.budget, trials, self.search.trial_img / IMG_PER_KIMG, minutes)
            if admission == "start":
                study.sampler = make_sampler(self.search, proposed(trials), slot)
                study.optimize(
                    lambda trial: self._objective(trial, slot, release),
                    n_trials=1,
                    catch=(TrialFailed, Interrupted),
                )
        except TakenByAnother:
            return True
        finally:
            release()
        if admission == "wait":
            self._wait(study)
        elif admission == "start":
            self.after_trial()
        return admission != "stop"

    def _objective(self, trial: optuna.Trial, slot: int, begun: Callable[[], None]) -> list[float]:
        begun()
        try:
            claim(trial, slot)
            self._require_place(trial)
            values = run_trial(
                self.search,
                trial,
                folder=self.folder,
                launcher=self.launcher,
                slot=slot,
                observers=self.observers,
                should_stop=self.should_stop,
            )
        except TrialFailed:
            self._count_failure(trial)
            raise
        except STORAGE_ERRORS as error:
            raise StorageLost(storage_message(error)) from error
        except UpdateFinishedTrialError as error:
            raise TakenByAnother from error
        self._failures = 0
        return values

    def _require_place(self, trial: optuna.Trial) -> None:
        """A worker elsewhere may have taken the last place at the same moment: the later trial gives way."""
        limit = self.search.budget.trials
        before = [t for t in counted(trial.study.get_trials(deepcopy=False)) if t.number < trial.number]
        if limit is not None and len(before) >= limit:
            trial.set_user_attr(SURPLUS, True)
            raise TrialFailed

    def _count_failure(self, trial: optuna.Trial) -> None:
        if trial.user_attrs.get(OUTCOME) == TrialState.FAILED:
            self._failures += 1
        if self._failures >= MOST_FAILURES:
            reason = trial.user_attrs.get(REASON, "")
            self.error = f"{MOST_FAILURES} trials in a row failed, the last one: {reason}"

    def _wait(self, study: optuna.Study) -> None:
        running = study.get_trials(deepcopy=False, states=(OptunaState.RUNNING,))
        workers = [worker_of(trial) for trial in running]
        if not self._waiting and not all(worker and worker.is_this_process for worker in workers):
            self._waiting = True
            self.show("waiting for trials that other workers run")
        fail_stale_trials(study)
        time.sleep(WAIT_SECONDS)


class _Once:
    """A function that does something the first time only."""

    def __init__(self, function: Callable[[], None]):
        self._function: Callable[[], None] | None = function

    def __call__(self) -> None:
        function, self._function = self._function, None
        if function:
            function()

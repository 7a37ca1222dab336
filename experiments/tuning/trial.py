"""One trial: a chain of ordinary jobs, watched at every evaluation, and ended early if Optuna's pruner says so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import optuna
from optuna.exceptions import TrialPruned, UpdateFinishedTrialError

from experiments.launch.launchers import Launcher
from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.scheduler import Observer, Task, execute
from experiments.study.plan import Job
from experiments.study.problems import StudyError
from experiments.tracking.search_record import TrialState
from experiments.tuning.search import Search
from experiments.tuning.shared_states import trial_sharing
from experiments.tuning.storage import STORAGE_ERRORS, storage_message
from experiments.tuning.takeover import TakenByAnother, frozen, queue_again
from experiments.tuning.trial_attributes import COST, INHERITED, OUTCOME, REASON, RETRIES, RUNGS
from experiments.tuning.trial_files import leave_kept, trial_folder
from r3gan.beginning import read_inherited
from r3gan.config import IMG_PER_KIMG
from r3gan.job_log import log_tail
from r3gan.jobdir import JobDir
from r3gan.points import PointReader


class TrialFailed(Exception):
    """A job of the trial failed for a reason that is not its parameters'."""


class StorageLost(BaseException):
    """Optuna's storage does not answer. Not an Exception: Optuna would record the trial as failed, which it is not;
    it is left as running, and taken over once the storage is back."""


class Interrupted(Exception):
    """The worker was asked to stop; the trial is queued again."""


def run_trial(
    search: Search,
    trial: optuna.Trial,
    *,
    folder: Path,
    launcher: Launcher,
    slot: int,
    observers: list[Observer],
    should_stop: Callable[[], bool],
) -> list[float]:
    """Train the trial's jobs in one of the launcher's slots, and return the value of each objective.

    folder: where the search's trials lie.
    Raises TrialPruned if the pruner or a loss that is not finite ended it, TrialFailed, Interrupted, StorageLost or
    TakenByAnother.
    """
    trial.set_user_attr(OUTCOME, TrialState.RUNNING)
    number = first_attempt(trial)
    watch = Watch(search=search, trial=trial, ranks=launcher.execution.ranks, observers=observers)
    chosen = search.space.suggest(trial)
    for job in watch.jobs(chosen):
        directory = JobDir(trial_folder(folder, number) / f"{job.variant}-seed{job.seed}-{job.identity}")
        label = f"{search.dataset}/{search.variant} trial {trial.number}, {job.variant}/{job.seed}"
        sharing = trial_sharing(search, chosen, job, directory, launcher.execution)
        task = Task(job, directory, label, sharing)
        watch.follow(task)
        if not task.directory.finished():
            execute([task], launcher, [watch], lambda: watch.look() or should_stop(), [slot])
        watch.look()
        watch.settle(task, should_stop)
    trial.set_user_attr(OUTCOME, TrialState.COMPLETE)
    return watch.values()


def first_attempt(trial: optuna.Trial) -> int:
    """The number under which the trial's files lie: its own, or that of the attempt which it repeats."""
    return int((frozen(trial).system_attrs.get(RETRIES) or [trial.number])[0])


@dataclass(kw_only=True)
class Watch:
    """Follows a trial's jobs, tells Optuna of every evaluation, and stands between `execute` and the display."""

    search: Search
    trial: optuna.Trial
    ranks: int
    observers: list[Observer]
    pruned: bool = False
    lost: Exception | None = None  # why the storage could not be written
    taken: bool = False  # whether others took this worker for dead, and its trial over
    seen: list[list[list[float]]] = field(default_factory=list)  # job -> evaluation -> value of each objective
    rungs: list[tuple[int, list[float]]] = field(default_factory=list)
    cost: list[tuple[float, float]] = field(default_factory=list)  # job -> kimg and device seconds
    inherited: list[tuple[float, float]] = field(default_factory=list)  # of that, what jobs of other trials had spent
    starts: list[str] = field(default_factory=list)  # job -> the state that it began in, for people
    told: dict[str, Any] = field(default_factory=lambda: {COST: None, INHERITED: None})  # the storage, last
    task: Task | None = None  # the present job
    reader: PointReader | None = None  # of its points
    last: JobOutcome | None = None  # what became of the last job that was run

    def jobs(self, chosen: dict[str, Any]) -> list[Job]:
        """What the trial trains under the parameters that Optuna proposes."""
        try:
            return self.search.jobs(chosen)
        except StudyError as error:  # a combination that the checks before the search did not meet
            self._end(TrialState.FAILED, str(error))
            raise TrialFailed from error

    def follow(self, task: Task) -> None:
        """Go on with the next job."""
        self.task, self.reader = task, PointReader(task.directory.metrics)
        self.seen.append([])
        self.cost.append((0.0, 0.0))
        self.inherited.append((0.0, 0.0))
        self.starts.append("")

    def look(self) -> bool:
        """Report what is new. Returns whether to stop the job: pruned, taken over, or the storage cannot be written."""
        assert self.reader is not None
        points = self.reader.read()
        try:
            for point in points:
                if not self.pruned:  # what was inherited beyond that a trial by itself would not have trained
                    self._note(point)
            self._tell_cost()
        except STORAGE_ERRORS as error:
            self.lost = error
        except UpdateFinishedTrialError:  # this machine slept, say, and its heartbeats with it
            self.taken = True
        return self.pruned or self.taken or self.lost is not None

    def values(self) -> list[float]:
        """Each objective, averaged over the jobs that have been evaluated."""
        begun = [job for job in self.seen if job]
        return [fmean(self._of_job(job, i) for job in begun) for i in range(len(self.search.objectives))]

    def settle(self, task: Task, should_stop: Callable[[], bool]) -> None:
        """After a job: say nothing if it is finished, else raise what has become of the trial."""
        if self.lost is not None:
            raise StorageLost(storage_message(self.lost)) from self.lost
        if self.taken:
            raise TakenByAnother
        if self.pruned:
            self._end(TrialState.PRUNED)
            leave_kept(task.directory)  # no one goes on from the others
            raise TrialPruned
        if task.directory.finished():
            return
        if self.last is not None and self.last.state is JobState.DIVERGED:
            self._end(TrialState.DIVERGED, self.last.reason)
            raise TrialPruned if len(self.search.objectives) == 1 else TrialFailed
        if should_stop():
            self._end(TrialState.INTERRUPTED)
            queue_again(self.trial.study, frozen(self.trial))
            raise Interrupted
        reason = self.last.reason if self.last else ""
        lines = reason or log_tail(task.directory, 1)
        self._end(TrialState.FAILED, f"{lines} (log: {task.directory.log})" if lines else str(self.last))
        raise TrialFailed

    def started(self, task: Task) -> None:
        """See Observer."""
        for observer in self.observers:
            observer.started(task)

    def progressed(self, task: Task) -> None:
        """See Observer."""
        for observer in self.observers:
            observer.progressed(task)

    def ended(self, task: Task, outcome: JobOutcome) -> None:
        """See Observer: a pruned job was stopped, but is not one to go on with."""
        self.last = JobOutcome(JobState.PRUNED) if self.pruned else outcome
        for observer in self.observers:
            observer.ended(task, self.last)

    def _tell_cost(self) -> None:
        """What the trial has cost so far, and what of that was trained before, by others."""
        assert self.task is not None
        begun = read_inherited(self.task.directory)
        if begun is not None:
            kimg, seconds = self.cost[-1]
            self.inherited[-1] = min(begun.images / IMG_PER_KIMG, kimg), min(begun.seconds * self.ranks, seconds)
            self.starts[-1] = f"{begun.text} ({begun.identity})"
        starts = "; ".join(filter(None, self.starts))
        told = {COST: _sums(self.cost), INHERITED: _sums(self.inherited) | {"starts_from": starts}}
        for name, value in told.items():
            if value != self.told[name]:
                self.trial.set_user_attr(name, value)
        self.told = told

    def _note(self, point: dict[str, Any]) -> None:
        self.cost[-1] = point["images"] / IMG_PER_KIMG, point["seconds"] * self.ranks
        keys = [objective.key for objective in self.search.objectives]
        if not all(key in point["metrics"] for key in keys):
            return
        self.seen[-1].append([float(point["metrics"][key]) for key in keys])
        step = (len(self.seen) - 1) * self.search.job_img + self._rung(point["images"])
        if self.rungs and step <= self.rungs[-1][0]:
            return
        self.rungs.append((step, self.values()))
        self._report(step)

    def _report(self, step: int) -> None:
        if len(self.search.objectives) > 1:
            self.trial.set_user_attr(RUNGS, self.rungs)
            return
        self.trial.report(self.rungs[-1][1][0], step)
        self.pruned = self.pruned or (step < self.search.trial_img and self.trial.should_prune())

    def _rung(self, images: int) -> int:
        """The evaluation's place in images, the same in trials of all batch sizes."""
        every = self.search.config.evaluation.every_kimg * IMG_PER_KIMG
        return self.search.job_img if images >= self.search.job_img else round(images // every * every)

    def _of_job(self, evaluations: list[list[float]], i: int) -> float:
        objective, values = self.search.objectives[i], [values[i] for values in evaluations]
        if objective.at == "last":
            return values[-1]
        return min(values) if objective.direction == "minimize" else max(values)

    def _end(self, outcome: str, reason: str = "") -> None:
        self.trial.set_user_attr(OUTCOME, outcome)
        if reason:
            self.trial.set_user_attr(REASON, reason)


def _sums(parts: Sequence[tuple[float, float]]) -> dict[str, Any]:
    kimg, seconds = (sum(part) for part in zip(*parts, strict=True))
    return {"kimg": kimg, "seconds": seconds}

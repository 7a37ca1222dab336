"""MLflow, fed from the job directories.

What a job directory holds is the truth; MLflow is a copy that can be late, or be made again. A background thread
sends what is new, in batches, so that a slow or absent server never holds up the jobs. Sending the same points
twice changes nothing: they carry the times at which they were recorded.
"""

import threading
from collections.abc import Sequence

from mlflow.tracking import MlflowClient

from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.scheduler import Task
from experiments.study.plan import Job
from experiments.tracking.background import Background
from experiments.tracking.colours import colour_runs
from experiments.tracking.describe import describe_study
from experiments.tracking.run_upload import RunUpload, experiment_id
from experiments.tracking.sent import content_of, note_sent
from experiments.tracking.store import prepare_file
from experiments.tracking.trouble import explain

SYNC_SECONDS = 2.0


class Tracker(Background):
    """An observer that copies jobs to MLflow. Use as a context manager; leaving it sends the rest."""

    def __init__(self, study: str, wait_seconds: float = 30.0, plan: Sequence[Job] = ()):
        """plan: the study's jobs, for the words about it; none: nothing is said."""
        super().__init__(SYNC_SECONDS, wait_seconds)
        self.study, self.plan = study, plan
        self.experiment: str | None = None  # the study's experiment id, once MLflow has answered
        self._active: dict[str, tuple[Task, JobState | None]] = {}
        self._uploads: dict[str, RunUpload] = {}
        self._lock = threading.Lock()
        self._is_open = False
        self._to_colour = True  # whether runs may lack the colours of their variants
        self._is_described = False
        self.missing: dict[str, list[str]] = {}  # identity -> what MLflow did not take of the job

    def started(self, task: Task) -> None:
        """See Observer."""
        self._set(task, None)

    def progressed(self, task: Task) -> None:
        """See Observer: the thread looks by itself."""

    def ended(self, task: Task, outcome: JobOutcome) -> None:
        """See Observer. The run of a job that another command trains is that command's."""
        if outcome.state is not JobState.ELSEWHERE:
            self._set(task, outcome.state)
            return
        with self._lock:
            self._active.pop(task.job.identity, None)

    def _set(self, task: Task, state: JobState | None) -> None:
        with self._lock:
            self._active[task.job.identity] = (task, state)

    def sync(self) -> None:
        """See Background."""
        with self._lock:
            active = dict(self._active)
        self.warning = None
        try:
            self._open()
        except Exception as error:  # tracking never stops a job, whose directory keeps the truth
            self.warning = explain(error)
            return
        for task, state in active.values():
            try:
                self._send(task, state)
            except Exception as error:
                self.warning = explain(error)
                self._uploads.pop(task.job.identity, None)  # the next time, nothing is taken for granted
                self._is_open = False

        try:
            self._show()
        except Exception as error:
            self.warning = explain(error)

    def _show(self) -> None:
        assert self.experiment is not None
        if not self._is_described:
            describe_study(MlflowClient(), self.experiment, self.plan)
            self._is_described = True
        if self._to_colour:
            colour_runs(MlflowClient(), self.experiment)
            self._to_colour = False

    def _open(self) -> None:
        if not self._is_open:
            prepare_file()  # again, for a store that was locked when the command began
            self.experiment = experiment_id(MlflowClient(), self.study)
            self._is_open = True

    def _send(self, task: Task, state: JobState | None) -> None:
        assert self.experiment is not None
        client, identity = MlflowClient(), task.job.identity
        if identity not in self._uploads:
            self._uploads[identity] = RunUpload(client, self.experiment, task, self.answered)
            self._to_colour = True
        content = content_of(task.directory)
        self.missing[identity] = self._uploads[identity].send(state)
        self.answered()
        if state is not None:
            if not self.missing[identity]:
                note_sent(task.directory, content)
            with self._lock:
                if self._active.get(identity) == (task, state):
                    del self._active[identity]

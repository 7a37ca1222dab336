"""MLflow, fed from the job directories.

What a job directory holds is the truth; MLflow is a copy that can be late, or be made again. A background thread
sends what is new, in batches, so that a slow or absent server never holds up the jobs. Sending the same points
twice changes nothing: they carry the times at which they were recorded.
"""

import json
import threading
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunTag
from mlflow.tracking import MlflowClient

from experiments import names
from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.scheduler import Task
from experiments.study.resolve import leaves
from experiments.tracking.background import Background
from r3gan.points import Point, PointReader

BATCH = 1000  # metrics per call, the server's limit
SYNC_SECONDS = 2.0
STATUS = {
    JobState.FINISHED: "FINISHED",
    JobState.FAILED: "FAILED",
    JobState.DIVERGED: "FAILED",
    JobState.STOPPED: "KILLED",
    JobState.PRUNED: "KILLED",
}


class Tracker(Background):
    """An observer that copies jobs to MLflow. Use as a context manager; leaving it sends the rest."""

    def __init__(self, study: str):
        super().__init__(SYNC_SECONDS)
        self.study = study
        self.experiment: str | None = None  # the study's experiment id, once MLflow has answered
        self._active: dict[str, tuple[Task, str]] = {}
        self._uploads: dict[str, RunUpload] = {}
        self._lock = threading.Lock()

    def started(self, task: Task) -> None:
        """See Observer."""
        self._set(task, "RUNNING")

    def progressed(self, task: Task) -> None:
        """See Observer: the thread looks by itself."""

    def ended(self, task: Task, outcome: JobOutcome) -> None:
        """See Observer."""
        self._set(task, STATUS[outcome.state])

    def _set(self, task: Task, status: str) -> None:
        with self._lock:
            self._active[task.job.identity] = (task, status)

    def sync(self) -> None:
        """See Background."""
        with self._lock:
            active = dict(self._active)
        self.warning = None
        for task, status in active.values():
            try:
                self._send(task, status)
            except Exception as error:  # tracking never stops a job, whose directory keeps the truth
                self.warning = f"{type(error).__name__}: {error}".splitlines()[0]
                if self.experiment is None:  # no store: no use in asking again for the other jobs
                    return

    def _send(self, task: Task, status: str) -> None:
        client, identity = MlflowClient(), task.job.identity
        self.experiment = self.experiment or experiment_id(client, self.study)
        if identity not in self._uploads:
            self._uploads[identity] = RunUpload(client, self.experiment, task)
        self._uploads[identity].send(status)
        if status != "RUNNING":
            with self._lock:
                if self._active.get(identity) == (task, status):
                    del self._active[identity]


class RunUpload:
    """One job's MLflow run, and how much of the job it already holds."""

    def __init__(self, client: MlflowClient, experiment: str, task: Task):
        self.client, self.task, self.directory = client, task, task.directory
        found = client.search_runs([experiment], f"tags.{names.IDENTITY} = '{task.job.identity}'", max_results=1)
        self.run_id = found[0].info.run_id if found else self._create(experiment)
        if found and any(found[0].data.tags.get(name) != value for name, value in self._tags().items()):
            # The same job under another name or profile: the study that runs now names it.
            self.client.log_batch(self.run_id, tags=[RunTag(name, value) for name, value in self._tags().items()])
            self.client.update_run(self.run_id, name=task.job.name)
        self.status = found[0].info.status if found else "RUNNING"
        self.reader, self.unsent = PointReader(task.directory.metrics), list[Point]()

    def send(self, status: str) -> None:
        """Bring the run up to date with the directory."""
        if self.status == status == "FINISHED":
            return
        self.unsent += self.reader.read()
        metrics = [
            Metric(name, value, int(point["time"] * 1000), point["images"])
            for point in self.unsent
            for name, value in point["metrics"].items()
        ]
        for start in range(0, len(metrics), BATCH):
            self.client.log_batch(self.run_id, metrics=metrics[start : start + BATCH])
        self.unsent = []  # only now: what a server did not take is sent again
        if status != "RUNNING":
            self._describe_environment()
            self._send_artifacts()
            self.client.set_terminated(self.run_id, status)
        elif self.status != "RUNNING":
            self.client.update_run(self.run_id, status="RUNNING")
        self.status = status

    def _create(self, experiment: str) -> str:
        job = self.task.job
        run = self.client.create_run(experiment, tags=self._tags(), run_name=job.name)
        params = [Param(key, str(value)) for key, value in leaves(job.config).items()]
        self.client.log_batch(run.info.run_id, params=params)
        return str(run.info.run_id)

    def _tags(self) -> dict[str, str]:
        return {name: str(getattr(self.task.job, name)) for name in names.TAGS}

    def _describe_environment(self) -> None:
        if not self.directory.environment.exists():
            return
        environment: dict[str, Any] = json.loads(self.directory.environment.read_text())
        data = environment.pop("dataset")
        params = [Param("penalty_gradients", environment.pop("penalty_gradients"))]
        params += [Param(f"weights.{name}", digest) for name, digest in environment.pop("feature_networks").items()]
        tags = [RunTag(key, str(value)) for key, value in environment.items()]
        self.client.log_batch(self.run_id, params=params, tags=tags)
        source = json.dumps({"uri": data["source"]})
        dataset = Dataset(data["name"], data["content_hash"], source_type="code", source=source)
        self.client.log_inputs(self.run_id, datasets=[DatasetInput(dataset)])

    def _send_artifacts(self) -> None:
        self.client.log_artifact(self.run_id, str(self.directory.config))
        if self.directory.samples.exists():
            self.client.log_artifacts(self.run_id, str(self.directory.samples), names.SAMPLES_FOLDER)
        checkpoint = self.directory.last_checkpoint()
        if checkpoint is not None and self.directory.finished():
            kept = [checkpoint / "ema.safetensors", self.directory.best]
            for path in filter(Path.exists, kept):
                self.client.log_artifact(self.run_id, str(path), names.WEIGHTS_FOLDER)


def experiment_id(client: MlflowClient, study: str) -> str:
    """The MLflow experiment of a study, created if need be."""
    found = client.get_experiment_by_name(study)
    return str(found.experiment_id) if found else str(client.create_experiment(study))

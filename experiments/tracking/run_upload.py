"""One job's run in MLflow: found or made, and brought up to date with the job's directory."""

import getpass
import json
from collections.abc import Callable, Iterator
from os.path import commonpath
from typing import Any

from mlflow import MlflowException
from mlflow.entities import Dataset, DatasetInput, Metric, Param, Run, RunTag
from mlflow.tracking import MlflowClient

from experiments import names
from experiments.launch.job_states import joined_sources
from experiments.launch.outcome import JobState
from experiments.launch.place import folder_of, is_at, new_place, place_of
from experiments.launch.scheduler import Task
from experiments.metric_keys import is_constant, metric_key
from experiments.tracking.job_times import began, ended
from experiments.tracking.notes import note_tags, run_note
from experiments.tracking.pages import all_runs
from experiments.tracking.send_samples import send_samples
from experiments.tracking.trouble import explain
from r3gan.beginning import read_inherited
from r3gan.points import Point, PointReader
from r3gan.settings.leaves import leaves
from r3gan.tensor_files import load_tensors

BATCH = 1000  # metrics per call, the server's limit
SOURCE = {"mlflow.source.name": "r3gan train", "mlflow.source.type": "LOCAL"}  # what MLflow's pages say has made a run
NOT_TAGS = ("dataset", "trained_by", "feature_networks")  # of environment.json: kept in another form


STATUS: dict[JobState | None, str] = {
    None: "RUNNING",
    JobState.FINISHED: "FINISHED",
    JobState.FAILED: "FAILED",
    JobState.DIVERGED: "FAILED",
    JobState.STOPPED: "KILLED",
    JobState.PRUNED: "KILLED",
}  # MLflow's, by what has become of a job; None: it is being trained


class DeletedExperiment(Exception):
    """The study's experiment is in MLflow's bin."""


class RunUpload:
    """How much of a job its run already holds. answered: called after every answer of MLflow's."""

    def __init__(self, client: MlflowClient, experiment: str, task: Task, answered: Callable[[], None] = lambda: None):
        self.client, self.task, self.directory, self.answered = client, task, task.directory, answered
        self.experiment = experiment
        self.reader = PointReader(task.directory.metrics)
        self.unsent: list[Point] = self.reader.read()
        self.last_time = self.unsent[-1]["time"] if self.unsent else None
        self.constants: dict[str, float] = {}  # numbers that do not change while the job trains, as last sent
        found = find_run(client, experiment, task)
        self.run_id = found.info.run_id if found else self._create()
        tags = found.data.tags if found else {}
        now = self._tags() | note_tags(self._note(), tags)
        if found and any(tags.get(name) != value for name, value in now.items()):
            # The same job under another name or profile, or in a folder that was moved: it is what it is now.
            client.log_batch(self.run_id, tags=[RunTag(name, value) for name, value in now.items()])
            client.update_run(self.run_id, name=task.job.name)
        self.status = found.info.status if found else "RUNNING"
        self.lacks = tags.get(names.LACKS, "")

    def send(self, state: JobState | None) -> list[str]:
        """Bring the run up to date. Returns, in sentences, what MLflow did not take and the run lacks: the environment
        or artifacts, never points or the status. state: how the job has ended; None: it is being trained.

        Raises whatever MLflow raises if these do not arrive; they are sent again the next time.
        """
        status = STATUS[state]
        if self.status == status == "FINISHED" and not self.lacks:
            return []
        self.unsent += self.reader.read()
        self.last_time = self.unsent[-1]["time"] if self.unsent else self.last_time
        self._send_points()
        self.unsent = []  # only now: what a server did not take is sent again
        missing: list[str] = []
        if status != "RUNNING":
            missing = list(self._send_rest())
            if missing:
                self.client.set_tag(self.run_id, names.LACKS, "; ".join(missing)[:4000])
            elif self.lacks:
                self.client.delete_tag(self.run_id, names.LACKS)
            self.lacks = "; ".join(missing)
            self.client.set_tag(self.run_id, names.OUTCOME, str(state))
            self.client.set_terminated(self.run_id, status, _milliseconds(ended(self.directory, self.last_time)))
        elif self.status != "RUNNING":
            self.client.set_tag(self.run_id, names.OUTCOME, "")
            self.client.update_run(self.run_id, status="RUNNING")
        self.status = status
        return missing

    def _send_points(self) -> None:
        metrics = [
            Metric(metric_key(name), value, int(point["time"] * 1000), point["images"])
            for point in self.unsent
            for name, value in point["metrics"].items()
            if not is_constant(name)
        ]
        for start in range(0, len(metrics), BATCH):
            self.client.log_batch(self.run_id, metrics=metrics[start : start + BATCH])
            self.answered()
        last = {name: value for point in self.unsent for name, value in point["metrics"].items() if is_constant(name)}
        if last.items() - self.constants.items():
            tags = [RunTag(name, repr(value)) for name, value in last.items()]
            self.client.log_batch(self.run_id, tags=tags)
            self.constants |= last

    def _create(self) -> str:
        job = self.task.job
        tags = self._tags() | {"mlflow.user": _user(), names.DESIGN_AT_START: job.design.as_text()}
        tags |= note_tags(self._note(), {})
        tags[names.ORIGIN] = job.origin.as_text()
        start = _milliseconds(began(self.directory, next(iter(self.unsent), None)))
        run = self.client.create_run(self.experiment, start, tags=tags, run_name=job.name)
        params = [Param(key, str(value)) for key, value in leaves(job.config).items()]
        self.client.log_batch(run.info.run_id, params=params)
        return str(run.info.run_id)

    def _tags(self) -> dict[str, str]:
        own = {names.PLACE: place_of(self.directory), names.FOLDER: folder_of(self.directory)}
        own[names.DESIGN] = self.task.job.design.as_text()
        own |= SOURCE
        return {name: str(getattr(self.task.job, name)) for name in names.TAGS} | own

    def _note(self) -> str:
        """With a link to the run in whose state the job began, if MLflow has that."""
        inherited = read_inherited(self.directory)
        if inherited is None:
            return run_note(self.task.job)
        donors = list(all_runs(self.client, self.experiment, f"tags.{names.IDENTITY} = '{inherited.identity}'"))
        if not donors:
            return run_note(self.task.job, inherited.text)
        here = folder_of(self.directory)
        nearest = max(donors, key=lambda run: len(commonpath([here, run.data.tags.get(names.FOLDER, "")])))
        link = f"[{inherited.text}](#/experiments/{self.experiment}/runs/{nearest.info.run_id})"
        return run_note(self.task.job, link)

    def _send_rest(self) -> Iterator[str]:
        """All that describes the run. What fails costs itself alone."""
        parts: dict[str, Callable[[], None]] = {
            "the environment": self._send_environment,
            "the job in whose state it began": self._send_beginning,
            "the configuration": lambda: self.client.log_artifact(self.run_id, str(self.directory.config)),
            "samples": lambda: send_samples(self.client, self.run_id, self.directory),
            "the counts of modes and pictures": self._send_files,
            "weights": self._send_weights,
        }
        for what, send in parts.items():
            try:
                send()
            except Exception as error:  # of MLflow, of an artifact store, of damaged JSON
                yield f"{what} of {self.task.name}: {explain(error)}"
            else:
                self.answered()
        if self.reader.damaged:
            lines = f"{self.reader.damaged} points of {self.task.name}"
            yield f"{lines}, whose lines in {self.directory.metrics} are damaged"

    def _send_environment(self) -> None:
        if not self.directory.environment.exists():
            return
        environment: dict[str, Any] = json.loads(self.directory.environment.read_text())
        tags = {key: str(value) for key, value in environment.items() if key not in NOT_TAGS}
        tags |= {f"weights.{name}": digest for name, digest in environment["feature_networks"].items()}
        tags |= _code_tags(environment.get("trained_by", []))
        data = environment["dataset"]
        tags[names.CLASSES] = _classes(data)
        self.client.log_batch(self.run_id, tags=[RunTag(key, value) for key, value in tags.items()])
        source = json.dumps({"uri": data["source"]})
        dataset = Dataset(data["name"], data["content_hash"], source_type="code", source=source)
        self.client.log_inputs(self.run_id, datasets=[DatasetInput(dataset)])

    def _send_beginning(self) -> None:
        inherited = read_inherited(self.directory)
        there = self.client.get_run(self.run_id).data.tags
        tags = note_tags(self._note(), there)  # which may tell of a beginning that the job has not kept
        if inherited is not None or names.INHERITED_SECONDS in there:
            tags[names.INHERITED_SECONDS] = repr(inherited.seconds if inherited else 0.0)
            tags[names.INHERITED_FROM] = inherited.identity if inherited else ""
        self.client.log_batch(self.run_id, tags=[RunTag(key, value) for key, value in tags.items()])
        if inherited and self.directory.finished():  # no parameter ever changes, and others may yet begin elsewhere
            self.client.log_param(self.run_id, names.STARTS_FROM, f"{inherited.text} ({inherited.identity})")

    def _send_files(self) -> None:
        for path in (self.directory.modes, self.directory.neighbours, self.directory.interpolation):
            if path.exists():
                self.client.log_artifact(self.run_id, str(path))

    def _send_weights(self) -> None:
        checkpoint = self.directory.last_checkpoint()
        if checkpoint is not None and self.directory.finished():
            for path in filter(lambda path: path.exists(), [checkpoint / "ema.safetensors", self.directory.best]):
                load_tensors(path)  # damaged weights are not sent as sound ones
                self.client.log_artifact(self.run_id, str(path), names.WEIGHTS_FOLDER)
                self.answered()


def find_run(client: MlflowClient, experiment: str, task: Task) -> Run | None:
    """The job's run: that of its place, or one of an earlier version, which knew no places.

    A folder whose place has a run that names another folder, where it still lies, is a copy: it becomes a place.
    """
    runs = list(all_runs(client, experiment, f"tags.{names.IDENTITY} = '{task.job.identity}'"))
    place, here = place_of(task.directory), folder_of(task.directory)
    mine = next((run for run in runs if run.data.tags.get(names.PLACE) == place), None)
    if mine is not None:
        there = mine.data.tags.get(names.FOLDER, here)
        if there == here or not is_at(place, there):
            return mine
        new_place(task.directory)
    return next((run for run in runs if names.PLACE not in run.data.tags), None)


def experiment_id(client: MlflowClient, study: str) -> str:
    """The MLflow experiment of a study, created if need be. Raises DeletedExperiment."""
    found = client.get_experiment_by_name(study)
    if found and found.lifecycle_stage != "active":
        way_out = f"`mlflow experiments restore --experiment-id {found.experiment_id}` brings it back"
        raise DeletedExperiment(f"the experiment {study} was deleted in MLflow: {way_out}, or rename the study")
    if found:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(study))
    except MlflowException:
        made = client.get_experiment_by_name(study)  # by another command, meanwhile
        if made is None:
            raise
        return str(made.experiment_id)


def _classes(data: dict[str, Any]) -> str:
    """`3 (bee, cat, dog)`, `1000 (tench, ...)`; empty for a set without classes."""
    count, first = data.get("classes", 0), list(data.get("first_class_names", ()))
    if not count:
        return ""
    return f"{count} ({', '.join([*first, *(['...'] if len(first) < count else [])])})" if first else str(count)


def _code_tags(stretches: list[dict[str, Any]]) -> dict[str, str]:
    if not stretches:
        return {}
    code = stretches[-1]["code"]
    return {
        names.SOURCES: joined_sources(stretches),
        "mlflow.source.git.commit": code["commit"],
        "mlflow.source.git.dirty": str(code["is_edited"]).lower(),
        **{key: str(code[key]) for key in ("is_edited", "python", "torch", "processor")},
    }


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"

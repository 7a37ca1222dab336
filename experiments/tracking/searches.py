"""MLflow, fed from a search's record: a parent run for the search, and below it a run for each trial.

The storage is the truth; MLflow is a copy that can be late, or be made again by running the command once more.
"""

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

from experiments import names
from experiments.tracking.background import Background
from experiments.tracking.pages import all_runs
from experiments.tracking.run_upload import BATCH, experiment_id
from experiments.tracking.search_record import SearchRecord, TrialRecord, TrialState
from experiments.tracking.store import prepare_file
from experiments.tracking.trouble import explain

SYNC_SECONDS = 10.0
PARENT = "mlflow.parentRunId"  # MLflow's own tag, by which its pages nest runs


class SearchTracker(Background):
    """Copies a search to MLflow. Use as a context manager; leaving it sends the rest."""

    def __init__(self, read: Callable[[], SearchRecord], wait_seconds: float = 30.0):
        super().__init__(SYNC_SECONDS, wait_seconds)
        self.read = read
        self.experiment: str | None = None  # its id, once MLflow has answered
        self._upload: SearchUpload | None = None

    def sync(self) -> None:
        """See Background."""
        try:
            record = self.read()
            if self._upload is None:
                prepare_file()  # again, for a store that was locked when the command began
                client = MlflowClient()
                self.experiment = experiment_id(client, names.tuning_experiment(record.study))
                self._upload = SearchUpload(client, self.experiment, record)
            self._upload.send(record)
            self.warning = None
        except Exception as error:  # tracking never stops a search, whose storage keeps the truth
            self.warning = explain(error)


class SearchUpload:
    """A search's runs in MLflow, and how much they already hold."""

    def __init__(self, client: MlflowClient, experiment: str, record: SearchRecord):
        self.client, self.experiment = client, experiment
        self.parent = self._find_or_create_parent(record)
        mine = f"tags.{names.TUNING} = '{record.tuning}' AND tags.{names.TRIAL} LIKE '%'"
        runs = all_runs(client, experiment, mine)
        by_number = {int(run.data.tags[names.TRIAL]): run for run in runs}
        self.runs = {number: str(run.info.run_id) for number, run in by_number.items()}
        self.marked = {number for number, run in by_number.items() if run.data.tags.get("best") == _word(True)}
        self.ended = {number: run.data.tags.get("state") for number, run in by_number.items() if run.info.end_time}
        self.sent: dict[int, TrialRecord] = {}
        self.summary: Any = None  # what of the record the parent was last brought up to date with

    def send(self, record: SearchRecord) -> None:
        """Bring the runs up to date with the record.

        A trial of another worker is that one's to send; what it left unsent when it died is sent here later.
        """
        for trial in record.trials:
            number, state = trial.number, trial.state
            if state is TrialState.WAITING or self.ended.get(number) == state or self.sent.get(number) == trial:
                continue
            if number in self.runs or (trial.worker and trial.worker.is_this_process) or _ended_long_ago(trial):
                self._send_trial(trial, [objective.metric for objective in record.objectives], record)
                self.sent[number] = trial
        summary = replace(record, trials=()), [trial.state for trial in record.trials]
        if summary != self.summary:  # not whenever a running trial goes on: the artifact is the whole search
            self._send_parent(record)
            self.summary = summary

    def _send_trial(self, trial: TrialRecord, keys: list[str], record: SearchRecord) -> None:
        number = trial.number
        if number not in self.runs:
            self.runs[number] = self._create_trial(record, trial)
        run_id, before = self.runs[number], self.sent.get(number)
        params = [Param(key, str(value)) for key, value in trial.params.items()]
        self.client.log_batch(run_id, params=params)
        done = len(before.rungs) if before else 0
        metrics = [
            Metric(key, value, trial.started or 0, images)
            for images, values in trial.rungs[done:]
            for key, value in zip(keys, values, strict=True)
        ]
        if not trial.state.is_open:
            values = {f"objective_{key}": value for key, value in zip(keys, trial.values or (), strict=False)}
            values |= {"kimg": trial.kimg, "trained_kimg": trial.trained_kimg, "seconds": trial.seconds}
            last = trial.rungs[-1][0] if trial.rungs else 0
            metrics += [Metric(key, value, trial.ended or 0, last) for key, value in values.items()]
        for start in range(0, len(metrics), BATCH):
            self.client.log_batch(run_id, metrics=metrics[start : start + BATCH])
        tags = {"state": trial.state, "reason": trial.reason}
        if trial.starts_from:
            tags |= {names.STARTS_FROM: trial.starts_from, names.INHERITED_SECONDS: repr(trial.inherited_seconds)}
        self.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items() if value])
        if not trial.state.is_open:
            self.client.set_terminated(run_id, trial.state.mlflow_status, trial.ended)

    def _create_trial(self, record: SearchRecord, trial: TrialRecord) -> str:
        tags = {names.TUNING: record.tuning, names.TRIAL: str(trial.number), PARENT: self.parent}
        tags |= {"default": _word(trial.is_default), "best": _word(False), **_places(record)}
        name = f"trial {trial.number}" + (" (default)" if trial.is_default else "")
        return str(self.client.create_run(self.experiment, trial.started, tags, name).info.run_id)

    def _send_parent(self, record: SearchRecord) -> None:
        best = set(record.best) & self.runs.keys()
        for number in self.marked ^ best:  # the mark moves
            self.client.set_tag(self.runs[number], "best", _word(number in best))
        self.marked = best
        by_number = {trial.number: trial for trial in record.trials}
        metrics = [Metric("trials", len(record.trials), 0, 0)]
        if len(record.best) == 1:
            keys = [objective.metric for objective in record.objectives]
            values = by_number[record.best[0]].scores
            metrics += [
                Metric(f"best_{key}", value, 0, record.best[0]) for key, value in zip(keys, values, strict=True)
            ]
        tags = [RunTag("best_trials", " ".join(map(str, record.best)))]
        tags += [RunTag(f"budget.{key}", str(value)) for key, value in vars(record.budget).items() if value is not None]
        self.client.log_batch(self.parent, metrics=metrics, tags=tags)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / names.TUNING_ARTIFACT
            path.write_text(json.dumps(record.to_json()))
            self.client.log_artifact(self.parent, str(path))
        if any(trial.state.is_open for trial in record.trials):
            self.client.update_run(self.parent, status="RUNNING")
        else:
            self.client.set_terminated(self.parent)

    def _find_or_create_parent(self, record: SearchRecord) -> str:
        found = self._oldest_parent(record)
        if found:
            return found
        mine = self._create_parent(record)
        found = self._oldest_parent(record) or mine
        if found != mine:  # another worker made one at the same moment
            self.client.delete_run(mine)
        return found

    def _oldest_parent(self, record: SearchRecord) -> str | None:
        condition = f"tags.{names.TUNING} = '{record.tuning}'"
        runs = [run for run in all_runs(self.client, self.experiment, condition) if names.TRIAL not in run.data.tags]
        oldest = min(runs, key=lambda run: (run.info.start_time, run.info.run_id), default=None)
        return oldest and str(oldest.info.run_id)

    def _create_parent(self, record: SearchRecord) -> str:
        tags = {names.TUNING: record.tuning, **_places(record)}
        run_id = str(self.client.create_run(self.experiment, None, tags, record.name).info.run_id)
        params: dict[str, Any] = {key: getattr(record, key) for key in ("sampler", "pruner", "trial_kimg")}
        params["seeds"] = list(record.seeds)
        params |= {f"space.{key}": json.dumps(asdict(spec)) for key, spec in record.space.items()}
        params |= {f"default.{key}": value for key, value in record.default.items()}
        self.client.log_batch(run_id, params=[Param(key, str(value)) for key, value in params.items()])
        return run_id


def _places(record: SearchRecord) -> dict[str, str]:
    keys = (names.STUDY, names.PROFILE, names.DATASET, names.VARIANT)
    return {key: getattr(record, key) for key in keys}


def _ended_long_ago(trial: TrialRecord) -> bool:
    return trial.ended is not None and time.time() - trial.ended / 1000 > 2 * SYNC_SECONDS


def _word(value: bool) -> str:
    return "yes" if value else "no"

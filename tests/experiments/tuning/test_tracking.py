"""Searches in MLflow: a parent, its trials as children, and the record that the report is made from."""

import json
from pathlib import Path

import mlflow
import pytest

from experiments import names
from experiments.tracking.run_upload import experiment_id
from experiments.tracking.search_record import SearchRecord
from experiments.tracking.searches import PARENT, SearchTracker, SearchUpload
from experiments.tuning.optuna_study import open_study
from experiments.tuning.record import search_record
from tests.experiments.tuning.conftest import InventedLauncher

NO_PRUNER = "pruner: none"


@pytest.fixture
def record(search, storage, work):
    """Of a search with a complete, a pruned and a diverged trial."""
    made = search((NO_PRUNER, "pruner: {kind: median, startup_trials: 1}"))
    launcher = InventedLauncher(diverges=lambda config: launcher.steps == 3)
    work(made, storage, launcher)
    found = json.loads(json.dumps(search_record(made, open_study(made, storage)).to_json()))
    assert [trial["state"] for trial in found["trials"]] == ["complete", "pruned", "diverged"]
    return found


def runs(store):
    found = store.search_runs([experiment_id(store, "tiny.tune")], order_by=["attributes.start_time"])
    parents = [run for run in found if names.TRIAL not in run.data.tags]
    children = {int(run.data.tags[names.TRIAL]): run for run in found if names.TRIAL in run.data.tags}
    assert len(found) == len(parents) + len(children)  # none twice
    return parents, children


def upload(store, record):
    data = SearchRecord.from_json(record)
    SearchUpload(store, experiment_id(store, "tiny.tune"), data).send(data)


def test_trials_are_children_with_parameters_values_at_rungs_and_state(store, record):
    upload(store, record)
    (parent,), children = runs(store)
    assert parent.info.run_name == "stacked-digits/baseline/random+median"
    assert parent.info.status == "FINISHED"
    assert all(run.data.tags[PARENT] == parent.info.run_id for run in children.values())
    assert children[0].data.params == {"schedules.gamma.start": "30.0", "batch_size": "8"}
    history = store.get_metric_history(children[0].info.run_id, "d_kl")
    assert [(point.step, point.value) for point in history] == [(80, 0.5), (160, 0.0)]
    assert [(point.step, point.value) for point in store.get_metric_history(children[1].info.run_id, "kimg")] == [
        (80, 0.08)
    ]
    assert [children[n].data.tags["state"] for n in range(3)] == ["complete", "pruned", "diverged"]
    assert [children[n].info.status for n in range(3)] == ["FINISHED", "KILLED", "FAILED"]
    assert [children[n].data.tags["best"] for n in range(3)] == ["yes", "no", "no"]
    assert children[0].info.run_name == "trial 0 (default)"
    assert "loss_d is nan" in children[2].data.tags["reason"]
    path = Path(store.download_artifacts(parent.info.run_id, names.TUNING_ARTIFACT))
    assert json.loads(path.read_text()) == record


def test_where_a_trial_began_is_told_as_for_a_job_and_what_it_has_from_there_is_no_cost(store, record):
    record["trials"][0] |= {"starts_from": "trial 3, baseline/1000 at 0.12 kimg (abc)", "inherited_kimg": 0.12}
    record["trials"][0] |= {"inherited_seconds": 1.5}
    upload(store, record)
    _, children = runs(store)
    assert children[0].data.tags[names.STARTS_FROM] == "trial 3, baseline/1000 at 0.12 kimg (abc)"
    assert children[0].data.tags[names.INHERITED_SECONDS] == "1.5"
    assert children[0].data.metrics["kimg"] == 0.16
    assert children[0].data.metrics["trained_kimg"] == pytest.approx(0.04)
    assert not {names.STARTS_FROM, names.INHERITED_SECONDS} & children[1].data.tags.keys()


def test_sent_again_by_a_later_command_it_is_the_same(store, record):
    for _ in range(3):
        upload(store, record)
    parents, children = runs(store)
    assert len(parents) == 1
    assert len(children) == 3


def test_a_later_command_sends_no_trial_again_that_it_finds_whole(store, record, monkeypatch):
    upload(store, record)
    sent = []
    send = SearchUpload._send_trial
    monkeypatch.setattr(SearchUpload, "_send_trial", lambda self, trial, *rest: sent.append(trial["number"]))
    upload(store, record)
    assert sent == []
    monkeypatch.setattr(SearchUpload, "_send_trial", send)
    better = {**record["trials"][0], "number": 3, "values": [-1.0], "is_default": False}
    upload(store, {**record, "trials": [*record["trials"], better], "best": [3]})
    assert [number for number, run in runs(store)[1].items() if run.data.tags["best"] == "yes"] == [3]


def test_trials_that_another_live_worker_runs_are_left_to_it(store, record):
    record["trials"][1] |= {"worker": {"host": "elsewhere", "pid": 1}, "state": "running", "ended": None}
    upload(store, record)
    assert sorted(runs(store)[1]) == [0, 2]
    record["trials"][1] |= {"state": "pruned", "ended": 1000}  # long ago: no one else will send it
    upload(store, record)
    assert sorted(runs(store)[1]) == [0, 1, 2]


def test_the_mark_of_the_best_moves(store, record):
    data = SearchRecord.from_json(record)
    sender = SearchUpload(store, experiment_id(store, "tiny.tune"), data)
    sender.send(data)
    later = json.loads(json.dumps(record))
    later["trials"].append({**record["trials"][0], "number": 3, "values": [-1.0], "is_default": False})
    later["best"] = [3]
    sender.send(SearchRecord.from_json(later))
    (parent,), children = runs(store)
    assert [number for number, run in children.items() if run.data.tags["best"] == "yes"] == [3]
    assert parent.data.metrics["best_d_kl"] == -1.0
    assert parent.data.tags["best_trials"] == "3"


def test_a_store_that_does_not_answer_is_a_warning(record, tmp_path):
    mlflow.set_tracking_uri(f"sqlite:////proc/{tmp_path.name}/no.db")
    with SearchTracker(lambda: SearchRecord.from_json(record)) as tracker:
        pass
    mlflow.set_tracking_uri(None)
    assert tracker.warning is not None

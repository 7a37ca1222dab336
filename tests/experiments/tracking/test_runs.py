import json
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from experiments import names
from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.scheduler import Task, prepare_directory
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from experiments.tracking.runs import RunUpload, Tracker, experiment_id
from r3gan.files import write_json
from r3gan.jobdir import JobDir
from r3gan.training.recorder import JsonlRecorder

FINISHED = JobOutcome(JobState.FINISHED)


@pytest.fixture
def client(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return MlflowClient()


@pytest.fixture
def task(write_study, tmp_path):
    job = make_plan(read_study(write_study()), None, {"variant": ["both"]}, {}).jobs[0]
    task = Task(job, JobDir(job.directory(tmp_path / "runs")))
    prepare_directory(task)
    return task


def record(task, images, **metrics):
    JsonlRecorder(task.directory).record(images, images / 100, metrics)


def finish(task):
    task.directory.samples.mkdir()
    task.directory.sample(160).write_bytes(b"png")
    checkpoint = task.directory.checkpoints / "0000000160"
    checkpoint.mkdir(parents=True)
    (checkpoint / "ema.safetensors").write_bytes(b"weights")
    task.directory.best.write_bytes(b"better weights")
    data = {"name": "stacked-digits", "source": "somewhere", "content_hash": "abc"}
    environment = {
        "device": "cpu",
        "ranks": 2,
        "penalty_gradients": "exact first-order form",
        "feature_networks": {"stacked-digits-classifier": "0123"},
        "dataset": data,
    }
    write_json(task.directory.environment, environment)
    write_json(task.directory.result, {})


def only_run(client):
    experiment = client.get_experiment_by_name("tiny")
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 1
    return runs[0]


def test_a_job_becomes_one_run_with_tags_params_metrics_and_artifacts(client, task):
    with Tracker("tiny") as tracker:
        tracker.started(task)
        record(task, 80, d_kl=0.5, loss_d=0.7)
        record(task, 160, d_kl=0.25, loss_d=0.6)
        finish(task)
        tracker.ended(task, FINISHED)
    assert tracker.warning is None
    run = only_run(client)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "stacked-digits/both/0"
    assert {name: run.data.tags[name] for name in names.TAGS} == {
        "study": "tiny",
        "variant": "both",
        "dataset": "stacked-digits",
        "seed": "0",
        "profile": "quick",
        "identity": task.job.identity,
        "configuration": task.job.configuration,
        "comparison": task.job.comparison,
    }
    assert run.data.tags["device"] == "cpu"
    assert run.data.params["network.widths"] == "[16, 8]"
    assert run.data.params["loss.1.margin"] == "2.0"
    assert run.data.params["penalty_gradients"] == "exact first-order form"
    assert run.data.params["weights.stacked-digits-classifier"] == "0123"
    history = client.get_metric_history(run.info.run_id, "d_kl")
    assert [(point.step, point.value) for point in history] == [(80, 0.5), (160, 0.25)]
    assert [file.path for file in client.list_artifacts(run.info.run_id, "samples")] == ["samples/0000000160.png"]
    kept = [file.path for file in client.list_artifacts(run.info.run_id, "weights")]
    assert kept == ["weights/best.safetensors", "weights/ema.safetensors"]
    assert "config.json" in [file.path for file in client.list_artifacts(run.info.run_id)]
    dataset = run.inputs.dataset_inputs[0].dataset
    assert (dataset.name, dataset.digest) == ("stacked-digits", "abc")


def test_sending_twice_adds_nothing_and_a_lost_store_is_rebuilt(client, task, tmp_path):
    record(task, 80, d_kl=0.5)
    finish(task)
    for _ in range(2):
        with Tracker("tiny") as tracker:
            tracker.ended(task, FINISHED)
        assert len(client.get_metric_history(only_run(client).info.run_id, "d_kl")) == 1
    Path(tmp_path / "mlflow.db").rename(tmp_path / "lost.db")
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/again.db")
    try:
        with Tracker("tiny") as tracker:
            tracker.ended(task, FINISHED)
        assert only_run(MlflowClient()).data.metrics["d_kl"] == 0.5
    finally:
        mlflow.set_tracking_uri(None)


def test_a_resumed_job_goes_on_in_its_run(client, task):
    record(task, 80, d_kl=0.5)
    upload = RunUpload(client, experiment_id(client, "tiny"), task)
    upload.send("KILLED")
    assert only_run(client).info.status == "KILLED"
    record(task, 160, d_kl=0.25)
    again = RunUpload(client, experiment_id(client, "tiny"), task)
    again.send("RUNNING")
    assert only_run(client).info.status == "RUNNING"
    assert len(client.get_metric_history(only_run(client).info.run_id, "d_kl")) == 2


def test_a_job_under_another_name_keeps_its_run_and_takes_the_name(client, task):
    record(task, 80, d_kl=0.5)
    finish(task)
    for variant in ("both", "renamed"):
        renamed = replace(task, job=replace(task.job, variant=variant))
        with Tracker("tiny") as tracker:
            tracker.ended(renamed, FINISHED)
    run = only_run(client)
    assert run.data.tags["variant"] == "renamed"
    assert run.info.run_name == "stacked-digits/renamed/0"


def test_one_job_that_cannot_be_sent_does_not_hold_up_the_others(client, task, tmp_path):
    broken = Task(replace(task.job, seed=5), JobDir(tmp_path / "broken"))
    broken.directory.root.mkdir()  # finished, it is said, but without a configuration to send
    record(task, 80, d_kl=0.5)
    finish(task)
    with Tracker("tiny") as tracker:
        tracker.ended(broken, FINISHED)
        tracker.ended(task, FINISHED)
    assert tracker.warning
    experiment = client.get_experiment_by_name("tiny")
    finished = client.search_runs([experiment.experiment_id], "attributes.status = 'FINISHED'")
    assert [run.data.tags["identity"] for run in finished] == [task.job.identity]


def test_points_that_a_server_did_not_take_are_sent_again(client, task, monkeypatch):
    upload = RunUpload(client, experiment_id(client, "tiny"), task)
    record(task, 80, d_kl=0.5)

    def away(*_, **__):
        raise ConnectionError("away for a moment")

    with monkeypatch.context() as patch:
        patch.setattr(client, "log_batch", away)
        with pytest.raises(ConnectionError):
            upload.send("RUNNING")
    upload.send("RUNNING")
    assert len(client.get_metric_history(only_run(client).info.run_id, "d_kl")) == 1


def test_a_server_that_is_away_costs_nothing_but_a_warning(task, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    record(task, 80, d_kl=0.5)
    finish(task)
    with Tracker("tiny") as tracker:
        tracker.ended(task, FINISHED)
    assert tracker.warning
    assert json.loads(task.directory.metrics.read_text())["metrics"] == {"d_kl": 0.5}

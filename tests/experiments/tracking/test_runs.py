import json
import os
import shutil
import socket
import sqlite3
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from mlflow.tracking import MlflowClient
from PIL import Image

from analysis.histories import read_histories
from analysis.load import load_jobs, sent_grids
from experiments import names
from experiments.design import Design, design_from
from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.scheduler import Task, prepare_directory
from experiments.origin import Origin
from experiments.sample_images import image_name
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from experiments.tracking.copies import store_of
from experiments.tracking.notes import run_note
from experiments.tracking.run_upload import RunUpload, experiment_id
from experiments.tracking.runs import Tracker
from experiments.tracking.store import open_store
from r3gan.beginning import Inherited
from r3gan.files import write_json
from r3gan.jobdir import JobDir
from r3gan.tensor_files import save_tensors
from r3gan.training.recorder import JsonlRecorder

URI = "MLFLOW_TRACKING_URI"
D_KL = "image quality/d_kl"
GRIDS = {160: f"images/{image_name(160)}.png"}
FINISHED = JobOutcome(JobState.FINISHED)


@pytest.fixture
def client(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return MlflowClient()


def prepared(study, folder, variant):
    job = make_plan(read_study(study), None, {"variant": [variant]}, {}).jobs[0]
    task = Task(job, JobDir(job.directory(folder / "runs")))
    prepare_directory(task)
    return task


@pytest.fixture
def task(write_study, tmp_path):
    return prepared(write_study(), tmp_path, "both")


def record(task, images, **metrics):
    JsonlRecorder(task.directory).record(images, images / 100, metrics)


def finish(task):
    task.directory.samples.mkdir()
    Image.new("RGB", (600, 300), "red").save(task.directory.sample(160))
    write_json(task.directory.modes, {"images": 160, "counts": [2, 0]})
    task.directory.neighbours.write_bytes(b"png")
    checkpoint = task.directory.checkpoints / "0000000160"
    checkpoint.mkdir(parents=True)
    save_tensors({"w": torch.ones(2)}, checkpoint / "ema.safetensors")
    save_tensors({"w": torch.zeros(2)}, task.directory.best)
    data = {"name": "stacked-digits", "source": "somewhere", "content_hash": "abc"}
    code = {"commit": "c0ffee", "is_edited": True, "python": "3.11", "torch": "2.14", "processor": "some"}
    environment = {
        "device": "cpu",
        "ranks": 2,
        "penalty_gradients": "exact first-order form",
        "feature_networks": {"stacked-digits-classifier": "0123"},
        "dataset": data,
        "trained_by": [{"from_images": n, "code": code | {"sources": s}} for n, s in ((0, "aaa"), (80, "bbb"))],
    }
    write_json(task.directory.environment, environment)
    write_json(task.directory.result, {})


def only_run(client):
    experiment = client.get_experiment_by_name("tiny")
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 1
    return runs[0]


@pytest.fixture
def donor(write_study, tmp_path):
    return prepared(write_study(), tmp_path, "attention")


def begin_in(donor, task):
    inherited = Inherited(name=donor.name, identity=donor.job.identity, images=80, seconds=1.5)
    write_json(task.directory.inherited, asdict(inherited))
    return f"{donor.name} at 0.08 kimg"


def test_a_run_says_in_which_job_its_own_began_and_links_to_its_run(client, task, donor):
    with Tracker("tiny") as tracker:
        tracker.started(donor)
        finish(task)
        text = begin_in(donor, task)
        tracker.ended(task, FINISHED)
    experiment = client.get_experiment_by_name("tiny").experiment_id
    runs = {run.data.tags["variant"]: run for run in client.search_runs([experiment])}
    run = runs["both"]
    assert run.data.params["starts_from"] == f"{text} ({donor.job.identity})"
    assert run.data.tags["inherited_seconds"] == "1.5"
    link = f"[{text}](#/experiments/{experiment}/runs/{runs['attention'].info.run_id})"
    assert run.data.tags["mlflow.note.content"] == run_note(task.job, link)
    of_donor = runs["attention"].data
    assert not {"starts_from", "inherited_seconds"} & (of_donor.params | of_donor.tags).keys()


def test_a_description_without_a_link_gets_one_when_mlflow_has_the_other_run(client, task, donor):
    finish(task)
    text = begin_in(donor, task)
    with Tracker("tiny") as tracker:
        tracker.ended(task, FINISHED)
    run = only_run(client)
    assert run.data.tags["mlflow.note.content"] == run_note(task.job, text)
    with Tracker("tiny") as tracker:
        tracker.started(donor)
        tracker.ended(task, FINISHED)
    note = client.get_run(run.info.run_id).data.tags["mlflow.note.content"]
    assert f"[{text}](#/experiments/{run.info.experiment_id}/runs/" in note


def test_where_a_job_began_is_a_parameter_only_once_it_cannot_change(client, task, donor):
    finish(task)
    task.directory.result.unlink()
    begin_in(donor, task)
    with Tracker("tiny") as tracker:
        tracker.ended(task, JobOutcome(JobState.STOPPED))
    assert "starts_from" not in only_run(client).data.params
    assert only_run(client).data.tags["inherited_from"] == donor.job.identity
    task.directory.inherited.unlink()  # its checkpoints were deleted, and nothing is shared any more
    write_json(task.directory.result, {})
    with Tracker("tiny") as tracker:
        tracker.ended(task, FINISHED)
    run = only_run(client)
    assert tracker.warning is None
    assert "starts_from" not in run.data.params
    assert (run.data.tags["inherited_seconds"], run.data.tags["mlflow.note.content"]) == ("0.0", run_note(task.job))


def test_a_beginning_that_a_job_has_not_kept_is_no_longer_told(client, task, donor):
    begin_in(donor, task)
    with Tracker("tiny") as tracker:
        tracker.started(task)  # killed, and its checkpoints deleted: the files say for a moment what was
    assert "It began in the state of" in only_run(client).data.tags["mlflow.note.content"]
    with Tracker("tiny") as tracker:
        tracker.started(task)
        task.directory.inherited.unlink()
        finish(task)
        tracker.ended(task, FINISHED)
    assert only_run(client).data.tags["mlflow.note.content"] == run_note(task.job)


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
    assert run.data.tags["penalty_gradients"] == "exact first-order form"
    assert run.data.tags["weights.stacked-digits-classifier"] == "0123"
    assert (run.data.tags["sources"], run.data.tags["mlflow.source.git.commit"]) == ("aaa+bbb", "c0ffee")
    assert run.data.tags["mlflow.user"]
    assert (run.data.tags["mlflow.source.git.dirty"], run.data.tags["mlflow.source.name"]) == ("true", "r3gan train")
    assert run.data.tags["mlflow.note.content"] == run_note(task.job)
    assert run.data.tags["mlflow.runColor"] == "#000000", "the only variant there is"
    history = client.get_metric_history(run.info.run_id, D_KL)
    assert [(point.step, point.value) for point in history] == [(80, 0.5), (160, 0.25)]
    assert sent_grids(run.info.artifact_uri) == GRIDS
    kept = [file.path for file in client.list_artifacts(run.info.run_id, "weights")]
    assert kept == ["weights/best.safetensors", "weights/ema.safetensors"]
    assert {"config.json", "modes.json", "neighbours.png"} <= {
        file.path for file in client.list_artifacts(run.info.run_id)
    }
    dataset = run.inputs.dataset_inputs[0].dataset
    assert (dataset.name, dataset.digest) == ("stacked-digits", "abc")


def test_numbers_that_stay_as_they_are_become_tags_and_no_charts(client, task):
    upload = RunUpload(client, experiment_id(client, "tiny"), task)
    record(task, 80, d_kl=0.5, d_kl_floor=0.019, classifier_test_accuracy=0.9, loss_d=1.0)
    upload.send(None)
    record(task, 160, d_kl_floor=0.019, classifier_test_accuracy=0.95)
    upload.send(None)
    data = only_run(client).data
    assert data.metrics == {D_KL: 0.5, "losses/loss_d": 1.0}
    assert (data.tags["d_kl_floor"], data.tags["classifier_test_accuracy"]) == ("0.019", "0.95")


def test_a_run_of_before_there_were_sections_is_whole_in_both_forms_once_it_goes_on(client, task):
    upload = RunUpload(client, experiment_id(client, "tiny"), task)
    client.log_metric(upload.run_id, "d_kl", 0.5, int(time.time() * 1000), 80)
    record(task, 80, d_kl=0.5)
    record(task, 160, d_kl=0.25)
    upload.send(None)
    (job,) = load_jobs(client, upload.client.get_run(upload.run_id).info.experiment_id).to_dict("records")
    assert job["d_kl"] == 0.25
    points = read_histories(client, [upload.run_id], ["d_kl"])
    assert points[["kimg", "value"]].to_numpy().tolist() == [[0.08, 0.5], [0.16, 0.25]]


def test_sending_twice_adds_nothing_and_a_lost_store_is_rebuilt(client, task, tmp_path):
    record(task, 80, d_kl=0.5)
    finish(task)
    for _ in range(2):
        with Tracker("tiny") as tracker:
            tracker.ended(task, FINISHED)
        assert len(client.get_metric_history(only_run(client).info.run_id, D_KL)) == 1
    Path(tmp_path / "mlflow.db").rename(tmp_path / "lost.db")
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/again.db")
    try:
        with Tracker("tiny") as tracker:
            tracker.ended(task, FINISHED)
        assert only_run(MlflowClient()).data.metrics[D_KL] == 0.5
    finally:
        mlflow.set_tracking_uri(None)


def test_a_resumed_job_goes_on_in_its_run(client, task):
    record(task, 80, d_kl=0.5)
    upload = RunUpload(client, experiment_id(client, "tiny"), task)
    upload.send(JobState.STOPPED)
    assert only_run(client).info.status == "KILLED"
    record(task, 160, d_kl=0.25)
    again = RunUpload(client, experiment_id(client, "tiny"), task)
    again.send(None)
    assert only_run(client).info.status == "RUNNING"
    assert len(client.get_metric_history(only_run(client).info.run_id, D_KL)) == 2


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
    broken.directory.root.write_text("a file where a folder was")
    record(task, 80, d_kl=0.5)
    finish(task)
    with Tracker("tiny") as tracker:
        tracker.ended(broken, FINISHED)
        tracker.ended(task, FINISHED)
    assert tracker.warning
    experiment = client.get_experiment_by_name("tiny")
    finished = client.search_runs([experiment.experiment_id], "attributes.status = 'FINISHED'")
    assert [run.data.tags["identity"] for run in finished] == [task.job.identity]


def test_what_mlflow_does_not_take_costs_itself_alone_and_is_sent_the_next_time(client, task, monkeypatch):
    def no_boto3(*_, **__):
        raise ModuleNotFoundError("No module named 'boto3'", name="boto3")

    record(task, 80, d_kl=0.5)
    finish(task)
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_artifacts", no_boto3)
        with Tracker("tiny") as tracker:
            tracker.ended(task, FINISHED)
    assert tracker.warning is None
    (missing,) = tracker.missing[task.job.identity]
    assert missing.startswith("samples of stacked-digits/both/0: ModuleNotFoundError")
    assert "install boto3: pip install boto3" in missing
    run = only_run(client)
    assert (run.info.status, run.data.metrics[D_KL], run.data.tags["lacks"]) == ("FINISHED", 0.5, missing)
    with Tracker("tiny") as tracker:
        tracker.ended(task, FINISHED)
    run = only_run(client)
    assert "lacks" not in run.data.tags
    assert sent_grids(run.info.artifact_uri) == GRIDS


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "\x00\x00"])
def test_a_damaged_environment_costs_itself_alone(client, task, text):
    record(task, 80, d_kl=0.5)
    finish(task)
    task.directory.environment.write_text(text)
    with Tracker("tiny") as tracker:
        tracker.ended(task, FINISHED)
    assert only_run(client).info.status == "FINISHED"
    assert [sentence[:15] for sentence in tracker.missing[task.job.identity]] == ["the environment"]


def test_an_environment_that_changed_is_taken_as_it_is_now(client, task):
    """The hash of a feature network's weights, which another machine trained, say."""
    record(task, 80, d_kl=0.5)
    finish(task)
    RunUpload(client, experiment_id(client, "tiny"), task).send(JobState.STOPPED)
    environment = json.loads(task.directory.environment.read_text())
    write_json(task.directory.environment, environment | {"feature_networks": {"stacked-digits-classifier": "4567"}})
    assert RunUpload(client, experiment_id(client, "tiny"), task).send(JobState.FINISHED) == []
    assert only_run(client).data.tags["weights.stacked-digits-classifier"] == "4567"


def test_two_folders_have_two_runs_and_a_moved_one_keeps_its_run(client, task, tmp_path):
    experiment = experiment_id(client, "tiny")
    record(task, 80, d_kl=0.5)
    RunUpload(client, experiment, task).send(JobState.STOPPED)
    other = replace(task, directory=JobDir(task.job.directory(tmp_path / "other")))
    prepare_directory(other)
    record(other, 80, d_kl=0.5)
    RunUpload(client, experiment, other).send(JobState.STOPPED)
    copied = replace(task, directory=JobDir(tmp_path / "copied"))
    shutil.copytree(task.directory.root, copied.directory.root)
    RunUpload(client, experiment, copied).send(JobState.STOPPED)
    moved = replace(task, directory=JobDir(tmp_path / "moved"))
    task.directory.root.rename(moved.directory.root)
    record(moved, 160, d_kl=0.25)
    RunUpload(client, experiment, moved).send(JobState.STOPPED)
    runs = client.search_runs([experiment])
    found = {run.data.tags["folder"].rpartition("/")[2]: run.info.run_id for run in runs}
    assert sorted(found) == sorted(["moved", "copied", other.directory.root.name])
    steps = {name: [p.step for p in client.get_metric_history(run_id, D_KL)] for name, run_id in found.items()}
    assert steps.pop("moved") == [80, 160]
    assert set(map(tuple, steps.values())) == {(80,)}


def test_a_deleted_experiment_is_said_with_the_way_out(client, task):
    experiment = experiment_id(client, "tiny")
    client.delete_experiment(experiment)
    record(task, 80, d_kl=0.5)
    with Tracker("tiny") as tracker:
        tracker.ended(task, FINISHED)
    assert f"`mlflow experiments restore --experiment-id {experiment}` brings it back" in tracker.warning
    assert open_store("tiny", 60)[1] == [f"MLflow at {os.environ[URI]} cannot be used: {tracker.warning}"]


def test_two_commands_that_make_the_experiment_at_the_same_moment_share_it(client, monkeypatch):
    first = experiment_id(client, "tiny")
    answers = iter([None, client.get_experiment_by_name("tiny")])
    monkeypatch.setattr(client, "get_experiment_by_name", lambda name: next(answers))
    assert experiment_id(client, "tiny") == first


def test_a_server_that_never_answers_is_not_waited_for_without_end(task, monkeypatch):
    """A socket that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv(URI, f"http://127.0.0.1:{server.getsockname()[1]}")
        _, (problem,) = open_store("tiny", 0.5)
        assert problem.endswith("did not answer within 0.5 s")
        with Tracker("tiny", 0.5) as tracker:
            tracker.ended(task, FINISHED)
        assert tracker.warning == "no answer within 0.5 s"


def test_a_locked_store_is_said_to_be_locked(client, task, tmp_path, monkeypatch):
    experiment_id(client, "tiny")
    monkeypatch.setenv(URI, f"sqlite:///{tmp_path}/mlflow.db?timeout=0.1")  # SQLite's own wait, 5 s by default
    other = sqlite3.connect(tmp_path / "mlflow.db")
    other.execute("BEGIN EXCLUSIVE")
    record(task, 80, d_kl=0.5)
    with Tracker("tiny", 60) as tracker:
        tracker.ended(task, FINISHED)
    assert "another process holds MLflow's store locked" in tracker.warning
    other.close()


def test_a_store_of_job_directories_holds_what_the_real_one_would(client, task):
    record(task, 80, d_kl=0.5)
    finish(task)
    with store_of("tiny", [(task, JobState.FINISHED)]) as uri:
        other = MlflowClient(uri)
        (run,) = other.search_runs([other.get_experiment_by_name("tiny").experiment_id])
        assert (run.info.status, run.data.metrics[D_KL]) == ("FINISHED", 0.5)
        assert sent_grids(other.get_run(run.info.run_id).info.artifact_uri) == GRIDS


def test_points_that_a_server_did_not_take_are_sent_again(client, task, monkeypatch):
    upload = RunUpload(client, experiment_id(client, "tiny"), task)
    record(task, 80, d_kl=0.5)

    def away(*_, **__):
        raise ConnectionError("away for a moment")

    with monkeypatch.context() as patch:
        patch.setattr(client, "log_batch", away)
        with pytest.raises(ConnectionError):
            upload.send(None)
    upload.send(None)
    assert len(client.get_metric_history(only_run(client).info.run_id, D_KL)) == 1


def test_a_server_that_is_away_costs_nothing_but_a_warning(task, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    record(task, 80, d_kl=0.5)
    finish(task)
    with Tracker("tiny") as tracker:
        tracker.ended(task, FINISHED)
    assert tracker.warning
    assert json.loads(task.directory.metrics.read_text())["metrics"] == {"d_kl": 0.5}


def tags_of(client):
    (run,) = client.search_runs([experiment_id(client, "tiny")])
    return run.data.tags


def judged(task, primary):
    design, origin = Design(primary=primary, pure=["both"]), Origin(file=f"{primary}.yaml")
    return Task(replace(task.job, design=design, origin=origin), task.directory)


def test_a_run_says_how_its_study_is_judged_and_what_was_named_when_it_was_made(client, task):
    finish(task)
    RunUpload(client, experiment_id(client, "tiny"), judged(task, "modes")).send(None)
    RunUpload(client, experiment_id(client, "tiny"), judged(task, "d_kl")).send(JobState.FINISHED)
    tags = tags_of(client)
    assert design_from(json.loads(tags[names.DESIGN])) == Design(primary="d_kl", pure=["both"])
    began = design_from(json.loads(tags[names.DESIGN_AT_START]))
    assert began == Design(primary="modes", pure=["both"]), "evidence is not rewritten"
    assert Origin(**json.loads(tags[names.ORIGIN])) == Origin(file="modes.yaml"), "nor is this"


def test_a_run_says_what_has_become_of_its_job(client, task):
    upload = RunUpload(client, experiment_id(client, "tiny"), task)
    upload.send(JobState.DIVERGED)
    assert tags_of(client)[names.OUTCOME] == "diverged"
    upload.send(None)
    assert tags_of(client)[names.OUTCOME] == ""
    finish(task)
    upload.send(JobState.FINISHED)
    assert tags_of(client)[names.OUTCOME] == "finished"


def test_damaged_weights_are_not_sent_as_sound_ones(client, task):
    finish(task)
    weights = task.directory.best
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    (said,) = RunUpload(client, experiment_id(client, "tiny"), task).send(JobState.FINISHED)
    assert said.startswith(f"weights of {task.name}: DamagedTensors: {weights} is damaged")
    sent = [file.path for file in client.list_artifacts(only_run(client).info.run_id, "weights")]
    assert sent == ["weights/ema.safetensors"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"classes": 3, "first_class_names": ["bee", "cat", "dog"]}, "3 (bee, cat, dog)"),
        ({"classes": 1000, "first_class_names": ["tench", "goldfish"]}, "1000 (tench, goldfish, ...)"),
        ({"classes": 10, "first_class_names": []}, "10"),
        ({"classes": 0, "first_class_names": []}, ""),
        ({}, ""),
    ],
)
def test_a_run_says_the_classes_of_its_dataset(client, task, data, text):
    finish(task)
    environment = json.loads(task.directory.environment.read_text())
    environment["dataset"] |= data
    write_json(task.directory.environment, environment)
    RunUpload(client, experiment_id(client, "tiny"), task).send(JobState.FINISHED)
    assert tags_of(client)[names.CLASSES] == text

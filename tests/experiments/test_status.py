"""`status` shows how far a study is, and sends MLflow what has ended since, and nothing twice."""

import itertools
import json
import shutil
import threading
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.scheduler import Task, prepare_directory
from experiments.status import main
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from experiments.sync import main as sync
from experiments.tracking import bring_up
from experiments.tracking.bring_up import bring_up_to_date
from experiments.tracking.copies import store_of
from experiments.tracking.runs import Tracker
from experiments.tracking.sent import is_behind
from r3gan.files import file_lock, write_json
from r3gan.jobdir import JobDir
from r3gan.training.recorder import JsonlRecorder
from tests.experiments.test_sync import ENVIRONMENT

ONLY = ("--only", "variant=baseline,both")


@pytest.fixture
def study(write_study, tmp_path, monkeypatch, empty_store):
    """A study of four jobs, in whose folder there is an empty store: one finished, one stopped, one diverged, one new.
    It is the function that shows it."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    path = str(write_study())
    return lambda *more: main([path, *ONLY, *more])


@pytest.fixture
def tasks(study, tmp_path):
    plan = make_plan(read_study(tmp_path / "study.yaml"), None, {"variant": ["baseline", "both"]}, {})
    tasks = [Task(job, JobDir(job.directory(Path("runs")))) for job in plan.jobs[:3]]
    for task in tasks:
        prepare_directory(task)
        write_json(task.directory.environment, ENVIRONMENT)
        record(task, 80)
    tasks[1].directory.checkpoint(80).mkdir(parents=True)
    write_json(tasks[0].directory.result, tasks[0].directory.points()[-1])
    tasks[2].directory.diverged.write_text("loss_d is nan\n")
    return tasks


def record(task, images):
    JsonlRecorder(task.directory).record(images, images / 100, {"d_kl": 1 / images})


def runs():
    """Name -> status and the points of a metric, of each run in the store."""
    client = MlflowClient()
    found = client.get_experiment_by_name("tiny")
    return {
        run.info.run_name: (
            run.info.status,
            [point.step for point in client.get_metric_history(run.info.run_id, "image quality/d_kl")],
        )
        for run in (client.search_runs([found.experiment_id]) if found else [])
    }


def nothing_is_sent(monkeypatch):
    monkeypatch.setattr("experiments.tracking.bring_up.send", lambda *_: pytest.fail("something was sent"))


def test_what_has_ended_is_sent_once_and_then_only_what_is_new(study, tasks, capsys, monkeypatch):
    names = [task.job.name for task in tasks]
    assert study() == 1  # one has diverged
    assert "MLflow was brought up to date with 3 jobs that have ended" in capsys.readouterr().out
    assert runs() == {names[0]: ("FINISHED", [80]), names[1]: ("KILLED", [80]), names[2]: ("FAILED", [80])}
    with monkeypatch.context() as patch:
        nothing_is_sent(patch)
        assert study() == 1
    assert "MLflow" not in capsys.readouterr().out
    record(tasks[1], 160)
    study()
    assert "MLflow was brought up to date with 1 job that has ended" in capsys.readouterr().out
    assert runs()[names[1]] == ("KILLED", [80, 160])
    shutil.rmtree(tasks[1].directory.checkpoints)
    write_json(tasks[1].directory.result, tasks[1].directory.points()[-1])
    study()
    assert runs()[names[1]] == ("FINISHED", [80, 160])


def test_what_a_run_or_sync_has_sent_is_not_sent_again_and_another_store_gets_everything(
    study, tasks, capsys, monkeypatch, tmp_path, empty_store
):
    with Tracker("tiny") as tracker:
        tracker.ended(tasks[0], JobOutcome(JobState.FINISHED))
        tracker.ended(tasks[1], JobOutcome(JobState.FAILED))
    assert [is_behind(task.directory) for task in tasks] == [False, False, True]
    assert runs()[tasks[1].job.name][0] == "FAILED"
    assert sync([]) == 0
    assert not any(is_behind(task.directory) for task in tasks)
    with store_of("tiny", [(tasks[0], JobState.FINISHED)]):  # a copy for a report
        pass
    capsys.readouterr()
    with monkeypatch.context() as patch:
        nothing_is_sent(patch)
        study()
    shutil.copy(empty_store, tmp_path / "other.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    study()
    assert "MLflow was brought up to date with 3 jobs" in capsys.readouterr().out
    shutil.move("runs", "moved")
    assert is_behind(JobDir(Path("moved") / tasks[0].directory.root.relative_to("runs")))


def test_jobs_that_run_or_were_never_begun_are_left_alone(study, tasks):
    with file_lock(tasks[1].directory.lock):
        study()
    assert set(runs()) == {tasks[0].job.name, tasks[2].job.name}


@pytest.mark.parametrize("option", ["--no-mlflow", "--json"])
def test_mlflow_is_left_alone_where_that_is_asked_for(option, study, tasks, capsys):
    assert study(option) == 1
    said = capsys.readouterr().out
    assert runs() == {}
    assert "MLflow" not in said
    if option == "--json":
        assert [job["stage"] for job in json.loads(said)] == ["done", "stopped", "diverged", "new"]


def test_sending_ends_after_a_while_and_the_command_that_sends_the_rest_is_said(tasks):
    times = iter([0.0, 1.0, 10.5])
    said = list(bring_up_to_date(tasks, Path("runs"), 30, clock=lambda: next(times)))
    assert said == [
        "MLflow was brought up to date with 2 jobs that have ended",
        "MLflow still lacks 1 job that has ended: "
        "`python -m experiments.sync --study tiny --output runs` sends what can be sent",
    ]
    assert sync(["--study", "tiny", "--output", "runs"]) == 0
    assert list(bring_up_to_date(tasks, Path("runs"), 30)) == []


def test_a_note_that_no_program_wrote_is_none_and_a_folder_in_its_place_is_said(study, tasks, capsys):
    tasks[0].directory.sent.write_text(100_000 * "[")
    tasks[1].directory.sent.mkdir()
    assert study() == 1
    said = capsys.readouterr().out
    assert "MLflow was brought up to date with 2 jobs" in said
    name, place = tasks[1].job.name, tasks[1].directory.sent
    assert f"MLflow still lacks 1 job that has ended ({name}: {place} is a folder, where" in said
    assert not is_behind(tasks[0].directory)


def test_opening_the_store_and_sending_share_one_budget(tasks, monkeypatch):
    over = threading.Event()
    began: list[str] = []

    def slowly(name, seconds, result):
        def call(*_):
            began.append(name)
            over.wait(seconds)
            return result

        return call

    monkeypatch.setattr(bring_up, "LONGEST_SECONDS", 0.3)
    monkeypatch.setattr("experiments.tracking.store.open_store", slowly("open", 0.1, ("1", [])))
    monkeypatch.setattr("experiments.tracking.sync.RunUpload", slowly("send", 60, None))
    times = itertools.count(step=10.0)  # so that the thread left behind begins nothing more
    (said,) = bring_up_to_date(tasks, Path("runs"), 30, clock=lambda: next(times))
    over.set()
    assert said.startswith("MLflow still lacks 3 jobs that have ended (0.3 s were not enough for MLflow at sqlite:///")
    assert began == ["open", "send"]


def test_a_store_that_is_lost_is_not_made_but_said(study, tasks, tmp_path, capsys):
    (tmp_path / "mlflow.db").unlink()
    assert study() == 1
    expected = (
        "MLflow lacks 3 jobs that have ended, and its store is not there: "
        "`python -m experiments.sync --study tiny --output runs --rebuild` makes it"
    )
    assert expected in capsys.readouterr().out
    assert not (tmp_path / "mlflow.db").exists()


def test_what_ails_mlflow_is_said_and_changes_no_exit_code(study, tasks, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        assert study("--mlflow-wait", "20") == 1
        said = capsys.readouterr().out
        assert "MLflow still lacks 3 jobs that have ended (MLflow at http://127.0.0.1:9 cannot be used" in said
    with file_lock(Path("runs/tiny/mlflow.lock")):
        study()
    assert "3 jobs that have ended (another command sends at this moment)" in capsys.readouterr().out
    tasks[0].directory.result.write_text("{}")
    study()
    said = capsys.readouterr().out
    assert "brought up to date with 2 jobs" in said
    assert f"still lacks 1 job that has ended ({tasks[0].job.name}: " in said

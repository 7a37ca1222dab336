"""What job directories hold reaches MLflow later too, from anywhere, and twice is once."""

import json
import sqlite3

import pytest
from mlflow.tracking import MlflowClient

from experiments.launch.outcome import JobState
from experiments.launch.scheduler import Task, prepare_directory
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from experiments.sync import main
from experiments.tracking.colours import colour_runs
from experiments.tracking.run_upload import RunUpload, experiment_id
from r3gan.files import write_json
from r3gan.jobdir import JobDir
from r3gan.training.recorder import JsonlRecorder

ENVIRONMENT = {
    "device": "cpu",
    "feature_networks": {"digits": "0123"},
    "dataset": {"name": "stacked-digits", "source": "somewhere", "content_hash": "abc"},
    "trained_by": [],
}


@pytest.fixture
def tasks(write_study, tmp_path, monkeypatch):
    """A finished job, a stopped one and one that diverged."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    jobs = make_plan(read_study(write_study()), None, {"variant": ["baseline", "both"]}, {}).jobs[:3]
    tasks = [Task(job, JobDir(job.directory(tmp_path / "runs"))) for job in jobs]
    for task in tasks:
        prepare_directory(task)
        write_json(task.directory.environment, ENVIRONMENT)
        for images in (80, 160):
            JsonlRecorder(task.directory).record(images, images / 100, {"d_kl": 1 / images, "loss_d": 0.5})
    write_json(tasks[0].directory.result, tasks[0].directory.points()[-1])
    tasks[2].directory.diverged.write_text("loss_d is nan\n")
    return tasks


def content(uri=None):
    """All of a store, but for ids."""
    client = MlflowClient(uri)
    runs = client.search_runs([client.get_experiment_by_name("tiny").experiment_id])
    return sorted(
        (
            run.info.run_name,
            run.info.status,
            run.info.start_time,
            run.info.end_time,
            sorted(run.data.params.items()),
            sorted((key, value) for key, value in run.data.tags.items() if not key.startswith("mlflow.log")),
            sorted(
                (key, point.step, point.timestamp, point.value)
                for key in run.data.metrics
                for point in client.get_metric_history(run.info.run_id, key)
            ),
            [(item.dataset.name, item.dataset.digest) for item in run.inputs.dataset_inputs],
        )
        for run in runs
    )


def test_a_lost_store_is_made_anew_equal_but_for_ids(tasks, tmp_path, capsys):
    client = MlflowClient()
    for task, state in zip(tasks, (JobState.FINISHED, JobState.STOPPED, JobState.DIVERGED), strict=True):
        RunUpload(client, experiment_id(client, "tiny"), task).send(state)
    colour_runs(client, experiment_id(client, "tiny"))
    before = content()
    (tmp_path / "mlflow.db").rename(tmp_path / "lost.db")
    uri = f"sqlite:///{tmp_path}/again.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        assert main([]) == 2
        assert f"there is no MLflow store at {uri}: --rebuild makes it" in capsys.readouterr().err
        assert not (tmp_path / "again.db").exists()
        assert main(["--rebuild"]) == 0
        assert content(uri) == before
        assert main([]) == 0
        assert content(uri) == before


def test_what_was_recorded_meanwhile_is_sent(tasks):
    assert main(["--rebuild"]) == 0
    JsonlRecorder(tasks[1].directory).record(240, 2.4, {"d_kl": 0.1})
    assert main([]) == 0
    histories = {run[0]: [step for key, step, *_ in run[6] if key == "image quality/d_kl"] for run in content()}
    assert histories[tasks[1].job.name] == [80, 160, 240]
    assert histories[tasks[0].job.name] == [80, 160]


def test_a_damaged_directory_is_said_and_the_others_are_sent(tasks, capsys):
    (tasks[0].directory.root / "job.json").write_text("{}")
    tasks[1].directory.config.write_text(json.dumps({"seed": 0}))
    assert main(["--rebuild"]) == 1
    err = capsys.readouterr().err
    assert all(f"{tasks[i].directory.root.name} is left out" in err.replace("\n", "") for i in (0, 1))
    assert [run[0] for run in content()] == [tasks[2].job.name]


def test_points_that_are_damaged_are_not_sent_as_a_finished_run(tasks, capsys):
    tasks[0].directory.metrics.write_text(tasks[0].directory.metrics.read_text().replace("0.0125", "0.0225"))
    assert main(["--rebuild"]) == 1
    assert "run its study again, which mends it" in capsys.readouterr().out
    assert tasks[0].job.name not in [run[0] for run in content()]


@pytest.mark.parametrize("text", ["[]", "null", '"x"', "{}", ""])
def test_a_file_that_holds_something_else_is_one_sentence(tasks, capsys, text):
    (tasks[0].directory.root / "job.json").write_text(text)
    assert main(["--rebuild"]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith(("error: ", "warning: "))]
    assert "is left out: job.json or config.json is not what was written" in line
    assert len(content()) == 2


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_text("garbage"), "sync --rebuild` makes it from the job directories"),
        (lambda path: lock(path), "another process holds"),
    ],
)
def test_a_store_that_cannot_be_opened_is_one_sentence_with_the_way_out(tasks, tmp_path, capsys, damage, words):
    assert main(["--rebuild"]) == 0
    capsys.readouterr()
    held = damage(tmp_path / "mlflow.db")
    assert main(["--mlflow-wait", "2"]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith(("error: ", "warning: "))]
    assert words in line
    del held


def lock(path):
    connection = sqlite3.connect(path)
    connection.execute("BEGIN EXCLUSIVE")
    return connection


def test_a_study_under_another_folder_name_is_said(tasks, tmp_path, capsys):
    (tmp_path / "runs" / "tiny").rename(tmp_path / "runs" / "old")
    assert main(["--rebuild"]) == 2
    assert "is left out: its job.json says runs/tiny/stacked-digits/baseline/seed0-" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "words"), [(["--output", "nowhere"], "is not a folder"), ([], "holds no job")])
def test_bad_input_is_one_sentence(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    try:
        code = main(arguments)
    except SystemExit as error:
        code = error.code
    assert code == 2
    assert words in capsys.readouterr().err


def test_a_server_that_stops_answering_is_asked_once_and_not_for_every_job(tasks, monkeypatch, capsys):
    asked = []

    def away(client, experiment, task):
        asked.append(task.name)
        raise TimeoutError("timed out")

    monkeypatch.setattr("experiments.tracking.sync.RunUpload", away)
    assert main(["--rebuild"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert len(asked) == 1
    assert "the tracking server does not answer" in out
    assert "not sent: 2 of 3 jobs" in out

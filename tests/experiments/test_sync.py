"""What job directories hold reaches MLflow later too, from anywhere, and twice is once."""

import errno
import json
import os
import shutil
import sqlite3
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
import torch
from mlflow.tracking import MlflowClient

from experiments.launch.outcome import JobState
from experiments.launch.scheduler import Task, prepare_directory
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from experiments.sync import main
from experiments.tracking.colours import colour_runs
from experiments.tracking.run_upload import RunUpload, experiment_id
from r3gan.checksums import seal
from r3gan.files import write_json
from r3gan.jobdir import JobDir
from r3gan.tensor_files import save_tensors
from r3gan.training.recorder import JsonlRecorder

ENVIRONMENT = {
    "device": "cpu",
    "feature_networks": {"digits": "0123"},
    "dataset": {"name": "stacked-digits", "source": "somewhere", "content_hash": "abc"},
    "trained_by": [],
}


@pytest.fixture
def tasks(write_study, tmp_path, monkeypatch, empty_store):
    """A finished job, a stopped one and one that diverged, beside an empty store."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
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


@pytest.mark.parametrize("zone", ["+0000", ""])  # earlier versions wrote the machine's own time
def test_a_run_begins_when_its_job_did_with_or_without_points(tasks, zone):
    began = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC if zone else None).timestamp()
    for task in tasks:
        task.directory.log.write_text(
            f"=== attempt 2024-01-02 03:04:05{zone} ===\n=== attempt 2024-02-02 01:01:01 ===\n"
        )
        os.utime(task.directory.log, (began + 60, began + 60))
    tasks[1].directory.metrics.unlink()
    assert main([]) == 0
    times = {name: (start, end) for name, _, start, end, *_ in content()}
    assert {start for start, _ in times.values()} == {began * 1000}
    assert times[tasks[1].job.name][1] == (began + 60) * 1000
    assert times[tasks[0].job.name][1] == int(tasks[0].directory.points()[-1]["time"] * 1000)


def test_a_job_without_log_and_points_has_the_time_of_its_configuration(tasks):
    tasks[1].directory.metrics.unlink()
    os.utime(tasks[1].directory.config, (1_700_000_000, 1_700_000_000))
    assert main([]) == 0
    assert (tasks[1].job.name, 1_700_000_000_000) in [(name, start) for name, _, start, *_ in content()]


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


def flip(path):
    """Change the file's last byte."""
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


@pytest.mark.parametrize("part", ["best", "ema.safetensors", "state.pt"])
def test_files_of_a_finished_job_that_were_damaged_after_they_were_sent_are_named(tasks, capsys, part):
    job = tasks[0].directory
    checkpoint = job.checkpoint(160)
    checkpoint.mkdir(parents=True)
    (checkpoint / "state.pt").write_bytes(b"state")
    for path in (checkpoint / "ema.safetensors", job.best):
        save_tensors({"w": torch.ones(2)}, path)
    seal(checkpoint)
    assert main(["--rebuild"]) == 0
    assert main([]) == 0
    capsys.readouterr()
    flip(job.best if part == "best" else checkpoint / part)
    assert main([]) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "damaged" in line]
    assert line.startswith(tasks[0].name)
    named = job.best.name if part == "best" else f"{checkpoint.name} is damaged ({part} is not what was written)"
    assert named in line
    assert f"/{job.root.name}/result.json and run its study again" in line
    assert len(content()) == 3


def test_a_folder_that_cannot_be_used_is_said_and_the_others_are_sent(tasks, monkeypatch, capsys):
    def refuse(job):
        if job.root.name == tasks[1].directory.root.name and job.root.parent.name == tasks[1].job.variant:
            raise PermissionError(errno.EACCES, "Permission denied", str(job.lock))

    monkeypatch.setattr("experiments.tracking.sync.holder", refuse)
    assert main([]) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "Permission denied" in line]
    assert line.startswith(f"{tasks[1].name}: ")
    assert "job.lock" in line
    assert sorted(run[0] for run in content()) == sorted(tasks[i].job.name for i in (0, 2))


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


class Answers(BaseHTTPRequestHandler):
    """MLflow's server as far as the study's experiment goes; every other question hangs until the test is over."""

    over = threading.Event()
    asked: ClassVar[list[str]] = []
    knows = "experiments/get"

    def do_GET(self):
        self.asked.append(self.path)
        if self.knows not in self.path:
            self.over.wait(60)
            return
        body = json.dumps({"experiment": {"experiment_id": "1", "name": "tiny", "lifecycle_stage": "active"}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture
def server(monkeypatch):
    """A server of the class Answers, which MLflow is set to; --mlflow-wait alone bounds the waiting for it."""
    Answers.over.clear()
    Answers.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "600")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    yield server
    Answers.over.set()
    server.shutdown()
    server.server_close()


def test_a_server_that_hangs_at_a_job_is_waited_for_once_and_not_for_every_job(tasks, server, capsys):
    assert main(["--mlflow-wait", "2"]) == 1
    out = capsys.readouterr().out
    assert f"{tasks[0].name}: MLflow at http://127.0.0.1:{server.server_port} did not answer within 2 s\n" in out
    assert "not sent: 2 of 3 jobs" in out
    assert len([path for path in Answers.asked if Answers.knows not in path]) == 1


def test_a_server_that_accepts_and_never_answers_is_one_sentence(tasks, server, monkeypatch, capsys):
    monkeypatch.setattr(Answers, "knows", "nothing at all")
    assert main(["--mlflow-wait", "1"]) == 1
    address = f"http://127.0.0.1:{server.server_port}"
    assert f"warning: MLflow at {address} did not answer within 1 s\n" in capsys.readouterr().err


def test_damage_is_said_where_the_server_does_not_answer(tasks, server, capsys):
    save_tensors({"w": torch.ones(2)}, tasks[0].directory.best)
    flip(tasks[0].directory.best)
    assert main(["--mlflow-wait", "1"]) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(tasks[0].name)]
    assert "is damaged" in line
    assert "did not answer within 1 s" in line

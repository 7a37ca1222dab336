"""`r3gan train` outside a study, from the outside."""

import io
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from r3gan.__main__ import main
from r3gan.job import train_job
from r3gan.jobdir import JobDir
from r3gan.points import as_line
from r3gan.single.display import TrainingDisplay
from tests.r3gan.small import small_config
from tests.r3gan.training.test_train import ROOT, assert_equal_weights, final_weights

SMALL = (
    *("--data", "stacked-digits", "total_kimg=0.16", "--preset", "digits-8x8", "network.widths=[16, 8]"),
    *("network.groups=[4, 2]", "batch_size=8", "evaluation.every_kimg=0.08", "evaluation.samples=1000"),
    *("checkpoint_every_kimg=0.04", "log_every_kimg=0.04"),
)


def start(folder, *arguments):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "r3gan", "train", *SMALL, "--out", *arguments],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_of_real_processes_that_is_stopped_goes_on_by_the_same_command(tmp_path):
    process = start(tmp_path, "run")
    while not (tmp_path / "run" / "metrics.jsonl").exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=400)
    stopped = not (tmp_path / "run" / "result.json").exists()
    assert process.returncode == (130 if stopped else 0), out + err
    again = start(tmp_path, "run", "--gpus", "2")
    out, err = again.communicate(timeout=400)
    assert again.returncode == 0, out + err
    assert JobDir(tmp_path / "run").points()[-1]["images"] == 160


@dataclass
class Here:
    """Stands for a process: the job was trained in this one, until it ended or was to stop."""

    code: int

    def poll(self):
        return self.code


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A function that runs `r3gan train` without other processes; it is to stop after so many steps, if any."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("r3gan.single.run.LOOK_SECONDS", 0)
    prepared = []
    monkeypatch.setattr("r3gan.single.run.make_ready", lambda need: prepared.append(need) or 0)
    monkeypatch.setattr("r3gan.single.run.catch_signals", list)

    def train(*arguments, steps=1000):
        calls, started = iter(range(10_000)), []

        def start(job, ranks, computation, environment):
            started.append((ranks, computation))
            return Here(train_job(job, computation, lambda: next(calls) == steps))

        monkeypatch.setattr("r3gan.single.run.start_ranks", start)
        train.code = main(["train", *SMALL, "evaluation.metrics=[]", *arguments])
        return started

    train.prepared = prepared
    return train


def test_the_same_command_goes_on_and_ends_as_if_nothing_had_happened(here, capsys):
    ((ranks, computation),) = here("--out", "whole", "--micro-batch", "3")
    assert (here.code, ranks, computation.micro_batch) == (0, 1, 3)
    assert here.prepared == ["stacked-digits=@1000"]
    assert "finished: weights, samples and metrics lie in whole" in capsys.readouterr().out
    here("--out", "parts", "--micro-batch", "3", steps=7)
    assert not JobDir(Path("parts")).finished()
    here("--out", "parts", "--micro-batch", "3")
    assert_equal_weights(final_weights(JobDir(Path("parts"))), final_weights(JobDir(Path("whole"))))
    assert here("--out", "parts", "--micro-batch", "3") == []
    assert (here.code, "parts has finished: 0.16 kimg" in capsys.readouterr().out) == (0, True)


def test_another_configuration_for_the_same_directory_is_refused_and_changes_nothing(here, capsys):
    here("--out", "run", steps=2)
    before = Path("run/config.json").read_text()
    assert here("--out", "run", "batch_size=4", "--seed", "2") == []
    assert here.code == 2
    told = capsys.readouterr().err
    assert told.endswith("(seed is 0 there and 2 here; batch_size is 8 there and 4 here): name another folder\n")
    assert Path("run/config.json").read_text() == before


def test_a_training_that_diverges_says_so_and_exits_with_1(here, monkeypatch, capsys):
    def diverge(job, ranks, computation, environment):
        job.diverged.write_text("loss_d is nan at step 3\n")
        return Here(1)

    here("--out", "run", steps=2)
    monkeypatch.setattr("r3gan.single.run.start_ranks", diverge)
    assert main(["train", *SMALL, "evaluation.metrics=[]", "--out", "run"]) == 1
    assert "training failed: loss_d is nan at step 3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--data", "cifar10", "total_kimg=3"], "train needs --preset, --out too, or the directory of a job alone"),
        (["a", "b"], "train needs --data, --preset, --out too"),
        (["--data", "d", "--preset", "cifar10", "--out", "o", "total"], "total: KEY=VALUE was expected"),
        (["--data", "d", "--preset", "cifar10", "--out", "o"], "--data d is no path; d is unknown"),
        (["--data", "d", "--preset", "cifar", "--out", "o"], "did you mean cifar10?"),
        (["--data", "cifar10", "--preset", "cifar10", "--out", "o", "bach_size=3"], "did you mean batch_size?"),
        (["missing"], "config.json: is not what was written"),
    ],
)
def test_bad_input_is_told_in_one_sentence_and_writes_nothing(arguments, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *arguments]) == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert told in message
    assert list(tmp_path.iterdir()) == []


def test_a_seed_that_is_none_is_told_as_the_options_value(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["train", *SMALL, "--out", "o", "--seed", "-1"])
    assert ended.value.code == 2
    assert "argument --seed: '-1': a whole number from 0 up was expected" in capsys.readouterr().err


def test_words_behind_options_belong_to_train_alone(capsys):
    with pytest.raises(SystemExit):
        main(["data", "list", "total_kimg=3"])
    with pytest.raises(SystemExit):
        main(["train", "--outt", "there"])
    assert "unrecognized arguments: --outt" in capsys.readouterr().err


def test_tracking_that_is_not_installed_is_told_before_anything_starts(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("r3gan.single.tracking.find_spec", lambda name: None if name == "mlflow" else name)
    assert main(["train", *SMALL, "--out", "o", "--track"]) == 2
    assert "--track needs mlflow, not installed here" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_display_says_rate_time_left_and_metrics_a_line_at_a_time_without_a_terminal(tmp_path):
    job, text, times = JobDir(tmp_path), io.StringIO(), [0.0]
    display = TrainingDisplay(job, small_config(), Console(file=text, width=200), clock=lambda: times[0])
    now = time.time()

    def record(images, seconds, **metrics):
        point = {"images": images, "seconds": seconds, "time": now + seconds, "metrics": metrics}
        with job.metrics.open("a") as file:
            file.write(as_line(point))
        display.look()

    with display:
        record(40, 10.0)
        assert text.getvalue() == ""
        record(80, 20.0, modes=3.0, d_kl=2.5)
        assert text.getvalue() == "0.1/0.16 kimg 4 img/s 0:20 left D_KL 2.500, 3 modes\n"
        times[0] = 61.0
        display.look()
        display.look()
    assert text.getvalue().count("\n") == 2

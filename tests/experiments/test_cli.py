"""What the commands share: how they end when a user interrupts them, or the system refuses something."""

import errno
import os
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from experiments import cli, run, tune


@pytest.fixture(autouse=True)
def _own_handlers():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def press(number):
    """Send this process a signal, and wait for what its handler prints."""
    os.kill(os.getpid(), number)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.daemon:
            thread.join(5)


def test_the_first_ctrl_c_says_what_happens_and_the_second_what_it_did(capsys):
    def command():
        received = cli.catch_signals()
        press(signal.SIGINT)
        assert received == [signal.SIGINT]
        assert capsys.readouterr().err == "stopping: jobs write their checkpoints; press Ctrl-C again to end now\n"
        press(signal.SIGINT)
        raise AssertionError

    assert cli.run_command(command) == 130
    assert "ended at once; jobs that still run end by themselves, with a checkpoint" in capsys.readouterr().err


def test_after_sigterm_nothing_is_said_of_ctrl_c(capsys):
    assert cli.run_command(partial(_terminate, capsys)) == 0


def _terminate(capsys):
    received = cli.catch_signals()
    press(signal.SIGTERM)
    assert received == [signal.SIGTERM]
    assert capsys.readouterr().err == "stopping: jobs write their checkpoints\n"
    return 0


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_reader_that_goes_ends_a_command_without_a_word(lines):
    command = f"lambda: print('line\\n' * {lines}) or 0"
    code = f"import sys; from experiments import cli; sys.exit(cli.run_command({command}))"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


def test_a_broken_pipe_of_something_else_is_said(capsys):
    assert cli.run_command(partial(refuse, errno.EPIPE, "the worker")) == 2
    assert capsys.readouterr().err == "error: the worker: Broken pipe\n"


def refuse(number, name):
    raise OSError(number, os.strerror(number), name)


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [
        (
            errno.ENOSPC,
            1,
            "error: runs/x: the disk is full (No space left on device): free some space, and",
        ),
        (errno.EDQUOT, 1, "error: runs/x: the disk is full"),
        (errno.EACCES, 2, "error: runs/x: Permission denied\n"),
        (errno.EROFS, 2, "error: runs/x: Read-only file system\n"),
    ],
)
def test_what_the_system_refuses_is_one_sentence_and_a_full_disk_has_a_code_of_its_own(number, code, message, capsys):
    assert cli.run_command(partial(refuse, number, "runs/x")) == code
    error = capsys.readouterr().err
    assert error.startswith(message)
    assert error.count("\n") == 1


@pytest.mark.parametrize("main", [run.main, tune.main])
def test_an_output_folder_of_an_impossible_name_ends_with_2_and_a_sentence(main, write_study, tmp_path, capsys):
    folder = tmp_path / ("x" * 300)
    assert main([str(write_study()), "--dry-run", "--no-costs", "--output", str(folder)]) == 2
    assert capsys.readouterr().err == f"error: {folder}: File name too long\n"


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_an_output_folder_that_cannot_be_made_ends_with_2_before_anything_runs(write_study, tmp_path, capsys, dry):
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / "runs"
    assert run.main([str(write_study()), "--no-costs", "--output", str(folder), *dry]) == 2
    captured = capsys.readouterr()
    assert captured.err == f"error: {folder}: Not a directory; --output names another folder for what jobs write\n"


@pytest.mark.parametrize("folder", ["runs", "a/b/runs"])
def test_a_dry_run_makes_no_output_folder_and_says_nothing_of_one_that_can_be_made(
    write_study, tmp_path, monkeypatch, capsys, folder
):
    monkeypatch.chdir(tmp_path)
    assert run.main([str(write_study()), "--no-costs", "--dry-run", "--output", folder]) == 0
    assert not capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
@pytest.mark.parametrize("main", [run.main, tune.main])
def test_a_dry_run_says_that_nothing_can_be_written_to_the_output_folder(main, write_study, capsys):
    tuned = "tune: {space: {schedules.gamma: {log: [3, 300]}}, objective: {metric: d_kl}, trials: 2}\nprofiles:"
    study = write_study(("profiles:", tuned))
    assert main([str(study), "--no-costs", "--dry-run", "--output", "/proc/runs"]) == 2
    assert "error: /proc/runs: " in capsys.readouterr().err

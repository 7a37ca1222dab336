"""What the commands share: how they end when a user interrupts them."""

import os
import signal
import threading
from functools import partial

import pytest

from experiments import cli


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

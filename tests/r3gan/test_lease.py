"""A lease says who trains, survives crashes, zombies and clocks that jump, and nobody takes over from the living."""

import errno
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from filelock import FileLock

import r3gan.lease
from r3gan.jobdir import LAUNCHER_PID, JobDir
from r3gan.lease import Heart, Lease, LeaseLost, holder, is_locked, read_lease
from r3gan.processes import is_alive

HOLD = """
import sys, time
from pathlib import Path
from filelock import FileLock
from r3gan.jobdir import JobDir
from r3gan.lease import Heart
job = JobDir(Path(sys.argv[1]))
with FileLock(job.lock), Heart(job):
    print("here", flush=True)
    time.sleep(100)
"""


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.delenv(LAUNCHER_PID, raising=False)
    monkeypatch.setattr(r3gan.lease, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(r3gan.lease, "LOOK_SECONDS", 1.0)
    return JobDir(tmp_path)


def other_process(job, **environment):
    command = [sys.executable, "-c", HOLD, str(job.root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | environment)
    assert process.stdout.readline() == "here\n"
    return process


def write(job, lease):
    job.lease.write_text(json.dumps(asdict(lease)))


def test_nobody_holds_an_empty_folder_and_none_is_made(job):
    assert holder(job) is None
    assert list(job.root.iterdir()) == []


def test_another_process_holds_it_until_it_is_killed_even_if_nobody_waits_for_it(job):
    process = other_process(job)
    try:
        assert holder(job).startswith(f"process {process.pid} on ")
    finally:
        process.kill()
    while is_alive(process.pid):
        time.sleep(0.01)
    assert process.returncode is None  # a zombie
    while holder(job) is not None:  # its other threads may still be ending: the lock goes with the last one
        time.sleep(0.01)
    assert read_lease(job).pid == process.pid  # nobody tidied up
    process.wait()


def test_one_whose_launcher_is_gone_is_about_to_end(job):
    launcher = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
    process = other_process(job, **{LAUNCHER_PID: str(launcher.pid)})
    try:
        assert holder(job) is not None
        launcher.kill()  # and not waited for
        while is_alive(launcher.pid):
            time.sleep(0.01)
        assert holder(job) is None
        assert is_locked(job)
    finally:
        process.kill()
        process.wait()
        launcher.wait()


def test_the_beat_of_another_machine_is_life_whatever_its_clock_says(job):
    lease = replace(Lease.here(), machine="another", host="node7")
    write(job, lease)
    os.utime(job.lease, (0, 0))
    closing = threading.Event()

    def beat():
        count = 0
        while not closing.wait(0.02):
            count += 1
            write(job, replace(lease, beat=count))
            os.utime(job.lease, (0, 0))

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        assert holder(job) == f"process {lease.pid} on node7"
    finally:
        closing.set()
        thread.join()
    os.utime(job.lease, (9e9, 9e9))
    assert holder(job) is None


@pytest.mark.parametrize("text", ["", "null", "{}", '{"host": 1}', "\x00"])
def test_a_damaged_lease_is_nobodys(job, text):
    job.lease.write_text(text)
    assert read_lease(job) is None
    assert holder(job) is None
    with FileLock(job.lock):
        assert holder(job) == "another process"


def test_a_lock_that_cannot_be_tried_is_an_error_and_not_another_process(job, monkeypatch):
    job.lock.touch()

    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(PermissionError, match=r"job\.lock"):
        is_locked(job)


def test_a_heart_beats_and_leaves_nothing(job):
    with Heart(job) as heart:
        seen = {read_lease(job).beat for _ in range(100) if time.sleep(0.005) is None and read_lease(job)}
        heart.require()
    assert len(seen) > 2
    assert not job.lease.exists()


def test_who_was_taken_over_stops_and_leaves_the_lease_alone(job):
    with Heart(job) as heart:
        other = replace(Lease.here(), host="node7")
        write(job, other)
        while not heart.is_lost:
            time.sleep(0.01)
        with pytest.raises(LeaseLost, match=f"was taken over by process {other.pid} on node7"):
            heart.require()
    assert read_lease(job) == other

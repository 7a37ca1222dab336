"""A job on two machines: here two network namespaces, each with an address of its own, that share a folder."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from r3gan.computation import Computation
from r3gan.config import EvaluationConfig
from r3gan.files import write_json
from r3gan.jobdir import JobDir
from r3gan.one_machine import on_cores, start_ranks
from tests.r3gan.small import small_config

ROOT = Path(__file__).parents[2]
ADDRESSES = ("10.77.41.1", "10.77.41.2")
START = """
import sys
from pathlib import Path
from r3gan.computation import Computation
from r3gan.jobdir import JobDir
from r3gan.one_machine import on_cores, start_ranks
from r3gan.rendezvous import Meeting

folder, here, port, attempt = sys.argv[1:]
meeting = Meeting(hosts={hosts}, here=int(here), port=int(port), attempt=attempt)
sys.exit(start_ranks(JobDir(Path(folder)), 1, Computation(), on_cores(2), meeting).wait())
"""


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def hosts():
    """Names of two namespaces that are joined by a cable."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need root and iproute2")
    names = [f"r3gan{os.getpid()}{side}" for side in "ab"]
    try:
        for name in names:
            ip("netns", "add", name)
    except subprocess.CalledProcessError:
        pytest.skip("network namespaces cannot be made here")
    try:
        ip("link", "add", "cable0", "netns", names[0], "type", "veth", "peer", "name", "cable0", "netns", names[1])
        for name, address in zip(names, ADDRESSES, strict=True):
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "cable0")
            ip("-n", name, "link", "set", "cable0", "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield names
    finally:
        for name in names:
            for pid in subprocess.check_output(["ip", "netns", "pids", name], text=True).split():
                os.kill(int(pid), signal.SIGKILL)
            ip("netns", "delete", name)


def start(names, job, attempt):
    """The job's processes on both machines."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "GLOO_SOCKET_IFNAME": "cable0"}
    code = START.format(hosts=ADDRESSES)
    words = [sys.executable, "-c", code, str(job.root)]
    return [
        subprocess.Popen(
            ["ip", "netns", "exec", name, *words, str(index), "29400", attempt], env=environment, start_new_session=True
        )
        for index, name in enumerate(names)
    ]


def make_job(folder, **keys):
    job = JobDir(folder)
    job.root.mkdir()
    write_json(job.config, asdict(small_config(**keys)))
    return job


def weights(job):
    return load_file(job.last_checkpoint() / "ema.safetensors")


def here(folder, ranks, **keys):
    """The same job on this machine alone."""
    job = make_job(folder, **keys)
    assert start_ranks(job, ranks, Computation(), on_cores(2)).wait() == 0, job.log.read_text()
    return job


def log_of(job):
    return "".join(job.log_of(i).read_text() for i in (0, 1) if job.log_of(i).exists())


def assert_close(job, other):
    ours, theirs = weights(job), weights(other)
    assert ours.keys() == theirs.keys()
    for key in ours:
        torch.testing.assert_close(ours[key], theirs[key], rtol=1e-3, atol=1e-4)


def test_a_job_over_two_machines_is_the_job_of_one_rank(hosts, tmp_path):
    job = make_job(tmp_path / "job")
    assert [process.wait(200) for process in start(hosts, job, "first")] == [0, 0], log_of(job)
    assert json.loads(job.environment.read_text())["ranks"] == 2
    assert_close(job, here(tmp_path / "alone", 1))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_lost_machine_ends_the_job_on_the_other_and_both_go_on_from_the_checkpoint(hosts, tmp_path):
    keys = {"total_kimg": 1.6, "evaluation": EvaluationConfig(every_kimg=1.6, samples=1000)}
    job = make_job(tmp_path / "job", **keys)
    first, second = start(hosts, job, "first")
    deadline = time.monotonic() + 200
    while len(job.checkpoint_folders()) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in subprocess.check_output(["ip", "netns", "pids", hosts[1]], text=True).split():
        os.kill(int(pid), signal.SIGKILL)
    assert second.wait(30) != 0
    assert first.wait(200) != 0
    assert not job.finished()
    trained, restarted = int(job.last_checkpoint().name), time.time()
    assert [process.wait(200) for process in start(hosts, job, "second")] == [0, 0], log_of(job)
    of_first = [point for point in job.points() if point["images"] <= trained]
    assert of_first
    assert all(point["time"] < restarted for point in of_first)  # nothing was trained again
    ours, theirs = weights(job), weights(here(tmp_path / "here", 2, **keys))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)

"""A job from the outside: the lock that ranks wait for together, bad input, and exit codes."""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from filelock import FileLock

import r3gan.job
from r3gan.__main__ import main
from r3gan.computation import Computation
from r3gan.distributed import World
from r3gan.files import write_json
from r3gan.job import acquire, train_job
from r3gan.jobdir import JobDir
from r3gan.training.checkpoint import DamagedCheckpoint
from r3gan.training.resume import RanksDisagree, resume
from r3gan.training.state import fresh_state
from tests.r3gan.small import constant, small_config, small_network
from tests.r3gan.training.test_train import (
    ROOT,
    assert_equal_weights,
    command,
    final_weights,
    make_job,
    run_inside,
    run_process,
)

CPU = torch.device("cpu")


def in_two_ranks(function, folder, *arguments):
    """What `function(world, folder, *arguments)` returns on each of two ranks."""
    mp.spawn(_rank, (function, str(folder), arguments), nprocs=2)
    return [json.loads((folder / f"rank{rank}.json").read_text()) for rank in (0, 1)]


def _rank(rank, function, folder, arguments):
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    torch.set_num_threads(1)
    result = function(World(rank, 2, CPU), folder, *arguments)
    with open(f"{folder}/rank{rank}.json", "w") as file:
        json.dump(result, file)
    dist.destroy_process_group()


def take_lock(world, folder):
    r3gan.job.LOCK_SECONDS = 0.5
    lock = FileLock(f"{folder}/job.lock")
    held = acquire(lock, world, JobDir(Path(folder)))
    return [held, lock.is_locked]


def test_all_ranks_learn_that_the_first_one_cannot_have_the_lock(tmp_path):
    assert in_two_ranks(take_lock, tmp_path) == [[True, True], [True, False]]
    with FileLock(tmp_path / "job.lock"):
        assert in_two_ranks(take_lock, tmp_path) == [[False, False], [False, False]]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_a_folder_that_takes_no_lock_is_one_line_at_once_and_not_another_process(tmp_path, monkeypatch, capsys):
    job = make_job(tmp_path, small_config())
    monkeypatch.setattr(JobDir, "lock", property(lambda self: Path("/proc/mine.lock")))
    monkeypatch.setattr(r3gan.job, "LOCK_SECONDS", 0.1)
    assert main(["train", str(job.root)]) == 1
    assert capsys.readouterr().err == "error: [Errno 2] No such file or directory: '/proc/mine.lock'\n"


def look_for_checkpoint(world, folder, jobs):
    config = small_config()
    try:
        resume(fresh_state(config, 0, CPU), config, JobDir(jobs[world.rank]), world)
    except RanksDisagree as error:
        return str(error)
    return "agreed"


def test_ranks_that_find_different_checkpoints_stop_and_say_which(tmp_path):
    calls = iter(range(100))
    job, _ = run_inside(small_config(), tmp_path / "job", should_stop=lambda: next(calls) == 6)
    roots = [job.root, tmp_path / "other"]
    assert in_two_ranks(look_for_checkpoint, tmp_path, [job.root, job.root]) == ["agreed", "agreed"]
    for message in in_two_ranks(look_for_checkpoint, tmp_path, roots):
        assert "different checkpoints (rank 0: 0.056 kimg, rank 1: 0 kimg)" in message


@pytest.mark.slow
def test_ranks_wait_for_a_predecessor_that_still_writes_a_checkpoint(tmp_path):
    """Two ranks start beside an earlier checkpoint while another process holds the lock and then writes a later one."""
    config = small_config(checkpoint_every_kimg=0.04)
    stops = iter(range(100))
    late, _ = run_inside(config, tmp_path / "late", should_stop=lambda: next(stops) == 7)
    stops = iter(range(100))
    waiting, _ = run_inside(config, tmp_path / "waiting", should_stop=lambda: next(stops) == 4)
    with FileLock(waiting.lock):
        process = subprocess.Popen(command(waiting, ranks=2), cwd=ROOT, stderr=subprocess.PIPE, text=True)
        time.sleep(20)  # both are there by now, and would have looked
        shutil.copytree(late.last_checkpoint(), waiting.checkpoints / late.last_checkpoint().name)
        shutil.copy(late.metrics, waiting.metrics)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    run_process(late, ranks=2)
    assert_equal_weights(final_weights(late), final_weights(waiting))


def test_a_batch_that_the_ranks_cannot_share_is_one_line_and_exit_code_2(tmp_path, monkeypatch, capsys):
    job = make_job(tmp_path, small_config())
    monkeypatch.setenv("WORLD_SIZE", "3")  # as torchrun says; no process group is joined
    assert train_job(job, Computation()) == 2
    assert capsys.readouterr().err == f"error: {job.config}: batch_size 8 cannot be shared among 3 ranks evenly\n"
    assert not dist.is_initialized()


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda data: data.pop("seed"), "seed"),
        (lambda data: data.update(sed=1), "sed"),
        (lambda data: data.update(batch_size=0), "batch_size: 0 must be from 1 to 1000000"),
        (
            lambda data: data["loss"][0].update(kind="wasserstein"),
            "loss.0.kind: unknown value wasserstein; valid:",
        ),
        (
            lambda data: data["network"].update(resampling="cubic"),
            "network.resampling: unknown value cubic; valid:",
        ),
    ],
)
def test_a_configuration_that_cannot_work_is_told_line_by_line_with_exit_code_2(tmp_path, capsys, change, part):
    data = json.loads(json.dumps(asdict(small_config())))
    change(data)
    job = JobDir(tmp_path)
    write_json(job.config, data)
    assert train_job(job, Computation()) == 2
    err = capsys.readouterr().err
    assert part in err
    assert all(line.startswith(f"error: {job.config}: ") for line in err.splitlines())


def test_the_first_order_form_is_refused_where_it_is_not_exact(tmp_path):
    job = make_job(tmp_path, small_config(network=small_network(activation="gelu")))
    done = subprocess.run(
        [sys.executable, "-m", "r3gan", "train", str(job.root), "--penalty-form", "first-order"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: the first-order form of the penalties is not exact for this discriminator: use double"
    ]


def test_a_checkpoint_of_another_configuration_is_refused_and_a_longer_training_goes_on(tmp_path):
    config = small_config(total_kimg=0.08)
    job, finished = run_inside(config, tmp_path)
    assert finished
    other = replace(config, schedules=replace(config.schedules, gamma=constant(2.0)))
    with pytest.raises(
        DamagedCheckpoint, match=r"no checkpoint is sound: .*0000000080 was trained under another configuration"
    ):
        run_inside(other, tmp_path)
    longer = replace(config, total_kimg=0.16)
    run_inside(longer, tmp_path)
    through, _ = run_inside(longer, tmp_path / "through")
    assert_equal_weights(final_weights(job), final_weights(through))

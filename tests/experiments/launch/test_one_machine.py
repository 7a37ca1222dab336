"""Jobs of one machine run on it alone, whatever an operator's environment says of other machines."""

import json
import os
import socket
import sys

import pytest

from experiments.launch.execution import Execution
from experiments.launch.launchers import make_launcher
from experiments.launch.outcome import JobState
from experiments.launch.scheduler import Task, execute
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.jobdir import JobDir
from r3gan.one_machine import cores, on_cores, own_environment, rank_command, torchrun_command

OPERATORS = {
    "PET_NNODES": "2",
    "PET_NPROC_PER_NODE": "3",
    "PET_NODE_RANK": "1",
    "PET_RDZV_ENDPOINT": "nowhere.invalid:29500",
    "PET_RDZV_BACKEND": "static",
    "PET_MAX_RESTARTS": "5",
    "PET_STANDALONE": "0",
    "PET_NO_PYTHON": "1",
    "MASTER_ADDR": "nowhere.invalid",
    "MASTER_PORT": "1",
    "WORLD_SIZE": "4",
    "RANK": "3",
    "LOCAL_RANK": "3",
    "LOCAL_WORLD_SIZE": "4",
    "GROUP_RANK": "1",
    "TORCHELASTIC_RUN_ID": "other",
    "TORCHELASTIC_USE_AGENT_STORE": "True",
    "TORCH_ELASTIC_WORKER_IDENTICAL": "1",
    "GLOO_SOCKET_IFNAME": "none0",
    "LOGLEVEL": "loud",
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("name", "ranks"), [("local", 1), ("local", 2), ("in-process", 1)])
def test_a_job_finishes_where_the_environment_speaks_of_other_machines(name, ranks, write_study, tmp_path, monkeypatch):
    for variable, value in OPERATORS.items():
        monkeypatch.setenv(variable, value)
    only = {"variant": ["baseline"], "seed": ["0"]}
    settings = {"total_kimg": 0.016, "evaluation.every_kimg": 0.016}
    (job,) = make_plan(read_study(write_study()), None, only, settings).jobs
    task = Task(job, JobDir(job.directory(tmp_path)))
    launcher = make_launcher(Execution(launcher=name, slots=1, ranks=ranks, output=tmp_path))
    (ended,) = execute([task], launcher, [], lambda: False)
    assert ended.outcome.state is JobState.FINISHED, task.directory.log.read_text()
    assert json.loads(task.directory.environment.read_text())["ranks"] == ranks


def test_only_what_is_said_of_ranks_is_left_out_and_the_network_is_the_machines_own():
    own = own_environment({"PATH": "/bin", "OMP_NUM_THREADS": "2", "PETS": "2", "R3GAN_DATA": "x"} | OPERATORS)
    assert own.pop("GLOO_SOCKET_IFNAME") in [name for _, name in socket.if_nameindex()]
    assert own == {
        "PATH": "/bin",
        "OMP_NUM_THREADS": "2",
        "PETS": "2",
        "R3GAN_DATA": "x",
        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
    }


def test_a_single_rank_is_started_by_itself_and_its_log_waits_for_nothing():
    assert rank_command(1) == [sys.executable, "-u", "-m"]
    assert rank_command(2)[:3] == [sys.executable, "-m", "torch.distributed.run"]


def test_a_job_on_cores_asks_for_large_pages_and_leaves_the_users_own_tunables_the_last_word(monkeypatch):
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    assert on_cores(1)["GLIBC_TUNABLES"] == "glibc.malloc.hugetlb=1"
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=0")
    assert on_cores(1)["GLIBC_TUNABLES"] == "glibc.malloc.hugetlb=1:glibc.malloc.hugetlb=0"


def test_no_name_is_looked_up_to_find_the_other_ranks(monkeypatch):
    """torchrun reads the command as it is meant: one machine, by its number, without a second attempt."""
    from torch.distributed.run import config_from_args, parse_args

    for variable in OPERATORS:
        monkeypatch.delenv(variable, raising=False)
    config, _, arguments = config_from_args(parse_args([*torchrun_command(2)[3:], "r3gan", "train", "job"]))
    assert (config.min_nodes, config.max_nodes, config.nproc_per_node, config.max_restarts) == (1, 1, 2, 0)
    assert (config.rdzv_backend, config.rdzv_endpoint, config.local_addr) == ("c10d", "127.0.0.1:0", "127.0.0.1")
    assert arguments == ["-u", "-m", "r3gan", "train", "job"]
    assert "OMP_NUM_THREADS" in os.environ  # else the line above would have set it, for all tests


def test_within_slurm_the_cores_are_those_that_were_given(monkeypatch):
    for name in ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"):
        monkeypatch.delenv(name, raising=False)
    everything = cores()
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", "1")
    assert cores() == 1
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "100000")
    assert cores() == everything

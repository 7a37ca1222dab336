import subprocess

import pytest

from experiments.launch.execution import Execution, Hardware
from experiments.launch.launchers import NotPrepared
from experiments.launch.local import LocalLauncher
from r3gan.computation import Computation


@pytest.fixture
def launcher(monkeypatch):
    """A function that makes the launcher of a machine with eight cores and some GPUs."""
    for module in ("experiments.launch.local", "r3gan.one_machine"):
        monkeypatch.setattr(f"{module}.cores", lambda: 8)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def make(gpus=0, **execution):
        monkeypatch.setattr("experiments.launch.local.this_machine", lambda: Hardware(gpus, 80 * 2**30))
        return LocalLauncher(Execution(**execution))

    return make


@pytest.mark.parametrize(("gpus", "ranks", "expected"), [(0, 1, 8), (0, 3, 2), (0, 16, 1), (4, 1, 4), (4, 2, 2)])
def test_as_many_jobs_as_cores_or_gpus_allow(launcher, gpus, ranks, expected):
    assert launcher(gpus, ranks=ranks).slots == expected
    assert launcher(gpus, ranks=ranks, slots=3).slots == 3


def test_jobs_share_the_cores_evenly(launcher):
    assert launcher(slots=2, ranks=2).environment(1)["OMP_NUM_THREADS"] == "2"
    assert launcher(slots=20).environment(1)["OMP_NUM_THREADS"] == "1"


def test_every_job_gets_gpus_of_its_own_and_further_jobs_use_them_too(launcher, monkeypatch):
    made = launcher(gpus=4, slots=3, ranks=2)
    assert [made.environment(slot)["CUDA_VISIBLE_DEVICES"] for slot in range(3)] == ["0,1", "2,3", "0,1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    assert made.environment(1)["CUDA_VISIBLE_DEVICES"] == "6,7"


def test_what_a_rank_is_to_compute_reaches_the_command_line_of_the_job(launcher, monkeypatch, tmp_path):
    from r3gan.jobdir import JobDir

    started = []
    monkeypatch.setattr("r3gan.one_machine.subprocess.Popen", lambda command, **_: started.append(command))
    computation = Computation(micro_batch=3, penalty_form="double", tf32=True)
    launcher(ranks=2, computation=computation).start(JobDir(tmp_path), 0)
    (command,) = started
    assert "--nproc-per-node=2" in command
    assert command[command.index(str(tmp_path)) + 1 :] == computation.arguments()


def test_jobs_that_share_a_gpu_share_its_memory_alike_in_all_slots(launcher):
    alone, shared = launcher(gpus=4, slots=4), launcher(gpus=4, slots=6)
    assert [alone.environment(slot)["R3GAN_JOBS_PER_GPU"] for slot in range(4)] == ["1"] * 4
    assert [shared.environment(slot)["R3GAN_JOBS_PER_GPU"] for slot in range(6)] == ["2"] * 6
    assert shared.hardware == Hardware(4, 40 * 2**30)
    assert "R3GAN_JOBS_PER_GPU" not in launcher(slots=6).environment(0)


def test_gpus_that_others_use_are_left_alone_and_none_at_all_is_said(launcher, monkeypatch, capsys):
    def answer(text):
        done = subprocess.CompletedProcess([], 0, text, "")
        monkeypatch.setattr("experiments.launch.gpus.subprocess.run", lambda *_, **__: done)

    answer("GPU-a1, 0, 81559\nGPU-b2, 70000, 81559\nGPU-b3, 300, 81559\n")
    made = launcher(gpus=3)
    assert made.slots == 2
    assert [made.environment(slot)["CUDA_VISIBLE_DEVICES"] for slot in range(2)] == ["0", "2"]
    assert made.gpus.in_use_bytes == 300 * 2**20
    made.prepare([])
    assert "GPU 1: 70000 of 81559 MiB are in use by others: it is left alone" in capsys.readouterr().err
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")  # the user's own choice
    assert launcher(gpus=3).slots == 3
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    answer("GPU-a1, 70000, 81559\n")
    busy = launcher(gpus=1)
    assert busy.hardware.gpus == 1  # a dry run says what is there
    with pytest.raises(NotPrepared, match=r"no GPU is free \(GPU 0: 70000 of 81559 MiB are in use\): CUDA_VISIBLE_DEV"):
        busy.prepare([])
    answer("what?\n")
    assert launcher(gpus=2).slots == 2

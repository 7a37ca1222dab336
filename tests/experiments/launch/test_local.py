import pytest

from experiments.launch.local import LocalLauncher, slots


@pytest.fixture
def eight_cores(monkeypatch):
    monkeypatch.setattr("experiments.launch.local.cores", lambda: 8)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.parametrize(("gpus", "ranks", "expected"), [(0, 1, 8), (0, 3, 2), (0, 16, 1), (4, 1, 4), (4, 2, 2)])
def test_as_many_jobs_as_cores_or_gpus_allow(eight_cores, gpus, ranks, expected):
    assert slots(gpus, ranks) == expected


def test_jobs_share_the_cores_evenly(eight_cores):
    assert LocalLauncher(parallel=2, ranks=2, gpus=0).environment(1)["OMP_NUM_THREADS"] == "2"
    assert LocalLauncher(parallel=20, ranks=1, gpus=0).environment(1)["OMP_NUM_THREADS"] == "1"


def test_every_job_gets_gpus_of_its_own_and_surplus_jobs_share_them(eight_cores, monkeypatch):
    launcher = LocalLauncher(parallel=3, ranks=2, gpus=4)
    assert [launcher.environment(slot)["CUDA_VISIBLE_DEVICES"] for slot in range(3)] == ["0,1", "2,3", "0,1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    assert launcher.environment(1)["CUDA_VISIBLE_DEVICES"] == "6,7"

"""What others have on GPUs counts where the user names them, too."""

import subprocess

import pytest

from experiments.launch.gpus import Gpus, look_at_gpus

ALIKE = "GPU-a1, 72000, 81559\nGPU-b2, 500, 81559\nGPU-b3, 300, 81559\n"


@pytest.fixture
def use(monkeypatch):
    """What others have in MiB on GPUs that CUDA_VISIBLE_DEVICES names, all of which are free."""

    def used(names, text=ALIKE, order=""):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", names)
        monkeypatch.setenv("CUDA_DEVICE_ORDER", order)
        done = subprocess.CompletedProcess([], 0, text, "")
        monkeypatch.setattr("experiments.launch.gpus.subprocess.run", lambda *_, **__: done)
        count = len(names.split(","))
        found = look_at_gpus(count)
        assert found == Gpus(tuple(range(count)), in_use_bytes=found.in_use_bytes)
        return found.in_use_bytes // 2**20

    return used


def test_what_others_have_on_named_gpus_is_the_most_on_those_by_place_and_by_uuid(use):
    assert use("0,1") == 72000
    assert use("2, 1") == 500
    assert use("2") == 300
    assert use("GPU-b3") == 300
    assert use("GPU-a") == 72000
    assert use("0", text="nobody is here") == 0


@pytest.mark.parametrize("name", ["7", "GPU-b", "MIG-4711", "GPU-c", "\u00b2"])
def test_of_a_name_that_may_be_any_gpu_it_is_the_most_of_all(use, name):
    assert use(name) == 72000


def test_places_among_unlike_cards_are_known_only_in_the_order_of_the_bus(use):
    unlike = ALIKE.replace("72000, 81559", "100, 24000")
    assert use("0", unlike) == 500
    assert use("0", unlike, "PCI_BUS_ID") == 100

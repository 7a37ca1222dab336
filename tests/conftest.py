import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # jobs that tests start share two cores with the tests

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _no_inherited_settings(monkeypatch, tmp_path):
    """Tests see neither the user's data folder nor the user's tracking server."""
    for name in ("R3GAN_DATA", "MLFLOW_TRACKING_URI", "R3GAN_LAUNCHER_PID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    """One classifier cache for the whole session, apart from the user's."""
    os.environ["R3GAN_CACHE"] = str(tmp_path_factory.mktemp("cache"))

import os
import shutil

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


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """An MLflow database without runs; creating one takes seconds, so it is made once and copied."""
    from mlflow.tracking import MlflowClient  # not at the top: the library's own tests run without it

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def store(empty_store, tmp_path, monkeypatch):
    """A client of a store of the test's own; the test runs in an empty folder."""
    import mlflow

    shutil.copy(empty_store, tmp_path / "store.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")  # set_tracking_uri changes it; this restores it
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'store.db'}")
    yield mlflow.MlflowClient()
    mlflow.set_tracking_uri(None)

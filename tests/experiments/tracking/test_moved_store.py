"""MLflow's default store, moved or copied with its folder: artifacts go, and are found, where the study is now."""

import shutil
import sqlite3
from functools import partial
from pathlib import Path

import mlflow
import pytest
from mlflow.tracking import MlflowClient
from sqlalchemy import create_engine

from experiments.tracking.moved_store import follow_folder
from experiments.tracking.runs import Tracker
from experiments.tracking.store import MOVED, artifact_problems, open_store
from experiments.tracking.trouble import store_file


@pytest.fixture
def study(tmp_path, monkeypatch, empty_store):
    """A folder with MLflow's default store, one run and its artifact; the working folder."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = tmp_path / "study"
    folder.mkdir()
    shutil.copy(empty_store, folder / "mlflow.db")
    enter(folder, monkeypatch)
    open_store("tiny", 60)
    write("first")
    return folder


def enter(folder, monkeypatch):
    monkeypatch.chdir(folder)
    mlflow.set_tracking_uri(None)
    monkeypatch.setattr("mlflow.tracking._tracking_service.utils._tracking_uri", None)


def write(name):
    """A run with an artifact of that name. Returns where it lies."""
    client = MlflowClient()
    run = client.create_run(client.get_experiment_by_name("tiny").experiment_id, run_name=name)
    client.log_text(run.info.run_id, name, f"{name}.txt")
    return Path(run.info.artifact_uri.removeprefix("file://"))


def artifacts():
    """What every run's artifact says, by the run's name."""
    client = MlflowClient()
    runs = client.search_runs([client.get_experiment_by_name("tiny").experiment_id])
    return {r.info.run_name: mlflow.artifacts.load_text(f"{r.info.artifact_uri}/{r.info.run_name}.txt") for r in runs}


@pytest.mark.parametrize("how", [shutil.move, shutil.copytree])
def test_new_artifacts_go_to_where_the_study_is_and_old_ones_are_found(study, tmp_path, monkeypatch, how):
    there = tmp_path / "elsewhere"
    how(study, there)
    before = sorted(study.rglob("*"))
    enter(there, monkeypatch)
    assert open_store("tiny", 60)[1] == [MOVED]
    assert write("second").is_relative_to(there / "mlruns")
    assert sorted(study.rglob("*")) == before, "nothing is written to the old place"
    assert artifacts() == {"first": "first", "second": "second"}
    assert open_store("tiny", 60)[1] == [], "said once"


def test_artifacts_that_did_not_come_along_keep_their_address(study, tmp_path, monkeypatch):
    there = tmp_path / "elsewhere"
    there.mkdir()
    shutil.copy(study / "mlflow.db", there)
    enter(there, monkeypatch)
    assert open_store("tiny", 60)[1] == [MOVED]
    assert write("second").is_relative_to(there / "mlruns")
    assert artifacts() == {"first": "first", "second": "second"}


def test_a_store_that_the_user_names_is_left_as_it_is(study, tmp_path, monkeypatch):
    there = tmp_path / "elsewhere"
    shutil.copytree(study, there)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{there}/mlflow.db")
    assert follow_folder() == 0


def test_a_folder_with_a_percent_sign_is_said_and_left_as_it_is(study, tmp_path, monkeypatch):
    there = tmp_path / "of 100%25"
    shutil.copytree(study, there)
    enter(there, monkeypatch)
    (said,) = open_store("tiny", 60)[1]
    assert "because of the percent sign: " in said or said.startswith("this version of MLflow keeps the store")
    assert "rename the folder" in said
    assert follow_folder() == 0


@pytest.fixture
def locked(study, tmp_path, monkeypatch):
    """A copy of the study, the working folder, and a connection that holds its store locked against writers."""
    there = tmp_path / "elsewhere"
    shutil.copytree(study, there)
    enter(there, monkeypatch)
    briefly = partial(create_engine, connect_args={"timeout": 0.1})  # SQLite's own wait is 5 s
    monkeypatch.setattr("experiments.tracking.moved_store.create_engine", briefly)
    other = sqlite3.connect(there / "mlflow.db")
    other.execute("BEGIN IMMEDIATE")
    yield there, other
    other.close()


def test_a_locked_store_is_said_and_left_whole_and_followed_once_it_is_free(locked):
    there, other = locked
    before = (there / "mlflow.db").read_bytes()
    experiment, (said,) = open_store("tiny", 60)
    assert experiment is None
    assert "another process holds MLflow's store locked" in said
    assert (there / "mlflow.db").read_bytes() == before
    other.rollback()
    assert open_store("tiny", 60)[1] == [MOVED]
    assert write("second").is_relative_to(there / "mlruns")


def test_what_is_sent_after_the_lock_goes_to_where_the_study_is(locked):
    there, other = locked
    open_store("tiny", 60)
    other.rollback()
    with Tracker("tiny", 60) as tracker:
        pass
    assert tracker.warning is None
    assert write("second").is_relative_to(there / "mlruns")


def test_a_version_that_does_not_read_its_own_quoted_spaces_is_said(tmp_path, monkeypatch):
    for name in ("a study", "a%20study"):
        (tmp_path / name).mkdir()
    (tmp_path / "a%20study" / "mlflow.db").touch()
    monkeypatch.chdir(tmp_path / "a study")
    monkeypatch.setattr(mlflow, "get_tracking_uri", lambda: f"sqlite:///{tmp_path}/a%20study/mlflow.db")
    (said,) = artifact_problems(f"{tmp_path}/a study/mlruns/1")
    assert said.startswith(f"this version of MLflow keeps the store of {tmp_path}/a study in {tmp_path}/a%20study, ")


def test_the_file_of_a_store_is_found_whether_or_not_its_address_quotes_spaces(tmp_path):
    for name in ("a folder", "of%20100"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mlflow.db").touch()
    for address, name in (("a%20folder", "a folder"), ("a folder", "a folder"), ("of%20100", "of%20100")):
        assert store_file(f"sqlite:///{tmp_path}/{address}/mlflow.db?timeout=1") == tmp_path / name / "mlflow.db"

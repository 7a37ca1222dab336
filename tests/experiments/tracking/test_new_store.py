"""MLflow's store is there whole or not at all, whoever makes it, and whenever they are killed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import URL, create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from experiments.tracking.new_store import make_missing_store
from experiments.tracking.trouble import explain
from tests.experiments.conftest import ROOT

# Forks a child for each line `FOLDER STEP [STEP ...]`, at once; each opens the study's store and is killed at its
# step: so many SQL statements in, or before or after the finished file is moved into its place; never with -1.
MAKER = """
import json, os, signal, sys
from pathlib import Path
import mlflow, sqlalchemy
import mlflow.store.tracking.sqlalchemy_store
from experiments.tracking.store import open_store

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def arm(step):
    count = 0
    def before(*_):
        nonlocal count
        if count == step:
            die()
        count += 1
    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", before)
    replace = Path.replace
    def move(path, target):
        step == "before" and die()
        replace(path, target)
        step == "after" and die()
    Path.replace = move
    return lambda: count

def child(folder, step):
    os.chdir(folder)
    made = arm(step)
    result = open_store("tiny", 60)
    print(json.dumps([*result, made()]), flush=True)
    os._exit(0)

for line in sys.stdin:
    folder, steps = json.loads(line)
    pids = [os.fork() or child(folder, step) for step in steps]
    ends = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    print(json.dumps(ends), flush=True)
"""


@pytest.fixture(scope="module")
def maker():
    """A function from a folder and steps to what those printed that were not killed there, and to all exit codes."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    process = subprocess.Popen(
        [sys.executable, "-c", MAKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )

    def make(folder, *steps):
        process.stdin.write(json.dumps([str(folder), steps]) + "\n")
        process.stdin.flush()
        lines = []
        while len(lines) < len(steps) + 1:
            lines.append(json.loads(process.stdout.readline()))
            if all(isinstance(one, int) for one in lines[-1]):
                return lines[:-1], lines[-1]
        raise AssertionError(lines)

    yield make
    process.stdin.close()
    process.wait()


def usable(said):
    """That an open_store found an experiment, and nothing to complain of."""
    experiment, troubles, _ = said
    return experiment is not None and troubles == []


@pytest.fixture(scope="module")
def statements(maker, tmp_path_factory):
    """How many SQL statements the first command issues until the store is in its place."""
    folder = tmp_path_factory.mktemp("first")
    (said,), _ = maker(folder, -1)
    assert usable(said)
    again, _ = maker(folder, -1)
    assert usable(again[0])
    return said[2] - again[0][2]


@pytest.mark.timeout(300)
def test_a_command_that_is_killed_while_it_makes_the_store_leaves_none_and_the_next_two_at_once_share_a_whole_one(
    maker, statements, tmp_path
):
    for step in [*(statements * i // 10 for i in range(10)), "before"]:
        _, (code,) = maker(tmp_path, step)
        assert code == -9
        assert not (tmp_path / "mlflow.db").exists(), step
    both, codes = maker(tmp_path, -1, -1)
    assert codes == [0, 0]
    assert all(usable(said) for said in both)
    assert both[0][0] == both[1][0]
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"], "what those left that were killed is gone"
    assert [name for _, name in content(tmp_path / "mlflow.db")[2]] == ["Default", "tiny"]


def test_where_the_temporary_folder_is_full_the_store_is_made_beside_its_place_and_a_full_disk_is_said(
    tmp_path, monkeypatch, empty_store
):
    def make(address, _):
        path = Path(address.removeprefix("sqlite:///"))
        if any(path.is_relative_to(folder) for folder in full):
            raise OperationalError("CREATE TABLE _alembic_tmp_runs", {}, Exception("database or disk is full"))
        shutil.copy(empty_store, path)
        return SimpleNamespace(engine=SimpleNamespace(dispose=lambda: None))

    for name in ("temporary", "there"):
        (tmp_path / name).mkdir()
    full = [tmp_path]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/there/mlflow.db")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr("experiments.tracking.new_store.SqlAlchemyStore", make)
    with pytest.raises(OperationalError) as caught:
        make_missing_store()
    said = explain(caught.value)
    assert f"the disk of MLflow's store is full, or that of {tmp_path}/temporary: free some space" in said
    assert list((tmp_path / "there").iterdir()) == []
    full[:] = [tmp_path / "temporary"]
    make_missing_store()
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["mlflow.db"]
    assert content(tmp_path / "there/mlflow.db") == content(empty_store)


def test_one_that_is_killed_once_the_store_is_in_its_place_leaves_it_whole(maker, tmp_path):
    _, (code,) = maker(tmp_path, "after")
    assert code == -9
    assert [name for _, name in content(tmp_path / "mlflow.db")[2]] == ["Default"]
    (said,), _ = maker(tmp_path, -1)
    assert usable(said)


def content(path):
    """Every table's columns, which migrations were made, and the experiments but for where artifacts go."""
    engine = create_engine(URL.create("sqlite", database=str(path)))
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        columns = {
            name: [column["name"] for column in inspect(connection).get_columns(name)]
            for name in inspect(connection).get_table_names()
        }
        versions = connection.execute(text("SELECT version_num FROM alembic_version")).all()
        experiments = connection.execute(text("SELECT experiment_id, name FROM experiments ORDER BY 1")).all()
    engine.dispose()
    return columns, versions, experiments


@pytest.mark.parametrize("name", ["a folder", "of 100%", "of%20100", "ü#"])
def test_a_store_is_made_where_mlflow_looks_for_it_and_holds_what_mlflow_would_put_there(
    maker, empty_store, tmp_path, name
):
    folder = tmp_path / name
    folder.mkdir()
    (said,), _ = maker(folder, -1)
    assert said[0] is not None
    assert [path.name for path in tmp_path.iterdir()] == [name], "nothing is made beside it"
    columns, versions, experiments = content(folder / "mlflow.db")
    ours = content(empty_store)
    assert (columns, versions) == ours[:2]
    assert experiments[:1] == ours[2]
    assert [experiment[1] for experiment in experiments] == ["Default", "tiny"]
    assert [path.name for path in folder.iterdir()] == ["mlflow.db"]

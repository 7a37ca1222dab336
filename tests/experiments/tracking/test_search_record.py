"""The record of a search keeps its format: what an earlier version wrote is read, and written again alike."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.tracking.search_record import SearchRecord, TrialState, Worker

STORED = Path(__file__).parent / "data" / "tuning.json"  # written before records were typed


def test_a_stored_record_is_read_and_written_again_without_a_difference():
    data = json.loads(STORED.read_text())
    record = SearchRecord.from_json(data)
    assert json.loads(json.dumps(record.to_json())) == data
    assert [trial.state for trial in record.trials] == [trial["state"] for trial in data["trials"]]
    assert record.trials[0].worker == Worker(**data["trials"][0]["worker"])
    assert SearchRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_what_is_no_record_is_refused():
    data = json.loads(STORED.read_text())
    with pytest.raises(TypeError, match="sampler"):
        SearchRecord.from_json({key: value for key, value in data.items() if key != "sampler"})
    with pytest.raises(TypeError, match="colour"):
        SearchRecord.from_json(data | {"colour": "red"})
    data["trials"][0]["state"] = "lost"
    with pytest.raises(ValueError, match="lost"):
        SearchRecord.from_json(data)


def test_every_state_says_what_it_means_for_the_budget_and_in_mlflow():
    said = {state: (state.is_counted, state.has_cost, state.is_open, state.mlflow_status) for state in TrialState}
    assert said == {
        "complete": (True, True, False, "FINISHED"),
        "pruned": (True, True, False, "KILLED"),
        "diverged": (True, True, False, "FAILED"),
        "failed": (False, True, False, "FAILED"),
        "running": (True, True, True, "KILLED"),
        "waiting": (False, False, True, "KILLED"),
        "interrupted": (False, False, False, "KILLED"),
        "surplus": (False, False, False, "KILLED"),
    }


def test_a_worker_knows_its_own_process():
    here = Worker.here(3)
    assert here.is_this_process
    assert here.is_on_this_host
    assert not Worker(here.host, here.pid + 1, 3).is_this_process
    assert not Worker(f"not-{here.host}", here.pid, 3).is_on_this_host


def test_the_record_loads_no_library():
    code = "import sys, experiments.tracking.search_record; print({'torch', 'mlflow', 'optuna'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert done.stdout == "set()\n"

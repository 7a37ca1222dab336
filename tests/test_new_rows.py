"""A loss, an activation, a resampling, a metric, a feature network, a dataset, a preset, a sampler, a pruner and a
launcher are one new row each: everything else is derived from it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    command = [sys.executable, "-m", "tests.new_rows", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def found(done):
    return json.loads(done.stdout.splitlines()[-1])


def test_a_study_of_new_rows_runs_and_its_new_metric_is_recorded_shown_and_reported(done, found):
    assert found["codes"][:2] == [0, 0]
    assert "network.activation: steep-relu" in done.stdout  # the plan
    for variant in ("baseline", "new"):
        value = found["points"][variant]["brightness1k"]
        assert 0 <= value <= 255
        assert found["points"][variant]["best_brightness1k"] >= 0
        (ended,) = [line for line in done.stdout.splitlines() if line.startswith(f"finished  dots/{variant}/0")]
        assert ended.rstrip().endswith(f"Brightness {value:.1f}")
    assert "Brightness 1k ↑ (of 255)" in found["table"]


def test_what_is_piecewise_linear_keeps_the_first_order_form(found):
    assert found["forms"] == ["exact first-order form"] * 2


def test_a_search_by_new_rows_proposes_what_the_new_sampler_says(found):
    assert found["codes"][2] == 0
    (trial,) = found["search"]["trials"]
    assert trial["params"] == {"schedules.gamma.end": 10.0}
    assert (found["search"]["sampler"], found["search"]["pruner"], trial["state"]) == ("first", "never", "complete")
    assert found["search"]["objectives"] == [{"metric": "brightness1k", "direction": "maximize", "at": "last"}]


def test_a_name_that_no_row_has_lists_the_new_ones_too(tmp_path):
    code = (
        "import sys; from tests.new_rows import STUDY, add_rows; add_rows(); from experiments import run\n"
        "open('study.yaml', 'w').write(STUDY.replace('kind: least-squares', 'kind: least-square'))\n"
        "sys.exit(run.main(['study.yaml', '--dry-run']))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 2
    assert "did you mean least-squares? valid: relativistic-softplus, relativistic-hinge, non-saturating" in done.stderr

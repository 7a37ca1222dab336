"""The map of missing modes: from which files, of which seeds."""

import json
from pathlib import Path

import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from analysis.drawing.drawn import Drawn, Omitted
from analysis.drawing.modes import counts_by_variant, draw_modes, missing_share
from analysis.figures.style import ONE_COLUMN
from analysis.load import load_jobs
from analysis.mode_counts import load_mode_counts
from tests.analysis.conftest import FakeStudy, final
from tests.analysis.studies import runs_of

VALUES = {"baseline": [900.0, 910.0], "a": [930.0, 20.0]}
COUNTS = np.ones(1000, int)


def test_a_mode_is_missing_in_the_share_of_seeds_that_lack_it() -> None:
    assert missing_share(np.array([[3, 0, 0], [1, 5, 0]])).tolist() == [0, 0.5, 1]


def test_collapsed_seeds_are_not_in_the_map_and_that_is_said() -> None:
    group = runs_of({"modes": VALUES}).assign(collapsed=[False, False, False, True])
    loaded = []
    drawn = draw_modes(group, ["baseline", "a"], lambda run: loaded.append(run["run_id"]) or COUNTS)
    assert isinstance(drawn, Drawn)
    assert sorted(loaded) == ["digits-a-0", "digits-baseline-0", "digits-baseline-1"]
    assert drawn.caption.endswith("Seeds: baseline 2, a 1. Without collapsed seeds.")
    assert drawn.name == "digits-laptop-modes"
    assert drawn.draw(ONE_COLUMN).axes


def test_runs_without_counts_have_no_map_and_that_is_said() -> None:
    group = runs_of({"modes": VALUES}).assign(collapsed=False)
    why = "no run has kept its counts of modes, which older ones did not"
    assert draw_modes(group, ["baseline", "a"], lambda _: None) == Omitted("digits-laptop-modes", why)
    assert counts_by_variant(group, lambda _: np.ones(10, int)) == {}
    without = draw_modes(group.drop(columns="modes"), ["baseline", "a"], lambda _: COUNTS)
    assert without == Omitted("digits-laptop-modes", "no modes were counted")


@pytest.mark.parametrize("where", ["job directory", "MLflow"])
def test_counts_are_loaded_from_the_job_directory_or_mlflow(where: str, store: MlflowClient, tmp_path: Path) -> None:
    folder = tmp_path / "artifacts"
    folder.mkdir()
    study = FakeStudy("study", store, folder)
    run_id = study.log("baseline", 0, final(modes=1.0))
    (job,) = (row for _, row in load_jobs(store, study.experiment_id).iterrows())
    assert load_mode_counts(tmp_path / "runs", job) is None
    path = tmp_path / "modes.json"
    if where == "job directory":
        path = tmp_path / "runs" / "study" / "stacked-digits" / "baseline" / f"seed0-{job['identity']}" / "modes.json"
        path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"images": 24, "counts": [3, 0, 1]}))
    if where == "MLflow":
        store.log_artifact(run_id, str(path))
    found = load_mode_counts(tmp_path / "runs", job)
    assert found is not None
    assert found.tolist() == [3, 0, 1]
    path.write_text("{")
    if where == "job directory":
        assert load_mode_counts(tmp_path / "runs", job) is None

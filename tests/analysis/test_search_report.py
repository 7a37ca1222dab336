"""From records of searches in MLflow through the command line to the report's files."""

import re
from pathlib import Path

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import OperationalError

from analysis.__main__ import main
from analysis.search_report import best_parameters, clock, time_unit
from tests.analysis.fake_searches import RUNGS, log_search, realistic, record, result, trial


def links(report: str) -> list[str]:
    return [Path(link).stem.split("-0f9e-")[1] for link in re.findall(r"\]\((figures/[^)]+)\)", report)]


def test_report_of_two_methods_beside_each_other(
    store: MlflowClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log_search(store, realistic(40, 1))
    log_search(store, realistic(12, 2, pruned=False, sampler="random", pruner="none", tuning="ffffffffff"))
    assert main(["tune"]) == 0
    out = tmp_path / "runs" / "tiny" / "tune" / "report"
    got = pd.read_csv(out / "searches.csv").set_index("method")
    assert got.loc["random", ["trials", "complete", "kimg", "seconds"]].tolist() == [12, 12, 288, 720]
    assert got.loc["tpe+median", "pruned"] > 0
    report = (out / "tune.md").read_text()
    one = ["importances", "slices", "contour"]
    expected = ["history", "cost", "rungs", *(f"ffffffffff-{name}" for name in one)]
    assert links(report) == [*expected, *(f"a1b2c3d4e5-{name}" for name in one)]
    assert len(list((out / "figures").glob("*.png"))) == len(links(report))
    assert "gamma.decay_img" in report
    printed = capsys.readouterr().out
    assert "what each search got" in printed
    assert "different amounts" in printed


def test_only_what_may_be_compared_is_reported_if_so_asked(store: MlflowClient, tmp_path: Path) -> None:
    log_search(store, record([trial(0)]))
    log_search(store, record([trial(0)], sampler="random", tuning="ffffffffff"))
    log_search(store, record([trial(0)], comparison="1111111111", tuning="eeeeeeeeee"))
    assert main(["tune", "--comparison", "0f9e8d7c6b", "--out", str(tmp_path / "out")]) == 0
    assert set(pd.read_csv(tmp_path / "out" / "searches.csv")["search"]) == {"a1b2c3d4e5", "ffffffffff"}


def test_a_search_of_few_trials_says_what_it_cannot_show(store: MlflowClient, tmp_path: Path) -> None:
    log_search(store, record([trial(0, is_default=True), trial(1, value=0.4), trial(2, "pruned")]))
    assert main(["tune", "--study", "tiny", "--out", str(tmp_path / "out")]) == 0
    report = (tmp_path / "out" / "tune.md").read_text()
    assert links(report) == ["history", "cost", "rungs", "a1b2c3d4e5-slices"]
    assert "too few to say which parameters matter" in report
    assert "No contour: 10 complete trials" in report
    assert "| baseline | tpe+median | a1b2c3d4e5 | 3 (2 complete, 1 pruned) | 54   | 0:02:15" in report


def test_what_trials_have_from_others_is_no_cost_and_said(store: MlflowClient, tmp_path: Path) -> None:
    begun = trial(1, seconds=15.0, inherited_kimg=18.0, inherited_seconds=45.0, starts_from="trial 0")
    log_search(store, record([trial(0), begun]))
    assert main(["tune", "--study", "tiny", "--out", str(tmp_path / "out")]) == 0
    report = (tmp_path / "out" / "tune.md").read_text()
    assert "| 2 (2 complete) | 48 (30 trained) | 0:01:15" in report
    assert "of kimg, the rest was trained by others of the same search" in report


def test_a_search_without_a_complete_trial_is_reported(store: MlflowClient, tmp_path: Path) -> None:
    log_search(store, record([trial(0, "diverged", value=None), trial(1, "running", value=None, ended=None)]))
    assert main(["tune", "--out", str(tmp_path / "out")]) == 0
    assert "No trial is complete." in (tmp_path / "out" / "tune.md").read_text()


def test_two_objectives_show_their_front(store: MlflowClient, tmp_path: Path) -> None:
    objectives = [
        {"metric": "d_kl", "direction": "minimize", "at": "last"},
        {"metric": "modes", "direction": "maximize", "at": "best"},
    ]
    trials = [
        trial(n, values=[0.1 * n, 900.0 + 10 * n], rungs=[[images, [0.1 * n, 900.0]] for images in RUNGS])
        for n in range(4)
    ]
    log_search(store, record(trials, objectives=objectives, best=[0, 1, 2, 3], pruner="none"))
    assert main(["tune", "--out", str(tmp_path / "out")]) == 0
    report = (tmp_path / "out" / "tune.md").read_text()
    assert "a1b2c3d4e5-front" in links(report)
    assert "D_KL at the end and Modes at its best" in report


def test_the_best_parameters_stand_beside_the_variants_own() -> None:
    trials = [trial(0, value=0.5, is_default=True, params={"schedules.gamma.start": 30.0}), trial(1, value=0.4)]
    table = best_parameters(result(record(trials)))
    assert re.search(r"\| gamma.start +\| 3 to 300 \(log\) \| 30 +\| 11 ", table)
    assert re.search(r"\| \*\*D_KL ↓ \(nats\)\*\* \| +\| 0.500 +\| 0.400 ", table)
    assert "best of 2 noisy ones" in table


def test_of_two_parents_of_one_search_the_first_counts(store: MlflowClient, tmp_path: Path) -> None:
    log_search(store, record([trial(0, value=9.0)]), start_time=5)
    log_search(store, record([trial(0, value=0.5)]), start_time=1)
    assert main(["tune", "--out", str(tmp_path / "out")]) == 0
    assert pd.read_csv(tmp_path / "out" / "searches.csv")["d_kl_best"].tolist() == [0.5]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--study", "tinny"], "study 'tinny' has no searches (with searches in MLflow"),
        (["--comparison", "0123456789"], "no search of comparison 0123456789 of tiny"),
    ],
)
def test_what_is_not_there_is_told(
    store: MlflowClient, capsys: pytest.CaptureFixture[str], arguments: list[str], part: str
) -> None:
    log_search(store, record([trial(0)]))
    assert main(["tune", *arguments]) == 2
    assert part in capsys.readouterr().err


def test_times_are_told_in_the_unit_that_suits() -> None:
    assert [time_unit(seconds)[0] for seconds in (100, 1000, 20_000)] == ["s", "min", "h"]
    assert clock(3723.4) == "1:02:03"


def test_a_store_that_mlflow_cannot_open_is_told_in_one_line(
    store: MlflowClient, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> MlflowClient:
        raise OperationalError("CREATE TABLE issues", {}, Exception("table issues already exists"))

    monkeypatch.setattr("analysis.load.MlflowClient", broken)
    assert main(["tune"]) == 2
    error = capsys.readouterr().err
    assert "cannot be opened" in error
    assert "table issues already exists" in error
    assert error.count("\n") == 1

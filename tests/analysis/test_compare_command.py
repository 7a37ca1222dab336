"""Any runs beside each other."""

from collections.abc import Callable

import pytest
from mlflow.tracking import MlflowClient

from analysis.__main__ import main
from tests.analysis.conftest import FakeStudy, final, identity

NewStudy = Callable[..., FakeStudy]


def test_runs_of_two_studies_by_name_identity_and_beginning(
    new_study: NewStudy, store: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    first = new_study("one").log("baseline", 0, final(modes=900.0, d_kl=0.25))
    second = new_study("two").log("wide", 3, final(modes=910.0))
    store.log_param(first, "network.width", "96")
    store.log_param(second, "network.width", "128")
    assert main(["compare", "stacked-digits/baseline/0", identity("wide", 3)[:19]]) == 0
    said = capsys.readouterr().out
    assert first in said
    assert second in said
    differences, metrics = said.split("## What differs in configuration")[1].split("## Metrics")
    assert "| network.width | 96 | 128 |" in differences
    assert "evaluation.samples" not in differences
    (table,) = [part for part in metrics.split("\n\n") if part.startswith("| Run")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    values = {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[2:4]}
    of_modes = next(key for key in rows[0] if key.startswith("Modes"))
    of_d_kl = next(key for key in rows[0] if key.startswith("D_KL"))
    assert [values[run][of_modes] for run in ("R1", "R2")] == ["900.0", "910.0"]
    assert [values[run][of_d_kl] for run in ("R1", "R2")] == ["0.250", "–"]
    assert "–: the run has not recorded the metric" in metrics


@pytest.mark.parametrize("what", ["samples per evaluation", "dataset", "r3gan's sources"])
def test_numbers_of_different_protocols_stand_in_tables_of_their_own(
    what: str, new_study: NewStudy, store: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    study = new_study()
    other = {"samples per evaluation": {"samples": 100}, "dataset": {"dataset": "x"}}.get(what, {})
    runs = [study.log("baseline", 0, final(modes=900.0)), study.log("wide", 0, final(modes=910.0), **other)]
    if not other:
        store.set_tag(runs[1], "sources", "bbb")
    assert main(["compare", *runs]) == 0
    metrics = capsys.readouterr().out.split("## Metrics")[1]
    assert f"differ in {what}: numbers of different ones do not compare" in metrics
    assert metrics.count("| Run") == 2


def test_a_run_that_is_not_there_or_not_clear_is_one_line(
    new_study: NewStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    study = new_study()
    runs = [study.log("baseline", 0, final(modes=1.0)) for _ in range(2)]
    study.log("wide", 0, final(modes=1.0))
    assert main(["compare", "stacked-digits/wide/0", "stacked-digits/basline/0"]) == 2
    assert "did you mean stacked-digits/baseline/0?" in capsys.readouterr().err
    assert main(["compare", "stacked-digits/wide/0", "stacked-digits/base"]) == 2
    message = capsys.readouterr().err
    assert "2 runs are called 'stacked-digits/base'" in message
    assert all(run in message for run in runs)
    assert main(["compare", "stacked-digits/wide/0", "stacked-digits/wide"]) == 2
    assert "is one run: name at least two" in capsys.readouterr().err

"""Variants over several datasets: what a report shows of them, and when it shows nothing."""

import pandas as pd
import pytest

from analysis.sections.over_datasets import over_datasets
from experiments.design import Design
from tests.analysis.studies import compared, points_of, runs_of

INCLUDES = {"baseline": [], "a": [], "b": [], "ab": ["a", "b"]}
DESIGN = Design(primary="d_kl", includes=INCLUDES, pure=["ab"])
BASE = [0.30, 0.34, 0.38]


def scaled(factor: float) -> dict[str, list[float]]:
    """a doubles the value, b leaves it as it is."""
    double = [1.9 * factor * value for value in BASE]
    own = [factor * value for value in BASE]
    return {"baseline": own, "a": double, "b": own[::-1], "ab": double[::-1]}


def report_of(*values: dict[str, list[float]]) -> str:
    sets = [runs_of({"d_kl": v}, design=DESIGN, dataset=f"set{i}") for i, v in enumerate(values)]
    points = pd.concat([points_of(runs, "d_kl") for runs in sets])
    return "\n".join(over_datasets(compared(pd.concat(sets, ignore_index=True), points=points)))


def test_effects_are_ratios_whatever_the_datasets_unit() -> None:
    """Values of the second set are 50 times as large."""
    text = report_of(scaled(1.0), scaled(50.0))
    rows = {
        cells[1].strip(): cells[2].strip()
        for cells in (line.split("|") for line in text.splitlines())
        if len(cells) > 3
    }
    assert float(rows["main effect of a"].split()[0]) == pytest.approx(1.9)
    assert float(rows["main effect of b"].split()[0]) == pytest.approx(1.0)
    assert float(rows["interaction of a and b"].split()[0]) == pytest.approx(1.0)


def test_scores_and_ranks_are_of_all_datasets() -> None:
    text = report_of(scaled(1.0), scaled(50.0), scaled(3.0))
    rows = {cells[1].strip(): cells for cells in (line.split("|") for line in text.splitlines()) if len(cells) > 3}
    assert rows["baseline"][4].strip() == "1.50", "it shares the first rank with b"
    assert rows["a"][4].strip() == "3.50"
    assert "set0, set1, set2 (profile laptop)" in text
    assert "Friedman's test that all rank alike: p " in text


def test_one_dataset_has_no_such_part() -> None:
    assert report_of(scaled(1.0)) == ""

"""Forest plots and costs: rows, marks and words."""

import math

import pandas as pd
import pytest

from analysis.figures.costs import draw_costs, three_digits
from analysis.figures.intervals import draw_forest, excludes_zero, laid_out
from analysis.figures.style import ONE_COLUMN, TWO_COLUMNS, looks
from tests.analysis.figures.metric import METRIC
from tests.analysis.figures.touching import unreadable

COLUMNS = ["label", "estimate", "low", "high", "simultaneous_low", "simultaneous_high", "conclusion"]
ROWS = pd.DataFrame(
    [("a", 0.1, 0.05, 0.15, -0.01, 0.2, "open"), ("b", 0.4, 0.3, 0.5, 0.2, 0.6, "worse")], columns=COLUMNS
)
LONG = pd.DataFrame(
    [
        (
            f"attention-and-no-r2-with-{i}-heads",
            0.1,
            0.05,
            0.15,
            -0.01,
            0.2,
            "no difference shown; 0.08 would have been",
        )
        for i in range(4)
    ],
    columns=COLUMNS,
)


def test_a_row_has_its_mark_both_intervals_and_its_conclusion() -> None:
    (ax,) = draw_forest([(METRIC["d_kl"], ROWS)], "difference to the baseline", looks(["a", "b"])).axes
    spans = [(line.get_linewidth(), list(line.get_xdata())) for line in ax.lines if len(line.get_xdata()) == 2]
    assert (2, [0.05, 0.15]) in spans
    assert (0.7, [-0.01, 0.2]) in spans
    assert [text.get_text() for text in ax.texts] == ["open", "worse"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    assert ax.get_xlabel().startswith("difference to the baseline, ")


def test_a_mark_is_filled_where_the_simultaneous_interval_is_on_one_side_of_zero() -> None:
    (ax,) = draw_forest([(METRIC["d_kl"], ROWS)], "difference", looks(["a", "b"])).axes
    marks = [line for line in ax.lines if line.get_marker() in ("o", "s")]
    assert [mark.get_markerfacecolor() == "white" for mark in marks] == [True, False]
    without = ROWS.iloc[0].to_dict() | {"simultaneous_low": math.nan, "simultaneous_high": math.nan}
    assert excludes_zero(pd.Series(without))
    assert not excludes_zero(pd.Series(without | {"low": math.nan, "high": math.nan}))


def test_datasets_are_headings_if_there_are_several() -> None:
    both = pd.concat([ROWS.assign(dataset="digits"), ROWS.assign(dataset="faces")])
    for rows, labels in (
        (both, ["digits", "a", "b", "faces", "a", "b"]),
        (ROWS.assign(dataset="digits"), ["a", "b"]),
    ):
        (ax,) = draw_forest([(METRIC["d_kl"], rows)], "difference", {}).axes
        assert [label.get_text() for label in ax.get_yticklabels()] == labels


def test_costs_are_bars_with_their_numbers() -> None:
    values = [("a", 500.0, 490.0, 510.0), ("b", 640.0, math.nan, math.nan)]
    rows = pd.DataFrame(values, columns=["variant", "value", "low", "high"])
    (ax,) = draw_costs([("images per second", rows)], looks(["a", "b"])).axes
    assert [bar.get_width() for bar in ax.patches] == [500, 640]
    assert [text.get_text() for text in ax.texts] == ["500", "640"]
    assert ax.get_xlim()[0] == 0


def test_costs_have_three_digits() -> None:
    assert [three_digits(x) for x in (0.0118, 0.9999, 1.0, 56.4, 564.0, 1234.5)] == [
        "0.0118", "1.00", "1.00", "56.4", "564", "1,234",
    ]  # fmt: skip


def test_an_equality_stays_in_one_line() -> None:
    rows = laid_out(ROWS.assign(conclusion="worse (p = 0.0015)"), ONE_COLUMN)
    assert rows["said"].tolist() == ["worse\n(p\u00a0=\u00a00.0015)"] * 2


@pytest.mark.parametrize("width", [ONE_COLUMN, TWO_COLUMNS])
def test_nothing_is_unreadable(width: float) -> None:
    both = pd.concat([LONG.assign(dataset="digits"), LONG.assign(dataset="faces")])
    shown = [(METRIC["d_kl"], both), (METRIC["modes"], LONG)]
    assert unreadable(draw_forest(shown, "difference to the baseline", {}, width)) == []
    names = ["baseline", *LONG["label"]]
    costs = pd.DataFrame({"variant": names, "value": 1234.5, "low": 1200.0, "high": 1300.0})
    titles = ("images per second", "device-hours", "peak memory (GiB)")
    assert unreadable(draw_costs([(title, costs) for title in titles], looks(names), width)) == []

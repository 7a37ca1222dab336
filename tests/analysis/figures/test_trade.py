"""Interaction, Pareto front and power: what is joined and what is marked."""

import math

import pandas as pd
import pytest

from analysis.figures.designs import draw_interaction
from analysis.figures.style import ONE_COLUMN, TWO_COLUMNS, looks
from analysis.figures.trade import draw_front, draw_power
from tests.analysis.figures.metric import METRIC
from tests.analysis.figures.touching import unreadable

NAMES = ["baseline", *(f"attention-and-no-r2-with-{i}-heads" for i in range(7))]
CELLS = pd.DataFrame(
    [(a, b, 1.0 + a + 2 * b, 0.9 + a + 2 * b, 1.1 + a + 2 * b) for b in (True, False) for a in (True, False)],
    columns=["first", "second", "estimate", "low", "high"],
)
FRONT = pd.DataFrame(
    {
        "variant": NAMES[:4], "cost": [2.0, 3.0, 1.0, 2.5], "quality": [0.3, 0.1, 0.5, 0.9],
        "low": math.nan, "high": math.nan, "on_front": [True, True, True, False],
    }
)  # fmt: skip
POWER = pd.DataFrame(
    [
        (name, seeds, (i + 1) / seeds, is_here)
        for i, name in enumerate(NAMES[1:])
        for is_here, counts in ((False, range(3, 9)), (True, [4]))
        for seeds in counts
    ],
    columns=["variant", "seeds", "difference", "is_here"],
)


def test_lines_of_an_interaction_go_over_the_first_factor() -> None:
    figure = draw_interaction([(METRIC["d_kl"], CELLS)], ("attention", "switch-loss"))
    (ax,) = figure.axes
    assert [list(line.get_ydata()) for line in ax.lines] == [[1.0, 2.0], [3.0, 4.0]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["without switch-loss", "with switch-loss"]
    assert ax.get_xlabel() == "attention"


def test_the_front_joins_its_variants_by_cost() -> None:
    (ax,) = draw_front([("device-hours", METRIC["d_kl"], FRONT)], looks(NAMES)).axes
    assert list(ax.lines[0].get_xdata()) == [1.0, 2.0, 3.0]
    assert list(ax.lines[0].get_ydata()) == [0.5, 0.3, 0.1]
    assert ax.get_xlabel() == "device-hours"


def test_power_rings_the_seeds_that_ran() -> None:
    rows = POWER[POWER["variant"] == NAMES[1]]
    (ax,) = draw_power([(METRIC["d_kl"], rows)], looks(NAMES)).axes
    curve, ring = ax.lines
    assert list(curve.get_xdata()) == [3, 4, 5, 6, 7, 8]
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([4], [0.25])
    assert ring.get_color() == curve.get_color()


@pytest.mark.parametrize("width", [ONE_COLUMN, TWO_COLUMNS])
def test_nothing_is_unreadable(width: float) -> None:
    shown = [(METRIC[key], CELLS) for key in ("d_kl", "modes")]
    assert unreadable(draw_interaction(shown, (NAMES[1], NAMES[2]), width)) == []
    assert unreadable(draw_front([("device-hours", METRIC["d_kl"], FRONT)] * 2, looks(NAMES), width)) == []
    assert unreadable(draw_power([(METRIC["d_kl"], POWER)], looks(NAMES), width)) == []

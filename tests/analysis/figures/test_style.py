"""Style, layout and axes: what all figures share."""

import itertools
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.axes import scale_of, spans_enough_for_log, use_log_axis
from analysis.figures.layout import PANEL_HEIGHT, PANELS_PER_ROW, panels, text_width, wrapped
from analysis.figures.style import ONE_COLUMN, STYLE, TWO_COLUMNS, looks, save_figure
from tests.analysis.figures.touching import unreadable

NONE = pd.Series([], dtype=float)


def test_every_variant_looks_different_and_keeps_its_look() -> None:
    names = [f"v{i}" for i in range(30)]
    many, few = looks(names), looks(names[:3])
    assert len({(look.colour, look.marker) for look in many.values()}) == 30
    assert few["v2"] == many["v2"]
    assert many["v0"].colour == "#000000"


def test_neighbours_differ_without_colours() -> None:
    drawn = list(looks([f"v{i}" for i in range(5)]).values())
    assert len({look.marker for look in drawn}) == len({look.dash for look in drawn}) == 5


def test_a_figure_saved_twice_is_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        figure, (ax,) = panels(1)
        ax.plot([1, 2])
        save_figure(figure, tmp_path / folder, "f")
    for file in ("f.png", "f.pdf"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_small_range_and_zeros_stay_on_a_linear_axis() -> None:
    assert not spans_enough_for_log(pd.Series([1.0, 4.9, 0.0]))
    assert not spans_enough_for_log(pd.Series([0.0]))
    assert spans_enough_for_log(pd.Series([1.0, 5.1]))
    assert not scale_of(pd.Series([1.0, 4.0, 0.0]), NONE, may_be_log=True).log
    assert scale_of(pd.Series([1.0, 6.0]), NONE, may_be_log=True).log
    assert not scale_of(pd.Series([1.0, 6.0]), NONE, may_be_log=False).log


def test_a_scale_leaves_out_outlying_values_that_would_squeeze_the_others() -> None:
    values = pd.Series([970.0, 990.0])
    assert scale_of(values, pd.Series([955.0, 102.0]), may_be_log=False).low == pytest.approx(955 - 0.06 * 35)
    assert scale_of(values, pd.Series([102.0]), may_be_log=False).low == pytest.approx(970 - 0.06 * 20)


@pytest.mark.parametrize("values", [[], [np.nan], [0.0], [5.0], [5.0, 5.0], [np.inf, 3.0]])
@pytest.mark.parametrize("log", [True, False])
def test_a_scale_has_a_width_whatever_the_values(values: list[float], log: bool) -> None:
    scale = scale_of(pd.Series(values, dtype=float), NONE, log)
    assert np.isfinite([scale.low, scale.high]).all()
    assert scale.low < scale.high


@pytest.mark.parametrize(
    ("low", "high"), [(1e-4, 1.2e-3), (7.5e-4, 0.012), (1.1e-3, 5.1e-3), (250, 400), (3, 300), (1e-6, 1)]
)
def test_labels_of_a_logarithmic_x_axis_do_not_touch(low: float, high: float) -> None:
    with matplotlib.rc_context(STYLE):
        figure = Figure((TWO_COLUMNS / PANELS_PER_ROW, PANEL_HEIGHT), layout="constrained")
        ax = figure.subplots()
        ax.set_xlim(low, high)
        use_log_axis(ax, "x")
        figure.draw_without_rendering()
        boxes = [label.get_window_extent() for label in ax.get_xticklabels() if label.get_text()]
        shown = [box for box, tick in zip(boxes, ax.get_xticks(), strict=True) if low <= tick <= high]
    assert len(shown) >= 2
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(shown))


def test_panels_wrap_and_unused_places_are_blank() -> None:
    figure, axes = panels(4)
    assert len(axes) == 4
    assert [ax.axison for ax in figure.axes] == [True] * 4 + [False] * 2
    narrow, _ = panels(4, width=ONE_COLUMN)
    assert narrow.get_figwidth() == 3.25
    assert narrow.get_figheight() == 4 * PANEL_HEIGHT


@pytest.mark.parametrize("width", [ONE_COLUMN, TWO_COLUMNS])
@pytest.mark.parametrize("names", [["a"], ["baseline", "attention"] * 4, ["a-very-long-name-of-a-variant-" * 3] * 3])
def test_a_legend_fits_the_figure(width: float, names: list[str]) -> None:
    with matplotlib.rc_context(STYLE):
        figure, _ = panels(3, width=width, legend=[Line2D([], [], label=name) for name in names])
    assert unreadable(figure) == []


def test_names_are_broken_at_hyphens_and_only_where_they_are_too_long() -> None:
    assert wrapped("attention", 2, 8) == "attention"
    assert wrapped("attention-and-no-r2", 0.7, 8) == "attention-\nand-no-r2"
    assert text_width(wrapped("x" * 100, 1, 8), 8) <= 1

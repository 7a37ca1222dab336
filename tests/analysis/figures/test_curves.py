"""Curves: what is drawn where, without looking at pixels."""

import pandas as pd
import pytest

from analysis.figures.curves import CurvePanel, draw_curves, places_of_markers
from analysis.figures.style import ONE_COLUMN, STYLE, TWO_COLUMNS, looks
from tests.analysis.figures.metric import METRIC
from tests.analysis.figures.touching import unreadable


def panel(key: str, single: pd.DataFrame | None = None, **middles: list[float]) -> CurvePanel:
    """Curves at 1, 2, 3 ... kimg with a band of ±10%."""
    rows = [(v, k + 1.0, m, 0.9 * m, 1.1 * m) for v, values in middles.items() for k, m in enumerate(values)]
    bands = pd.DataFrame(rows, columns=["variant", "kimg", "middle", "low", "high"])
    return CurvePanel(METRIC[key], bands) if single is None else CurvePanel(METRIC[key], bands, single)


def seed_of(variant: str, *values: float) -> pd.DataFrame:
    """One collapsed seed at 1, 2, 3 ... kimg."""
    return pd.DataFrame({"variant": variant, "seed": 3, "kimg": range(1, len(values) + 1), "value": values})


def test_panels_show_lines_floor_and_log_axis() -> None:
    panels = [panel("modes", a=[100.0, 900.0], b=[50.0, 60.0]), panel("d_kl", a=[4.0, 0.2])]
    figure = draw_curves(panels, looks(["a", "b", "unused"]), {"d_kl": 0.1})
    modes, d_kl = figure.axes
    assert [list(line.get_ydata()) for line in modes.lines if len(line.get_ydata())] == [[100.0, 900.0], [50.0, 60.0]]
    assert modes.get_yscale() == "linear"
    assert d_kl.get_yscale() == "log"
    assert [list(line.get_ydata()) for line in d_kl.lines if line.get_linestyle() == ":"] == [[0.1, 0.1]]
    assert d_kl.get_ylim()[0] < 0.1
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b", r"floor of $D_\mathrm{KL}$: 0.1"]


def test_bands_are_the_given_range() -> None:
    figure = draw_curves([panel("loss_d", a=[1.0, 2.0])], looks(["a"]), {})
    assert figure.legends[0].get_lines()[0].get_markersize() == STYLE["lines.markersize"]
    vertices = figure.axes[0].collections[0].get_paths()[0].vertices
    assert (vertices[:, 1].min(), vertices[:, 1].max()) == pytest.approx((0.9, 2.2))


def test_a_collapsed_seed_is_a_thin_line_that_does_not_set_the_axis() -> None:
    figure = draw_curves([panel("loss_d", seed_of("a", 1.0, 50.0), a=[1.0, 2.0])], looks(["a"]), {})
    thin = [line for line in figure.axes[0].lines if line.get_linewidth() < STYLE["lines.linewidth"]]
    assert [list(line.get_ydata()) for line in thin] == [[1.0, 50.0]]
    assert figure.axes[0].get_ylim()[1] < 3
    assert "collapsed seed" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_variant_whose_seeds_all_collapsed_is_drawn() -> None:
    figure = draw_curves([panel("d_kl", seed_of("b", 1.0, 50.0), a=[1.0, 2.0])], looks(["a", "b"]), {})
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b", "collapsed seed"]
    assert [1.0, 50.0] in [list(line.get_ydata()) for line in figure.axes[0].lines]


def test_markers_of_many_points_stand_apart() -> None:
    assert places_of_markers(4, 1, 2) == (0, 1)
    assert {places_of_markers(60, place, 5) for place in range(5)} == {(0, 10), (2, 10), (4, 10), (6, 10), (8, 10)}


@pytest.mark.parametrize("width", [ONE_COLUMN, TWO_COLUMNS])
@pytest.mark.parametrize("variants", [1, 8])
def test_nothing_is_unreadable(width: float, variants: int) -> None:
    names = ["baseline", *(f"attention-and-no-r2-with-{i}-heads" for i in range(1, variants))]
    values = {name: [5.0 / (1 + i), 0.3, 0.2] for i, name in enumerate(names)}
    panels = [panel(key, seed_of("baseline", 1.0, 9.0, 900.0), **values) for key in ("modes", "d_kl", "r1", "r2")]
    assert unreadable(draw_curves(panels, looks(names), {"d_kl": 0.02}, width)) == []

"""Figures: what is drawn where, without looking at pixels."""

import itertools

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis import figures
from analysis.metrics import CURVES, shown_columns
from r3gan.tables.metrics import numbers

METRIC = {column.key: column for column in (*shown_columns(numbers()), *CURVES)}


def curves(**means: list[float]) -> pd.DataFrame:
    """Curves at 1, 2, 3 ... kimg with a band of ±10%."""
    rows = [(v, k + 1.0, m, 0.9 * m, 1.1 * m) for v, values in means.items() for k, m in enumerate(values)]
    return pd.DataFrame(rows, columns=["variant", "kimg", "mean", "low", "high"])


def test_every_variant_looks_different_and_keeps_its_look() -> None:
    names = [f"v{i}" for i in range(21)]
    many, few = figures.looks(names), figures.looks(names[:3])
    assert len({(look.colour, look.dash) for look in many.values()}) == 21
    assert few["v2"] == many["v2"]
    assert many["v0"].colour == "#000000"


def test_panels_show_means_floor_and_log_axis() -> None:
    panels = [(METRIC["modes"], curves(a=[100.0, 900.0], b=[50.0, 60.0])), (METRIC["d_kl"], curves(a=[4.0, 0.2]))]
    figure = figures.draw_curves(panels, figures.looks(["a", "b", "unused"]), {"d_kl": 0.1})
    modes, d_kl = figure.axes
    assert [list(line.get_ydata()) for line in modes.lines if len(line.get_ydata())] == [[100.0, 900.0], [50.0, 60.0]]
    assert modes.get_yscale() == "linear"
    assert d_kl.get_yscale() == "log"
    assert [list(line.get_ydata()) for line in d_kl.lines if line.get_linestyle() == ":"] == [[0.1, 0.1]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b", r"floor of $D_\mathrm{KL}$"]


def test_bands_are_the_given_range() -> None:
    figure = figures.draw_curves([(METRIC["loss_d"], curves(a=[1.0, 2.0]))], figures.looks(["a"]), {})
    assert figure.legends[0].get_lines()[0].get_markersize() == figures.STYLE["lines.markersize"]
    vertices = figure.axes[0].collections[0].get_paths()[0].vertices
    assert (vertices[:, 1].min(), vertices[:, 1].max()) == pytest.approx((0.9, 2.2))


def test_a_small_range_and_zeros_stay_on_a_linear_axis() -> None:
    assert not figures.spans_enough_for_log(pd.Series([1.0, 4.9, 0.0]))
    assert not figures.spans_enough_for_log(pd.Series([0.0]))
    assert figures.spans_enough_for_log(pd.Series([1.0, 5.1]))


def test_panels_wrap_and_unused_places_are_blank() -> None:
    figure = figures.draw_curves([(METRIC["modes"], curves(a=[1.0]))] * 4, figures.looks(["a"]), {})
    assert [ax.axison for ax in figure.axes] == [True] * 4 + [False] * 2


def test_grids_are_enlarged_by_whole_factors() -> None:
    grid = np.arange(48.0).reshape(4, 4, 3)
    large = figures.enlarge(grid, least=10)
    assert large.shape == (12, 12, 3)
    assert (large[::3, ::3] == grid).all()
    assert (large[2::3, 1::3] == grid).all()


def test_white_lines_lie_between_images_only() -> None:
    apart = figures.separate(np.zeros((16, 24, 3)), gap=2)
    assert apart.shape == (30, 38, 3)
    assert [int(i) for i in np.flatnonzero(apart[:, 0, 0])][:4] == [2, 3, 6, 7]
    assert [int(i) for i in np.flatnonzero(apart[0, :, 0])][:4] == [3, 4, 8, 9]
    assert not apart[-1, -1].any()


def test_samples_have_variants_as_columns_and_seeds_as_rows() -> None:
    variants = ["baseline", "b", "c", "d", "e", "f"]
    grids = {(v, s): np.full((8, 8, 3), i / 12 + s / 24) for i, v in enumerate(variants) for s in (0, 1)}
    del grids["b", 1]
    figure = figures.draw_samples(grids, variants, [0, 1])
    axes = np.array(figure.axes).reshape(4, 5)
    assert [ax.get_title() for ax in axes[0]] == variants[:5]
    assert axes[2, 0].get_title() == "f"
    assert [ax.get_ylabel() for ax in axes[:, 0]] == ["seed 0", "seed 1", "seed 0", "seed 1"]
    assert axes[1, 2].images[0].get_array()[0, 0, 0] == pytest.approx(2 / 12 + 1 / 24)
    assert axes[3, 0].images[0].get_array()[0, 0, 0] == pytest.approx(5 / 12 + 1 / 24)
    assert not axes[1, 1].images
    assert axes[1, 1].texts[0].get_text() == "no samples"


@pytest.mark.parametrize(
    ("low", "high"), [(1e-4, 1.2e-3), (7.5e-4, 0.012), (1.1e-3, 5.1e-3), (250, 400), (3, 300), (1e-6, 1)]
)
def test_labels_of_a_logarithmic_x_axis_do_not_touch(low: float, high: float) -> None:
    with matplotlib.rc_context(figures.STYLE):
        figure = Figure((figures.TEXT_WIDTH / figures.PANELS_PER_ROW, figures.PANEL_HEIGHT), layout="constrained")
        ax = figure.subplots()
        ax.set_xlim(low, high)
        figures.use_log_axis(ax, "x")
        figure.draw_without_rendering()
        boxes = [label.get_window_extent() for label in ax.get_xticklabels() if label.get_text()]
        shown = [box for box, tick in zip(boxes, ax.get_xticks(), strict=True) if low <= tick <= high]
    assert len(shown) >= 2
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(shown))

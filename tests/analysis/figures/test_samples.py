"""Grids of samples: which stands where."""

import numpy as np
import pandas as pd
import pytest

from analysis.drawing.samples import shows_points
from analysis.figures.samples import WHOLE, crop, draw_progress, draw_samples, enlarge, separate
from analysis.figures.style import ONE_COLUMN, TWO_COLUMNS
from tests.analysis.figures.touching import unreadable


def test_grids_are_enlarged_by_whole_factors() -> None:
    grid = np.arange(48.0).reshape(4, 4, 3)
    large = enlarge(grid, least=10)
    assert large.shape == (12, 12, 3)
    assert (large[::3, ::3] == grid).all()
    assert (large[2::3, 1::3] == grid).all()


def test_white_lines_lie_between_images_only() -> None:
    apart = separate(np.zeros((16, 24, 3), np.uint8), gap=2)
    assert apart.shape == (30, 38, 3)
    assert [int(i) for i in np.flatnonzero(apart[:, 0, 0])][:4] == [2, 3, 6, 7]
    assert [int(i) for i in np.flatnonzero(apart[0, :, 0])][:4] == [3, 4, 8, 9]
    assert not apart[-1, -1].any()


def test_samples_have_variants_as_columns_and_seeds_as_rows() -> None:
    variants = ["baseline", "b", "c", "d", "e", "f"]
    grids = {(v, s): np.full((8, 8, 3), i / 12 + s / 24) for i, v in enumerate(variants) for s in (0, 1)}
    del grids["b", 1]
    figure = draw_samples(grids, variants, [0, 1])
    axes = np.array(figure.axes).reshape(4, 5)
    assert [ax.get_title() for ax in axes[0]] == variants[:5]
    assert axes[2, 0].get_title() == "f"
    assert [ax.get_ylabel() for ax in axes[:, 0]] == ["seed 0", "seed 1", "seed 0", "seed 1"]
    assert axes[1, 2].images[0].get_array()[0, 0, 0] == round(255 * (2 / 12 + 1 / 24))
    assert axes[3, 0].images[0].get_array()[0, 0, 0] == round(255 * (5 / 12 + 1 / 24))
    assert not axes[1, 1].images
    assert axes[1, 1].texts[0].get_text() == "no\nsamples"


def test_samples_over_training_have_variants_as_rows_and_kimg_as_columns() -> None:
    grids = {(v, k): np.full((16, 16, 3), k / 24) for v in ("baseline", "b") for k in (6.0, 24.0)}
    del grids["b", 6.0]
    figure = draw_progress(grids, ["baseline", "b"])
    axes = np.array(figure.axes).reshape(2, 2)
    assert [ax.get_title() for ax in axes[0]] == ["6 kimg", "24 kimg"]
    assert [ax.get_ylabel() for ax in axes[:, 0]] == ["baseline", "b"]
    assert axes[1, 1].images[0].get_array()[0, 0, 0] == 255
    assert axes[1, 0].texts[0].get_text() == "no\nsamples"


def test_the_upper_left_images_are_shown_over_training() -> None:
    grid = np.zeros((16, 16, 3))
    grid[:4, :8] = 1
    assert crop(grid).shape == (4, 8, 3)
    assert crop(grid).min() == 1


@pytest.mark.parametrize("width", [ONE_COLUMN, TWO_COLUMNS])
def test_long_names_do_not_touch(width: float) -> None:
    names = ["baseline", *(f"attention-and-no-r2-with-{i}-heads" for i in range(5))]
    grid = np.zeros((16, 16, 3))
    assert unreadable(draw_samples({(v, s): grid for v in names for s in (0,)}, names, [0], width)) == []
    over = {(v, k): grid for v in names for k in (6.0, 12.0, 18.0, 24.0, 1200.0)}
    assert unreadable(draw_progress(over, names, width)) == []


def test_scatter_plots_are_known_by_their_metrics_and_shown_whole_without_lines() -> None:
    assert shows_points(pd.DataFrame({"points_modes": [3.0, np.nan], "d_kl": [np.nan, 1.0]}))
    assert shows_points(pd.DataFrame({"points_d_kl_raw": [1.0]}))
    assert not shows_points(pd.DataFrame({"modes": [3.0], "points_modes": [np.nan], "loss_d": [1.0]}))
    grid = np.random.default_rng(0).random((160, 160, 3))
    shown = enlarge(np.rint(grid * 255).astype(np.uint8))
    last = draw_samples({("a", 0): grid}, ["a"], [0], tiles=WHOLE)
    over_training = draw_progress({("a", 8.0): grid}, ["a"], shown=WHOLE)
    for figure in (last, over_training):
        assert (np.asarray(figure.axes[0].images[0].get_array()) == shown).all()

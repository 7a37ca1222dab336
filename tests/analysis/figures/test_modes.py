"""The map of modes: which square is which mode."""

import numpy as np
import pytest

from analysis.figures.modes import FAINTEST, draw_modes
from analysis.figures.style import ONE_COLUMN, TWO_COLUMNS
from tests.analysis.figures.touching import unreadable


def test_a_square_is_the_mode_of_its_red_green_and_blue_digit() -> None:
    missing = np.zeros(1000)
    missing[[374, 901]] = 1.0, 0.5
    (ax,) = draw_modes({"baseline": missing}).axes
    blocks = [np.asarray(image.get_array()) for image in ax.images]
    assert len(blocks) == 10
    assert blocks[3][7, 4] == 1
    assert blocks[9][0, 1] == (1 + FAINTEST) / 2
    assert sum((block > 0).sum() for block in blocks) == 2
    assert ax.get_title() == "baseline: 1.5 missing"
    assert ax.images[3].get_extent()[0] == 3 * 11


@pytest.mark.parametrize("width", [ONE_COLUMN, TWO_COLUMNS])
def test_nothing_is_unreadable(width: float) -> None:
    names = ["baseline", *(f"attention-and-no-r2-with-{i}-heads-and-a-name-that-does-not-end" for i in range(2))]
    assert unreadable(draw_modes({name: np.linspace(0, 1, 1000) for name in names}, width)) == []

"""Critical values of looks: published ones, hand-made ones, and what they do to simulated Brownian motion."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from analysis.statistics.sequential import SPENDING, critical_values, look_levels

FIFTHS = [0.2, 0.4, 0.6, 0.8, 1.0]


def test_critical_values_are_the_published_ones() -> None:
    """Two-sided 5%, five looks, as software for group sequential trials (ldbounds, gsDesign) gives them."""
    obrien_fleming = [4.8769, 3.3570, 2.6803, 2.2898, 2.0310]
    pocock = [2.4380, 2.4268, 2.4102, 2.3966, 2.3860]
    assert critical_values(FIFTHS, 0.05, "obrien-fleming") == pytest.approx(obrien_fleming, abs=2e-4)
    assert critical_values(FIFTHS, 0.05, "pocock") == pytest.approx(pocock, abs=2e-4)


@pytest.mark.parametrize("spending", SPENDING)
def test_one_look_is_the_usual_test_and_all_of_the_level_is_spent_at_the_end(spending: str) -> None:
    assert critical_values([1.0], 0.05, spending) == pytest.approx([norm.isf(0.025)])  # type: ignore[arg-type]
    assert SPENDING[spending](0.025, 1.0) == pytest.approx(0.025)  # type: ignore[index]


def test_the_first_look_spends_what_its_function_says() -> None:
    first = look_levels([0.25, 1.0], 0.05, "pocock")[0]
    assert first == pytest.approx(0.05 * math.log(1 + (math.e - 1) / 4))
    first = look_levels([0.25, 1.0], 0.05, "obrien-fleming")[0]
    assert first == pytest.approx(4 * norm.sf(norm.isf(0.0125) * 2))


@pytest.mark.parametrize("spending", SPENDING)
@pytest.mark.parametrize("fractions", [FIFTHS, [0.15, 0.35, 0.6, 0.8, 1.0], [0.5, 0.52, 0.9]])
def test_brownian_motion_crosses_as_often_as_may_be_spent(spending: str, fractions: list[float]) -> None:
    steps = np.diff([0.0, *fractions])
    motion = np.cumsum(np.random.default_rng(0).normal(size=(200_000, len(steps))) * np.sqrt(steps), axis=1)
    is_beyond = np.abs(motion) / np.sqrt(fractions) >= critical_values(fractions, 0.1, spending)  # type: ignore[arg-type]
    crossed = np.logical_or.accumulate(is_beyond, axis=1).mean(axis=0)
    allowed = [2 * SPENDING[spending](0.05, t) for t in fractions]  # type: ignore[index]
    assert crossed == pytest.approx(allowed, abs=4 * math.sqrt(0.1 / 200_000))


def test_a_look_at_next_to_nothing_can_show_nothing() -> None:
    assert critical_values([0.002, 1.0], 0.05, "obrien-fleming") == pytest.approx([math.inf, norm.isf(0.025)])
    assert look_levels([0.002, 1.0], 0.05, "obrien-fleming")[0] == 0


@pytest.mark.parametrize("fractions", [[], [0.5, 0.5], [0.5, 0.4], [0.0, 1.0], [0.5, 1.1]])
def test_fractions_that_do_not_grow_to_1_are_refused(fractions: list[float]) -> None:
    with pytest.raises(ValueError, match="expected growing numbers above 0, the last at most 1"):
        critical_values(fractions, 0.05, "pocock")


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="level 5: expected"):
        critical_values(FIFTHS, 5, "pocock")

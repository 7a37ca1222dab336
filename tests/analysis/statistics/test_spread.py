"""Spreads over seeds by hand, and how often ordinary values look far off."""

import math

import numpy as np
import pytest

from analysis.statistics.spread import FAR, LEAST_TO_TELL, find_spread

SEVEN = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]


def test_ordinary_values_have_mean_and_sd() -> None:
    """1, 2, 3: s = 1; deviations from the median 1, 0, 1, so the robust spread is 1.4826."""
    found = find_spread([1.0, 2.0, 3.0, math.nan])
    assert (found.count, found.middle, found.sd, found.used, found.note) == (3, 2.0, 1.0, 1.0, "")
    assert found.robust == pytest.approx(1.4826, abs=1e-4)


def test_a_value_far_from_many_others_leaves_median_and_robust_spread() -> None:
    """Median 4.5, deviations 3.5, 2.5, 1.5, 0.5, 0.5, 1.5, 2.5 and 95.5: their median is 2."""
    found = find_spread([*SEVEN, 100.0])
    assert found.middle == 4.5
    assert found.used == found.robust == pytest.approx(2 * 1.4826, abs=1e-3)
    assert found.note.startswith("1 of 8 values lies farther than 5 robust spreads from the median: median and robust")


def test_a_value_far_from_few_others_stays_part_of_the_spread_and_is_said() -> None:
    found = find_spread([1.0, 2.0, 50.0])
    assert found.used == found.sd
    assert found.middle == pytest.approx(53 / 3)
    assert "as happens by chance among fewer than 8: the SD is used" in found.note


@pytest.mark.parametrize("infinite", [math.inf, -math.inf, np.finfo(float).max])
def test_a_diverged_run_leaves_the_robust_spread(infinite: float) -> None:
    """Deviations of 1, 2, 3, 4 and it from their median 3: 2, 1, 0, 1 (or 1, 0, 1, 2), infinite; median 1."""
    found = find_spread([1.0, 2.0, 3.0, 4.0, infinite])
    assert math.isnan(found.sd)
    assert found.used == pytest.approx(1.4826, abs=1e-4)
    assert "infinite values" in found.note


def test_mostly_diverged_runs_have_no_spread() -> None:
    found = find_spread([1.0, math.inf, math.inf])
    assert math.isnan(found.used)
    assert "no spread of the others" in found.note


def test_equal_values_are_said() -> None:
    found = find_spread([5.0, 5.0, 5.0])
    assert (found.used, found.sd) == (0.0, 0.0)
    assert found.note.startswith("all 3 values are equal")
    mostly = find_spread([5.0] * 9 + [6.0])
    assert mostly.used == mostly.sd > 0
    assert "the robust spread is 0: the SD is used" in mostly.note


@pytest.mark.parametrize(("values", "note"), [([], "no value"), ([3.0], "one value"), ([math.nan, 3.0], "one value")])
def test_fewer_than_two_values_have_no_spread(values: list[float], note: str) -> None:
    found = find_spread(values)
    assert math.isnan(found.used)
    assert found.note == f"{note}, a spread needs two"


@pytest.mark.parametrize(("count", "share"), [(3, 0.21), (LEAST_TO_TELL, 0.05)])
def test_ordinary_values_that_look_far_off_are_frequent_among_three_and_rare_among_eight(
    count: int, share: float
) -> None:
    values = np.random.default_rng(5).normal(size=(50_000, count))
    off = np.abs(values - np.median(values, axis=1, keepdims=True))
    assert np.mean(off.max(axis=1) > FAR * 1.4826 * np.median(off, axis=1)) == pytest.approx(share, abs=0.01)

"""Welch's test by hand, by scipy, and where there is none."""

import math

import pytest
from scipy.stats import ttest_ind

from analysis.statistics.interval import NO_INTERVAL
from analysis.statistics.welch import welch


def test_two_and_three_values_by_hand() -> None:
    """s1^2 = 1 of 3, s2^2 = 8 of 2: se^2 = 1/3 + 4 = 13/3, df = (13/3)^2 / ((1/3)^2 / 2 + 4^2 / 1) = 1.16968."""
    result = welch([1.0, 2.0, 3.0], [4.0, 8.0], 0.95)
    assert (result.difference, result.note) == (-4.0, "")
    assert result.se == pytest.approx(math.sqrt(13 / 3))
    assert result.df == pytest.approx((169 / 9) / (1 / 18 + 16))


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_interval_and_p_are_those_of_scipy(level: float) -> None:
    a, b = [0.3, 0.5, 0.45, 0.31], [0.2, 0.9, 0.7]
    result, expected = welch(a, b, level), ttest_ind(a, b, equal_var=False)
    low, high = expected.confidence_interval(level)
    assert (result.interval.low, result.interval.high, result.p) == pytest.approx((low, high, expected.pvalue))
    assert result.interval.low < result.difference < result.interval.high


@pytest.mark.parametrize(
    ("values", "baseline", "difference", "note"),
    [
        ([3.0], [1.0, 2.0], 1.5, "it needs two seeds on each side, and there are 1 and 2"),
        ([3.0, 3.0], [1.0, 1.0, 1.0], 2.0, "neither side varies"),
        ([2.0, 2.0], [2.0, 2.0], 0.0, "neither side varies"),
        ([], [1.0, 2.0], math.nan, "there are 0 and 2"),
    ],
)
def test_without_a_test_there_is_no_interval_and_a_reason(values, baseline, difference, note) -> None:
    result = welch(values, baseline, 0.95)
    assert result.difference == pytest.approx(difference, nan_ok=True)
    assert result.interval == NO_INTERVAL
    assert math.isnan(result.p)
    assert note in result.note


def test_one_side_without_spread_is_a_test_against_a_number() -> None:
    result = welch([1.0, 2.0, 3.0], [1000.0, 1000.0], 0.95)
    assert result.df == pytest.approx(2)
    assert result.interval.high - result.interval.low == pytest.approx(2 * 2.48414, abs=1e-4)

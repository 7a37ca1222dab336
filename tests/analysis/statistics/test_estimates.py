"""Statistics against values computed by hand and against scipy's paired t-test."""

import math

import pandas as pd
import pytest
from scipy.stats import ttest_rel

from analysis.statistics.estimates import Estimate, estimate, paired_difference


def test_interval_of_three_values_by_hand() -> None:
    """s = 1, t(0.975, 2) = 4.30265, half width = 4.30265 / sqrt(3)."""
    result = estimate([1.0, 2.0, 3.0])
    assert (result.mean, result.count) == (2.0, 3)
    assert result.half_width == pytest.approx(2.48414, abs=1e-5)


def test_interval_of_two_values_is_honestly_wide() -> None:
    """s = sqrt(2), t(0.975, 1) = 12.7062, half width = 12.7062 * sqrt(2) / sqrt(2)."""
    assert estimate([0.0, 2.0]).half_width == pytest.approx(12.7062, abs=1e-4)


def test_without_two_values_there_is_no_interval() -> None:
    one, none = estimate([5.0, math.nan]), estimate([])
    assert (one.mean, one.count) == (5.0, 1)
    assert math.isnan(one.half_width)
    assert none.count == 0
    assert math.isnan(none.mean)
    assert math.isnan(none.half_width)


def test_paired_difference_by_hand_and_by_scipy() -> None:
    """Seeds 1, 2, 3 are common, in another order: differences 2, 1, 3, so mean 2 and half width 2.48414."""
    values = pd.Series({3: 13.0, 1: 12.0, 2: 6.0, 7: 1000.0})
    baseline = pd.Series({1: 10.0, 2: 5.0, 3: 10.0, 8: -1000.0})
    result = paired_difference(values, baseline)
    expected = ttest_rel([12.0, 6.0, 13.0], [10.0, 5.0, 10.0]).confidence_interval(0.95)
    assert (result.mean, result.count) == (2.0, 3)
    assert result.half_width == pytest.approx(2.48414, abs=1e-5)
    assert (result.mean - result.half_width, result.mean + result.half_width) == pytest.approx(tuple(expected))


def test_paired_difference_skips_pairs_with_a_missing_value() -> None:
    result = paired_difference(pd.Series({0: 1.0, 1: math.nan, 2: 3.0}), pd.Series({0: 0.0, 1: 0.0, 2: math.nan}))
    assert (result.mean, result.count) == (1.0, 1)


def test_no_common_seed_gives_nothing() -> None:
    assert paired_difference(pd.Series({0: 1.0}), pd.Series({1: 1.0})).count == 0


@pytest.mark.parametrize(
    ("mean", "half_width", "expected"),
    [
        (2.0, 1.0, True),
        (-2.0, 1.0, True),
        (1.0, 2.0, False),
        (-1.0, 2.0, False),
        (3.0, 0.0, False),
        (3.0, math.nan, False),
    ],
)
def test_excludes_zero(mean: float, half_width: float, expected: bool) -> None:
    assert Estimate(mean, half_width, 3).excludes_zero is expected

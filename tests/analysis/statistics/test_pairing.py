"""Whether pairing pays: by hand, and the level of the test that is chosen."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr, t, ttest_ind, ttest_rel, zscore

from analysis.statistics.interval import NO_INTERVAL
from analysis.statistics.paired import paired
from analysis.statistics.pairing import break_even, fisher, needed_correlation, pairing


def series(*values: float, first: int = 0) -> pd.Series:
    return pd.Series(values, index=range(first, first + len(values)), dtype=float)


def test_variance_ratio_by_hand() -> None:
    """Differences 1, 0, -1 have variance 1; the sides 1 and 4: ratio 1/5, correlation 1."""
    result = pairing(series(1, 2, 3), series(0, 2, 4))
    assert (result.common, result.correlation, result.variance_ratio) == pytest.approx((3, 1.0, 0.2))
    assert not result.pays
    assert result.interval == NO_INTERVAL


def test_common_seeds_alone_are_correlated() -> None:
    result = pairing(series(9, 1, 2, 3, 5), series(1, 2, 4, 4, -9, first=1))
    assert result.common == 4
    assert result.correlation == pytest.approx(pearsonr([1, 2, 3, 5], [1, 2, 4, 4]).statistic)


def test_correlation_interval_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, (2, 9))
    test = pearsonr(a, b)
    interval = fisher(test.statistic, 9)
    assert (interval.low, interval.high) == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert fisher(0.9, 3) == NO_INTERVAL


@pytest.mark.parametrize("n", [4, 5, 10])
def test_at_the_break_even_both_intervals_are_as_long(n) -> None:
    paired_width = t.ppf(0.975, n - 1) * math.sqrt(2 * (1 - break_even(n, n, n)) / n)
    assert paired_width == pytest.approx(t.ppf(0.975, 2 * n - 2) * math.sqrt(2 / n))
    assert fisher(needed_correlation(n, n, n), n).low == pytest.approx(break_even(n, n, n))


def test_the_break_even_counts_the_seeds_that_pairing_leaves_out() -> None:
    """Five common seeds of ten and of eight."""
    paired_width = t.ppf(0.975, 4) * math.sqrt(2 * (1 - break_even(5, 10, 8)) / 5)
    assert paired_width == pytest.approx(t.ppf(0.975, 16) * math.sqrt(1 / 10 + 1 / 8))


def test_seeds_that_pairing_would_leave_out_raise_what_it_needs() -> None:
    assert needed_correlation(5, 10, 10) > needed_correlation(5, 5, 5) > needed_correlation(10, 10, 10)
    assert needed_correlation(3, 3, 3) == math.inf


def test_a_strong_correlation_pays_and_a_shift_changes_nothing() -> None:
    a, b = series(1, 2, 3, 4, 5), series(1.1, 2, 3.1, 4, 5.1)
    result = pairing(a, b)
    assert result.pays
    assert pairing(a + 1000, b).correlation == pytest.approx(result.correlation)
    assert pairing(a + 1000, b).pays


def test_differences_that_do_not_vary_are_no_test() -> None:
    assert not pairing(series(1, 2, 3, 4, 5), series(1, 2, 3, 4, 5)).pays
    assert not pairing(series(0.1, 0.2, 0.3, 0.4, 0.7), series(0.1, 0.2, 0.3, 0.4, 0.7) + 0.3).pays


def test_a_side_without_spread_has_no_correlation() -> None:
    result = pairing(series(1, 1, 1, 1), series(1, 2, 3, 4))
    assert math.isnan(result.correlation)
    assert math.isnan(result.variance_ratio)
    assert (result.interval, result.pays) == (NO_INTERVAL, False)


def test_paired_is_that_of_scipy_over_common_seeds() -> None:
    result = paired(series(9, 1, 2, 3, 5), series(1, 2, 4, 4, -9, first=1), 0.9)
    expected = ttest_rel([1, 2, 3, 5], [1, 2, 4, 4])
    assert (result.difference, result.count, result.p) == pytest.approx((0.0, 4, expected.pvalue))
    assert (result.interval.low, result.interval.high) == pytest.approx(tuple(expected.confidence_interval(0.9)))


@pytest.mark.parametrize("n", [4, 5, 10])
@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6, 0.9])
def test_the_chosen_test_keeps_its_level(n, correlation) -> None:
    """60,000 studies without effect: standard error of the rejection rate 0.0009. The choice itself costs 0.003."""
    rng = np.random.default_rng(n)
    shared, first, second = rng.normal(0, 1, (3, 60_000, n))
    a = math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * first
    b = math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * second
    correlations = (zscore(a, axis=1) * zscore(b, axis=1)).mean(axis=1)
    pays = correlations > needed_correlation(n, n, n)
    p = np.where(pays, ttest_rel(a, b, axis=1).pvalue, ttest_ind(a, b, axis=1, equal_var=False).pvalue)
    assert (p < 0.05).mean() < 0.053

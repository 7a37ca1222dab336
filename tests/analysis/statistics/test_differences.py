"""All that is said of a difference, and the family-wise correction."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind, ttest_rel

from analysis.statistics.differences import Difference, difference, with_holm
from analysis.statistics.interval import NO_INTERVAL
from analysis.statistics.permutation import permutation

TEN_SEEDS = Path(__file__).parents[4] / "shared" / "data" / "ten-seeds" / "metrics.csv"


def series(*values: float) -> pd.Series:
    return pd.Series(values, dtype=float)


INDEPENDENT = series(1.0, 5.0, 2.0, 4.0), series(3.0, 2.5, 3.5, 2.0)
ALIKE = series(1.0, 2.0, 3.0, 4.0, 5.0), series(1.1, 2.2, 3.1, 4.0, 5.2)


def test_without_correlation_it_is_welch() -> None:
    a, b = INDEPENDENT
    result = difference(a, b, "lower", comparisons=3)
    test = ttest_ind(a, b, equal_var=False)
    assert (result.method, result.count, result.baseline_count, result.note) == ("Welch", 4, 4, "")
    assert (result.value, result.p) == pytest.approx((0.25, test.pvalue))
    assert (result.interval.low, result.interval.high) == pytest.approx(tuple(test.confidence_interval(0.95)))
    wide = test.confidence_interval(1 - 0.05 / 3)
    assert (result.simultaneous.low, result.simultaneous.high) == pytest.approx(tuple(wide))
    dealt = permutation(a, b)
    assert (result.permutation_p, result.smallest_permutation_p) == (dealt.p, dealt.smallest_p)


def test_with_a_correlation_that_pays_it_is_paired() -> None:
    a, b = ALIKE
    result = difference(a, b, "lower", comparisons=2)
    test = ttest_rel(a, b)
    assert (result.method, result.count) == ("paired", 5)
    assert (result.value, result.p) == pytest.approx((-0.12, test.pvalue))
    assert (result.interval.low, result.interval.high) == pytest.approx(tuple(test.confidence_interval(0.95)))
    wide = test.confidence_interval(0.975)
    assert (result.simultaneous.low, result.simultaneous.high) == pytest.approx(tuple(wide))
    assert result.variance_ratio == pytest.approx((a - b).var() / (a.var() + b.var()))
    assert result.correlation == pytest.approx(a.corr(b))
    assert result.correlation_interval.low > 0.9


def test_a_paired_difference_says_which_seeds_it_leaves_out() -> None:
    rng = np.random.default_rng(0)
    values = pd.Series(rng.normal(0, 1, 12))
    result = difference(values, (values + rng.normal(0, 0.001, 12)).drop(7), "lower", comparisons=1)
    assert (result.method, result.count, result.baseline_count) == ("paired", 11, 11)
    assert result.note == "Paired by seed, so without the seeds that one side lacks: 7."


def test_ranks_are_of_all_seeds_where_these_are_given() -> None:
    a, b = INDEPENDENT
    result = difference(a, b, "lower", comparisons=1, all_values=pd.Series([math.inf] * 4), all_baseline=b)
    assert result.better_probability == 0
    assert result.better_interval.high > 0.3
    assert difference(a, b, "lower", comparisons=1).better_probability == pytest.approx(7.5 / 16)
    assert difference(a, b, "higher", comparisons=1).better_probability == pytest.approx(8.5 / 16)


def test_what_the_seeds_do_not_allow_is_said() -> None:
    result = difference(series(3.0), series(1.0, 2.0), "lower", comparisons=1)
    assert (result.value, result.interval, result.simultaneous) == (1.5, NO_INTERVAL, NO_INTERVAL)
    assert math.isnan(result.p)
    assert result.note == "No t test: it needs two seeds on each side, and there are 1 and 2."


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pd.Series([1.0, math.nan]), "values: seed 1 is nan, expected a number"),
        (pd.Series([math.inf, 1.0]), "values: seed 0 is inf, expected a number"),
        (pd.Series([1.0, 2.0], index=[4, 4]), "values: seed 4 stands twice, expected once"),
    ],
)
def test_values_that_are_no_numbers_are_refused(values, message) -> None:
    with pytest.raises(ValueError, match=message):
        difference(values, series(1.0, 2.0), "lower", comparisons=1)


def test_holm_is_over_the_differences_that_have_a_p() -> None:
    a, b = INDEPENDENT
    without = difference(series(3.0), b, "lower", comparisons=3)
    small, large = difference(a + 40, b, "lower", comparisons=3), difference(a, b, "lower", comparisons=3)
    corrected: list[Difference] = with_holm([without, small, large])
    assert [one.p_holm for one in corrected] == pytest.approx([math.nan, 2 * small.p, large.p], nan_ok=True)
    assert [one.p for one in corrected] == pytest.approx([math.nan, small.p, large.p], nan_ok=True)


@pytest.mark.skipif(not TEN_SEEDS.is_file(), reason="the study of ten seeds is not here")
def test_the_study_of_ten_seeds_finds_the_harm_of_the_switch() -> None:
    points = pd.read_csv(TEN_SEEDS).dropna(subset="d_kl").sort_values("images")
    last = points.groupby(["variant", "seed"])["d_kl"].last()
    result = difference(last["switch-loss"], last["baseline"], "lower", comparisons=3)
    assert (result.method, result.count) == ("Welch", 10)
    assert (result.value, result.p, result.correlation) == pytest.approx((0.0964, 0.0007, 0.11), abs=1e-2)
    assert (result.interval.low, result.interval.high) == pytest.approx((0.047, 0.146), abs=1e-3)
    assert result.better_interval.high < 0.5

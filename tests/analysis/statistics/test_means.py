"""Averages against values computed by hand, degenerate samples, and how often the intervals hold the truth."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from analysis.statistics.interval import NO_INTERVAL
from analysis.statistics.means import interquartile_mean, mean_bca, mean_t, median

EVERY = (mean_t, mean_bca, interquartile_mean, median)
pytestmark = pytest.mark.filterwarnings("error")


def ends(average):
    return average.interval.low, average.interval.high


def test_t_interval_of_three_values_by_hand():
    """s = 1, t(0.975, 2) = 4.30265 and t(0.95, 2) = 2.91999, half widths over sqrt(3): 2.48414 and 1.68585."""
    found = mean_t([1.0, math.nan, 2.0, 3.0])
    assert (found.value, found.count, found.sd, found.note) == (2.0, 3, 1.0, "")
    assert ends(found) == pytest.approx((2 - 2.48414, 2 + 2.48414), abs=1e-5)
    assert ends(mean_t([1.0, 2.0, 3.0], level=0.9)) == pytest.approx((2 - 1.68585, 2 + 1.68585), abs=1e-5)


def test_median_lies_between_the_outermost_of_six_values_and_the_second_of_nine():
    """2 P(B = 0) of six is 2/64, of eight 2/256 and 2 P(B <= 1) 18/256; of nine 2 P(B <= 1) is 20/512."""
    assert ends(median([5.0, 1.0, 4.0, 2.0, 6.0, 3.0])) == (1.0, 6.0)
    assert ends(median([5.0, 1.0, 4.0, 2.0, 6.0, 3.0, 7.0, 8.0])) == (1.0, 8.0)
    found = median([5.0, 1.0, 4.0, 2.0, 6.0, 3.0, 7.0, 8.0, 9.0])
    assert (found.value, *ends(found), found.note) == (5.0, 2.0, 8.0, "")


@pytest.mark.parametrize("n", range(6, 60))
def test_median_takes_the_narrowest_pair_whose_level_is_95_percent(n):
    low = median(np.arange(1.0, n + 1)).interval.low
    assert 2 * binom.cdf(low - 1, n, 0.5) <= 0.05 < 2 * binom.cdf(low, n, 0.5)


def test_five_values_allow_no_interval_of_a_median():
    found = median([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (found.value, found.interval) == (3.0, NO_INTERVAL)
    assert found.note == "5 values allow no 95% interval of a median: six do."


def test_median_counts_diverged_runs_as_infinite():
    found = median([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, math.inf])
    assert (found.value, *ends(found), found.count) == (5.0, 2.0, 8.0, 9)
    found = median([1.0, 2.0, 3.0, 4.0, 5.0, math.inf])
    assert (found.value, *ends(found)) == (3.5, 1.0, math.inf)
    assert math.isnan(found.sd)


def test_interquartile_mean_cuts_a_quarter_at_each_end_and_nothing_below_four_values():
    assert interquartile_mean([100.0, 2.0, 3.0, -9.0, 4.0]).value == 3.0
    assert interquartile_mean([0.0, 100.0, 2.0, 3.0, 4.0, 5.0, -50.0, 90.0]).value == pytest.approx(14 / 4)
    assert interquartile_mean([0.0, 1.0, 5.0]).value == 2.0


def test_bca_resamples_of_two_values_are_exact_by_hand():
    """A resample of (0, 2) has mean 0, 1, 2 with probability 1/4, 1/2, 1/4; no skew, no bias: the ends are 0 and 2."""
    assert ends(mean_bca([0.0, 2.0])) == (0.0, 2.0)


def test_bca_interval_leans_to_the_long_tail_and_is_the_same_each_time():
    values = np.exp(np.random.default_rng(0).normal(size=30))
    found = mean_bca(values)
    assert found.interval.high - found.value > 1.2 * (found.value - found.interval.low)
    assert found.note == ""
    assert found == mean_bca(values)
    assert interquartile_mean(values) == interquartile_mean(values)


def test_bca_intervals_of_few_values_say_that_they_are_too_narrow():
    for function in (mean_bca, interquartile_mean):
        assert "3 values is too narrow" in function([1.0, 2.0, 4.0]).note


@pytest.mark.parametrize("function", EVERY)
@pytest.mark.parametrize(
    ("values", "value", "note"),
    [
        ([], math.nan, "There is no value."),
        ([math.nan], math.nan, "There is no value."),
        ([4.0], 4.0, "One value"),
        ([4.0, math.nan, 4.0], 4.0, "All 2 values are equal"),
        ([0.1] * 7, 0.1, "All 7 values are equal"),
        ([math.inf] * 3, math.inf, "All 3 values are equal"),
    ],
)
def test_degenerate_samples_have_no_interval_and_say_why(function, values, value, note):
    found = function(values)
    assert found.value == pytest.approx(value, nan_ok=True)
    assert found.interval == NO_INTERVAL
    assert found.note.startswith(note)


@pytest.mark.parametrize("function", [interquartile_mean, median])
def test_one_value_unlike_seven_equal_ones_leaves_no_interval_of_width_0(function):
    found = function([1.0] * 7 + [2.0])
    assert found.value == 1.0
    if function is median:
        assert ends(found) == (1.0, 2.0)
        found = function([1.0] * 8 + [2.0])
    assert found.interval == NO_INTERVAL
    assert found.note.startswith("Too many values are equal")


def test_means_with_a_diverged_run_have_no_interval():
    values = [1.0, 2.0, 3.0, 4.0, math.inf]
    for function in (mean_t, mean_bca):
        found = function(values)
        assert (found.value, found.interval) == (math.inf, NO_INTERVAL)
        assert found.note == "1 of 5 values are infinite: no interval."
    found = interquartile_mean(values)
    assert (found.value, found.interval, found.count) == (3.0, NO_INTERVAL, 5)


@pytest.mark.parametrize("function", EVERY)
def test_infinities_of_both_signs_are_refused(function):
    with pytest.raises(ValueError, match="both inf and -inf"):
        function([math.inf, 0.0, -math.inf])


@pytest.mark.parametrize(
    ("function", "n", "low", "high"),
    [(mean_t, 3, 0.93, 0.97), (mean_t, 10, 0.93, 0.97), (median, 10, 0.96, 0.995), (mean_bca, 20, 0.9, 0.96)],
)
def test_coverage_on_normal_values(function, n, low, high):
    repetitions = 300 if function is mean_bca else 1500
    samples = np.random.default_rng(1).normal(size=(repetitions, n))
    assert low <= np.mean([not function(sample).interval.excludes(0.0) for sample in samples]) <= high

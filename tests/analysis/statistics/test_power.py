"""Power of Welch's test against simulation, statsmodels' pooled test and published sample sizes."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_ind
from statsmodels.stats.power import TTestIndPower

from analysis.statistics.power import detectable, detectable_paired, power, seeds_needed


def simulated(
    difference: float, sd: float, count: int, baseline_sd: float, baseline_count: int, comparisons: int = 1
) -> float:
    """Share of 100,000 pairs of normal samples that Welch's test calls different; its standard error is < 0.0016."""
    random = np.random.default_rng(7)
    values = random.normal(difference, sd, (100_000, count))
    baseline = random.normal(0.0, baseline_sd, (100_000, baseline_count))
    return float(np.mean(ttest_ind(values, baseline, axis=1, equal_var=False).pvalue < 0.05 / comparisons))


@pytest.mark.parametrize("comparisons", [1, 3])
@pytest.mark.parametrize(("sd", "baseline_sd"), [(1.0, 1.0), (3.0, 1.0)])
@pytest.mark.parametrize("count", [2, 3, 5, 10])
def test_power_is_what_simulated_studies_find(count: int, sd: float, baseline_sd: float, comparisons: int) -> None:
    difference = 3 * math.hypot(sd, baseline_sd) / math.sqrt(count)
    arguments = (difference, sd, count, baseline_sd, count, comparisons)
    assert power(*arguments) == pytest.approx(simulated(*arguments), abs=0.006)


@pytest.mark.parametrize(("count", "baseline_count"), [(2, 10), (10, 2), (3, 5)])
def test_power_with_other_numbers_of_seeds_is_what_simulated_studies_find(count: int, baseline_count: int) -> None:
    arguments = (2.5, 2.0, count, 0.7, baseline_count)
    assert power(*arguments) == pytest.approx(simulated(*arguments), abs=0.006)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_level_of_few_seeds_is_what_simulated_studies_find(count: int) -> None:
    """Welch's test of two seeds each is far below its level, which the power at a difference of 0 shows."""
    assert power(0.0, 1.0, count, 1.0, count) == pytest.approx(simulated(0.0, 1.0, count, 1.0, count), abs=0.003)


@pytest.mark.parametrize("count", [20, 64, 300])
def test_many_equal_spreads_are_as_the_pooled_test_of_statsmodels(count: int) -> None:
    expected = TTestIndPower().power(0.4, count, 0.05)
    assert power(0.8, 2.0, count, 2.0, count) == pytest.approx(expected, abs=0.002)


def test_few_seeds_have_less_power_than_the_pooled_test_which_knows_that_spreads_are_equal() -> None:
    for count in (2, 3, 5, 10):
        assert power(3.0, 1.0, count, 1.0, count) < TTestIndPower().power(3.0, count, 0.05)


@pytest.mark.parametrize(("effect", "seeds"), [(0.2, 394), (0.5, 64), (0.8, 26)])
def test_seeds_of_small_medium_and_large_effects_are_the_published_ones(effect: float, seeds: int) -> None:
    """Cohen (1992, Psychological Bulletin 112, table 2): 393, 64, 26; statsmodels says 393.4, so 394."""
    assert seeds_needed(3 * effect, 3.0, 3.0) == seeds


def test_infinitely_many_seeds_need_the_sum_of_two_normal_quantiles() -> None:
    """(1.959964 + 0.841621) sqrt(1/n + 4/n), with three comparisons 2.393980 for the first."""
    count = 100_000
    unit = math.sqrt(5 / count)
    assert detectable(1.0, count, 2.0, count) == pytest.approx(2.801585 * unit, rel=1e-4)
    assert detectable(1.0, count, 2.0, count, comparisons=3) == pytest.approx(3.235601 * unit, rel=1e-4)


@pytest.mark.parametrize("comparisons", [1, 4])
@pytest.mark.parametrize("count", [2, 3, 5, 10, 20])
def test_the_detectable_difference_has_the_power_that_is_asked(count: int, comparisons: int) -> None:
    for wanted in (0.5, 0.8, 0.99):
        found = detectable(1.5, count, 0.5, count + 1, comparisons, wanted)
        assert power(found, 1.5, count, 0.5, count + 1, comparisons) == pytest.approx(wanted, abs=1e-4)
        assert power(-found, 1.5, count, 0.5, count + 1, comparisons) == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("difference", [0.7, 1.0, 2.0, 5.0])
def test_one_seed_less_than_needed_is_too_few(difference: float) -> None:
    needed = seeds_needed(difference, 1.0, 0.5, comparisons=3)
    assert needed is not None
    assert (
        power(difference, 1.0, needed, 0.5, needed, 3) >= 0.8 > power(difference, 1.0, needed - 1, 0.5, needed - 1, 3)
    )


def test_units_of_the_metric_do_not_matter() -> None:
    assert power(2e-9, 1e-9, 5, 3e-9, 4) == pytest.approx(power(2e9, 1e9, 5, 3e9, 4), rel=1e-9)
    assert detectable(1e9, 5, 3e9, 4) == pytest.approx(1e18 * detectable(1e-9, 5, 3e-9, 4), rel=1e-6)


def test_more_than_most_seeds_and_no_difference_are_none() -> None:
    assert seeds_needed(0.5, 1.0, 1.0, most=64) == 64
    assert seeds_needed(0.5, 1.0, 1.0, most=63) is None
    assert seeds_needed(1e3, 1.0, 1.0, most=1) is None
    assert seeds_needed(0.0, 1.0, 1.0) is None
    assert seeds_needed(math.nan, 1.0, 1.0) is None


@pytest.mark.parametrize("sd", [0.0, math.nan, math.inf])
def test_spreads_of_zero_and_unknown_ones_say_nothing(sd: float) -> None:
    assert math.isnan(power(1.0, sd, 5, 1.0, 5))
    assert math.isnan(power(1.0, 1.0, 5, sd, 5))
    assert math.isnan(detectable(1.0, 5, sd, 5))
    assert seeds_needed(1.0, sd, 1.0) is None


@pytest.mark.parametrize(("pairs", "comparisons"), [(3, 1), (6, 3), (20, 1)])
def test_a_difference_within_pairs_is_shown_as_often_as_said(pairs: int, comparisons: int) -> None:
    least = detectable_paired(0.4, pairs, comparisons)
    differences = np.random.default_rng(7).normal(least, 0.4, (100_000, pairs))
    assert np.mean(ttest_1samp(differences, 0, axis=1).pvalue < 0.05 / comparisons) == pytest.approx(0.8, abs=0.006)


def test_fewer_than_two_seeds_say_nothing() -> None:
    assert math.isnan(detectable_paired(1.0, 1))
    assert math.isnan(detectable_paired(0.0, 5))
    assert math.isnan(power(1.0, 1.0, 1, 1.0, 5))
    assert math.isnan(detectable(1.0, 5, 1.0, 1))


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="comparisons is 0, expected 1 or more"):
        power(1.0, 1.0, 5, 1.0, 5, comparisons=0)
    with pytest.raises(ValueError, match="expected none below 0"):
        detectable(-1.0, 5, 1.0, 5)
    for wanted in (0.05, 1.0, math.nan):
        with pytest.raises(ValueError, match=r"expected more than 0\.05 and less"):
            seeds_needed(1.0, 1.0, 1.0, power=wanted)

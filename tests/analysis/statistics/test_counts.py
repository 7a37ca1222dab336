"""Intervals of counts near a ceiling: tables of Poisson limits, cases by hand, and how often they hold the truth."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from analysis.statistics.counts import count_mean, garwood
from analysis.statistics.interval import NO_INTERVAL

TEN_SEEDS = Path(__file__).parents[4] / "shared" / "data" / "ten-seeds" / "metrics.csv"
pytestmark = pytest.mark.filterwarnings("error")


def ends(average):
    return average.interval.low, average.interval.high


@pytest.mark.parametrize(
    ("total", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.390), (100, 81.36, 121.63)]
)
def test_garwood_as_in_printed_tables(total, low, high):
    assert garwood(total) == pytest.approx((low, high), rel=1e-3)


def test_nothing_missing_in_three_seeds_by_hand():
    """phi = 2: at most 2 / 3 * 3.68888 = 2.45925 missing."""
    found = count_mean([1000, 1000, math.nan, 1000], 1000)
    assert (found.value, found.count, found.sd) == (1000, 3, 0)
    assert ends(found) == pytest.approx((1000 - 2.45925, 1000), abs=1e-4)
    assert "a variance of 2.0 times the mean of what is missing" in found.note


def test_even_counts_by_hand():
    """20 missing in five seeds, variance 0.5: phi = 2, 2 / 5 * (4.7954, 18.3904) is wider than 4 ± 0.878 of t."""
    assert ends(count_mean([997, 996, 996, 996, 995], 1000)) == pytest.approx((992.6438, 998.0818), abs=1e-3)


def test_a_spread_beyond_poissons_scales_the_interval_by_hand():
    """Missing 0, 0, 30: mean 10, variance 300, phi = 30. garwood(1) * 30 / 3 = (0.253, 55.72); t: 10 ± 43.03."""
    low, high = ends(count_mean([1000, 1000, 970], 1000))
    assert low == pytest.approx(1000 - 55.716, abs=1e-2)
    assert high == 1000


def test_two_counts_take_the_t_interval_where_it_goes_further_by_hand():
    """Missing 9, 11: phi = 2, 2 / 2 * (4.795, 18.39); t: 10 ± 12.706 goes further on both sides."""
    assert ends(count_mean([991, 989], 1000)) == pytest.approx((1000 - 22.706, 1000), abs=1e-3)


def test_the_interval_stays_within_0_and_the_ceiling():
    assert ends(count_mean([2, 3], 3)) == (0, 3)


@pytest.mark.parametrize("values", [[], [999.0], [math.nan, 999.0], [999.0, -math.inf]])
def test_without_two_finite_counts_there_is_no_interval(values):
    found = count_mean(values, 1000)
    assert found.interval == NO_INTERVAL
    assert found.note


@pytest.mark.parametrize("value", [1001.0, -1.0, 0.5])
def test_what_is_no_count_below_the_ceiling_is_refused(value):
    with pytest.raises(ValueError, match=f"^{value:g} is no count from 0 to 1000: only counts have a ceiling.$"):
        count_mean([999.0, value], 1000)


@pytest.mark.parametrize("n", [2, 3, 5, 10])
@pytest.mark.parametrize("mean", [0.1, 0.5, 2.0, 10.0])
@pytest.mark.parametrize("dispersion", [1.0, 3.6])
def test_coverage_is_never_below_93_percent(n, mean, dispersion):
    """Poisson counts, and negative binomial ones whose variance is as many times their mean as that of real seeds."""
    generator = np.random.default_rng(2)
    rates = mean if dispersion == 1 else generator.gamma(mean / (dispersion - 1), dispersion - 1, size=(400, n))
    missing = generator.poisson(rates, size=(400, n))
    intervals = [count_mean(1000 - sample, 1000).interval for sample in missing]
    assert all(0 <= interval.low < interval.high <= 1000 for interval in intervals)
    assert np.mean([not interval.excludes(1000 - mean) for interval in intervals]) >= 0.93


@pytest.mark.skipif(not TEN_SEEDS.exists(), reason="the study of ten seeds is not here")
def test_three_real_seeds_cover_the_mean_of_ten():
    with TEN_SEEDS.open() as file:
        rows = [row for row in csv.DictReader(file) if row["variant"] == "baseline" and row["modes"]]
    last = np.array(list({row["seed"]: float(row["modes"]) for row in rows}.values()))
    assert (len(last), last.mean()) == (10, 988.8)
    triples = np.random.default_rng(3).permuted(np.tile(last, (200, 1)), axis=1)[:, :3]
    assert np.mean([not count_mean(triple, 1000).interval.excludes(988.8) for triple in triples]) >= 0.95

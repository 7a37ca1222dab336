"""The probability of being better: by hand, by scipy's U, at its ends, and its coverage."""

import math

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm, rankdata, t

from analysis.statistics.interval import NO_INTERVAL
from analysis.statistics.ranks import newcombe, superiority

INF = math.inf


def test_pairs_by_hand() -> None:
    """Of the six pairs 1-2, 1-3, 2-2, 2-3, 5-2, 5-3 the value is lower in 3 and equal in 1."""
    assert superiority([1, 2, 5], [2, 3], "lower").probability == pytest.approx(3.5 / 6)
    assert superiority([1, 2, 5], [2, 3], "higher").probability == pytest.approx(2.5 / 6)


def test_it_is_the_share_of_mann_whitney() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 9, 7), rng.integers(0, 9, 6)
    assert superiority(a, b, "higher").probability == pytest.approx(mannwhitneyu(a, b).statistic / 42)


@pytest.mark.parametrize("better", ["lower", "higher"])
@pytest.mark.parametrize("diverged", [INF, -INF])
def test_a_diverged_seed_is_worse_than_all_and_equal_to_another(better, diverged) -> None:
    assert superiority([diverged], [1e9, -1e9], better).probability == 0
    assert superiority([1e9, -1e9], [diverged], better).probability == 1
    assert superiority([diverged], [INF], better).probability == 0.5


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_complete_separation_leaves_doubt_that_shrinks_with_seeds(n) -> None:
    apart = superiority(np.arange(n), 100 + np.arange(n), "lower")
    assert (apart.probability, apart.interval.high) == (1, 1)
    assert apart.interval.low < 0.8
    assert apart.interval.low < newcombe(1.0, n + 1, n + 1).low
    other = superiority(100 + np.arange(n), np.arange(n), "lower").interval
    assert (other.low, other.high) == pytest.approx((0, 1 - apart.interval.low))


def test_limits_solve_the_equation() -> None:
    """One pair is one toss, Wilson's interval: 0 to q^2 / (1 + q^2) for 0 of 1. And v(x) at the limits for 0.7."""
    assert newcombe(0.0, 1, 1).high == pytest.approx(12.7062**2 / (1 + 12.7062**2))
    limits = newcombe(0.7, 4, 6)
    for x in (limits.low, limits.high):
        variance = x * (1 - x) / 24 * (1 + 4 * ((1 - x) / (2 - x) + x / (1 + x)))
        assert abs(0.7 - x) / math.sqrt(variance) == pytest.approx(t.ppf(0.975, 8))


def test_separation_decides_from_five_seeds_on() -> None:
    """Three and three are separated in 10% of studies without effect, five and five in 0.8%."""
    assert newcombe(1.0, 3, 3).low < newcombe(1.0, 4, 4).low < 0.5 < newcombe(1.0, 5, 5).low


def test_an_empty_side_has_no_probability_and_says_so() -> None:
    nothing = superiority([], [1.0], "lower")
    assert math.isnan(nothing.probability)
    assert nothing.interval == NO_INTERVAL
    assert nothing.note == "No probability of being better: there are 0 and 1 seeds."


@pytest.mark.parametrize("n", [2, 3, 5, 10])
@pytest.mark.parametrize("truth", [0.5, 0.7, 0.9])
@pytest.mark.parametrize(("spread", "least"), [(1, 0.945), (3, 0.93)])
def test_the_interval_covers_the_truth(n, truth, spread, least) -> None:
    """20,000 studies of normal values, shifted so that P(better) is `truth`."""
    rng = np.random.default_rng(n)
    a = rng.normal(math.hypot(1, spread) * norm.ppf(truth), 1, (20_000, n))
    both = np.concatenate([a, rng.normal(0, spread, a.shape)], axis=1)
    wins = rankdata(both, axis=1)[:, :n].sum(1) - n * (n + 1) / 2
    limits = [newcombe(u / n**2, n, n) for u in range(n**2 + 1)]
    covered = np.array([limit.low <= truth <= limit.high for limit in limits])[wins.astype(int)]
    assert covered.mean() >= least

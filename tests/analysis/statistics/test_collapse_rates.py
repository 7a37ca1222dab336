"""Rates of collapse against closed forms, tables by hand and scipy's Fisher test."""

import math

import pytest
from scipy.stats import fisher_exact

from analysis.statistics.collapse_rates import Outcome, collapse_rates


def outcomes(well: int, collapsed: int = 0, diverged: int = 0) -> list[Outcome]:
    return ["well"] * well + ["collapsed"] * collapsed + ["diverged"] * diverged


def test_every_job_is_counted_and_only_those_with_an_outcome_make_the_rate() -> None:
    jobs = [*outcomes(3, 1, 1), "failed", "failed", "unfinished"]
    result = collapse_rates({"baseline": outcomes(5), "a": jobs}, "baseline")["a"]
    assert dict(result.counts) == {"well": 3, "collapsed": 1, "diverged": 1, "failed": 2, "unfinished": 1}
    assert (result.rate, result.difference) == (0.4, 0.4)


def test_the_interval_of_no_collapse_is_the_closed_form() -> None:
    """Clopper and Pearson for 0 of n: [0, 1 - (alpha / 2)^(1/n)]."""
    result = collapse_rates({"baseline": outcomes(10)}, "baseline")["baseline"]
    assert (result.rate, result.interval.low) == (0.0, 0.0)
    assert result.interval.high == pytest.approx(1 - 0.025**0.1)
    assert math.isnan(result.difference)
    assert math.isnan(result.p)
    assert not result.difference_interval.is_known


def test_the_interval_of_a_difference_by_hand() -> None:
    """Newcombe: Wilson's intervals of 3 of 10 are 0.10779, 0.60322, and of 0 of 10 are 0, 0.27753."""
    result = collapse_rates({"baseline": outcomes(10), "a": outcomes(7, 3)}, "baseline")["a"]
    low = 0.3 - math.hypot(0.3 - 0.10779, 0.27753 - 0.0)
    high = 0.3 + math.hypot(0.60322 - 0.3, 0.0 - 0.0)
    assert result.difference_interval.low == pytest.approx(low, abs=1e-4)
    assert result.difference_interval.high == pytest.approx(high, abs=1e-4)


def test_boschloo_by_hand_for_one_job_each() -> None:
    """1 of 1 against 0 of 1: the one-sided p is the largest q (1 - q) = 1/4, the two-sided twice that."""
    result = collapse_rates({"baseline": outcomes(1), "a": outcomes(0, 1)}, "baseline")["a"]
    assert result.p == pytest.approx(0.5, abs=1e-3)


def test_boschloo_is_never_weaker_than_fisher() -> None:
    for bad in (2, 4, 6):
        p = collapse_rates({"baseline": outcomes(8), "a": outcomes(8 - bad, bad)}, "baseline")["a"].p
        assert p <= fisher_exact([[bad, 0], [8 - bad, 8]]).pvalue + 1e-9
    assert p < 0.01


@pytest.mark.parametrize("jobs", [outcomes(5), outcomes(0, 5)])
def test_where_all_jobs_end_alike_the_test_finds_nothing(jobs: list[Outcome]) -> None:
    result = collapse_rates({"baseline": jobs, "a": jobs}, "baseline")["a"]
    assert (result.p, result.difference) == (1.0, 0.0)
    assert result.difference_interval.low < 0 < result.difference_interval.high


def test_what_is_missing_is_said() -> None:
    result = collapse_rates({"baseline": ["failed"], "a": outcomes(2), "b": ["unfinished"]}, "baseline")
    assert result["a"].note == "no job of the baseline has an outcome yet"
    assert (result["a"].rate, math.isnan(result["a"].p)) == (0.0, True)
    assert result["b"].note == "no job has an outcome yet"
    assert not result["b"].interval.is_known
    assert collapse_rates({"a": outcomes(2)}, "baseline")["a"].note == "no job of the baseline has an outcome yet"


def test_an_outcome_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="a has jobs that ended as fine"):
        collapse_rates({"a": ["fine"]}, "baseline")  # type: ignore[list-item]

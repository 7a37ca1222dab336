"""The permutation test against all splits counted here, and what it can say at all."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import permutation_test

from analysis.statistics.permutation import permutation, studentised


def by_counting(a, b) -> float:
    """Twice the smaller of both tails over all splits."""
    values = np.array([*a, *b])
    observed = studentised(np.array(a), np.array(b))
    all_splits = []
    for chosen in combinations(range(len(values)), len(a)):
        inside = np.isin(np.arange(len(values)), chosen)
        all_splits.append(studentised(values[inside], values[~inside]))
    splits = np.array(all_splits)
    return min(1.0, 2 * min((splits >= observed - 1e-9).mean(), (splits <= observed + 1e-9).mean()))


@pytest.mark.parametrize(("m", "n"), [(2, 2), (3, 3), (3, 5), (5, 4)])
def test_few_seeds_are_counted_exactly(m, n) -> None:
    rng = np.random.default_rng(m * n)
    a, b = rng.normal(0, 1, m), rng.normal(0.8, 2, n)
    assert permutation(a, b).p == pytest.approx(by_counting(a, b))
    assert permutation(a, b).exact


@pytest.mark.parametrize(("n", "smallest"), [(2, 2 / 6), (3, 2 / 20), (4, 2 / 70), (5, 2 / 252)])
def test_complete_separation_gives_the_smallest_p(n, smallest) -> None:
    result = permutation(np.arange(n), 100 + np.arange(n) ** 2)
    assert (result.p, result.smallest_p) == pytest.approx((smallest, smallest))


def test_many_seeds_are_dealt_at_random_and_always_the_same() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 9), rng.normal(3, 1, 9)
    first = permutation(a, b)
    assert first == permutation(a, b)
    assert not first.exact
    assert first.smallest_p == pytest.approx(2e-4, rel=1e-3)
    assert first.p < 0.002


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0])
def test_many_seeds_dealt_at_random_give_what_scipy_gives(shift) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(shift, 1, 12), rng.normal(0, 2, 15)
    expected = permutation_test((a, b), studentised, n_resamples=10_000, vectorized=True, rng=1).pvalue
    assert permutation(a, b).p == pytest.approx(expected, abs=4 * math.sqrt(2 * expected / 10_000))


def test_two_sides_without_spread_of_their_own() -> None:
    assert permutation([1.0, 1.0, 1.0], [2.0, 2.0, 2.0]).p == pytest.approx(0.1)


@pytest.mark.parametrize(("a", "b"), [([1.0], [1.0, 2.0]), ([2.0, 2.0], [2.0, 2.0]), ([], [1.0])])
def test_without_a_test_p_is_not_a_number_and_the_reason_is_said(a, b) -> None:
    result = permutation(a, b)
    assert math.isnan(result.p)
    assert math.isnan(result.smallest_p)
    assert result.note.startswith("No permutation test: ")

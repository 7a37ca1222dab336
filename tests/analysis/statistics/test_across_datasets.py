"""Scores, profiles and ranks over datasets, by hand and against scipy's bootstrap and Friedman test."""

import math

import numpy as np
import pytest
from scipy.stats import bootstrap, friedmanchisquare, trim_mean

from analysis.statistics.across_datasets import across_datasets

VALUES = {
    "x": {"baseline": [1.0, 2.0, 3.0], "a": [1.0, 2.0, 4.0]},
    "y": {"baseline": [10.0, 20.0, 30.0], "a": [40.0, 40.0, 5.0]},
}


def test_scores_profiles_and_ranks_by_hand() -> None:
    """Units 2 and 20. Scores of a: 2, 1, 0.5 and 0.5, 0.5, 4; the middle half of six leaves one out at each end:
    (0.5 + 0.5 + 1 + 2) / 4 = 1. Of the baseline: 2, 1, 2/3 twice: (2/3 + 1 + 1 + 2) / 4."""
    result = across_datasets(VALUES, "lower", "baseline", taus=[0.0, 1.0, 1.5, 5.0])
    a, base = result.variants["a"], result.variants["baseline"]
    assert (a.interquartile_mean, base.interquartile_mean) == pytest.approx((1.0, 7 / 6))
    assert a.difference == pytest.approx(-1 / 6)
    assert a.profile == pytest.approx((1.0, (2 / 3 + 1 / 3) / 2, 1 / 3, 0.0))
    assert (a.average_rank, base.average_rank) == (1.75, 1.25)
    assert a.interval.low < 1.0 < a.interval.high
    assert a.difference_interval.low < -1 / 6 < a.difference_interval.high
    assert a.profile_bands[1].low < 0.5 < a.profile_bands[1].high
    assert not a.profile_bands[0].is_known
    assert math.isnan(base.difference)


def test_the_interquartile_mean_leaves_out_a_quarter_at_each_end() -> None:
    """Of eight scores 1, 2, 4, 8, 8, 16, 32, 64 the middle four."""
    a = {"x": [1.0, 1 / 2, 1 / 4, 1 / 8], "y": [1 / 8, 1 / 16, 1 / 32, 1 / 64]}
    values = {dataset: {"baseline": [1.0], "a": runs} for dataset, runs in a.items()}
    assert across_datasets(values, "lower", "baseline").variants["a"].interquartile_mean == (4 + 8 + 8 + 16) / 4


def test_where_higher_is_better_scores_and_ranks_turn_round() -> None:
    a = across_datasets(VALUES, "higher", "baseline").variants["a"]
    assert a.interquartile_mean == pytest.approx((0.5 + 1 + 2 + 2) / 4)
    assert a.average_rank == 1.25


def test_datasets_count_alike_in_a_profile_whatever_their_seeds() -> None:
    values = {"x": {"baseline": [1.0] * 2, "a": [1.0] * 8}, "y": {"baseline": [1.0] * 2, "a": [2.0] * 2}}
    assert across_datasets(values, "lower", "baseline", taus=[0.9]).variants["a"].profile == (0.5,)


def test_the_interval_is_that_of_scipys_bootstrap_within_strata() -> None:
    rng = np.random.default_rng(0)
    runs = {"x": rng.lognormal(0, 0.3, 6), "y": rng.lognormal(0, 0.3, 6)}
    values = {d: {"baseline": [1.0, 1.0], "a": own} for d, own in runs.items()}
    found = across_datasets(values, "lower", "baseline").variants["a"].interval
    expected = bootstrap(
        [1 / own for own in runs.values()],
        lambda x, y, axis=-1: trim_mean(np.concatenate([x, y], axis=axis), 0.25, axis=axis),
        method="percentile",
        n_resamples=10_000,
        random_state=np.random.default_rng(1),
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=0.01)


def test_the_same_seed_gives_the_same_interval() -> None:
    first, again = (across_datasets(VALUES, "lower", "baseline").variants["a"].interval for _ in range(2))
    assert first == again


def test_one_dataset_is_no_comparison_over_datasets() -> None:
    assert across_datasets({"x": VALUES["x"]}, "lower", "baseline") is None
    assert across_datasets({"x": VALUES["x"], "y": {"baseline": [1.0], "a": [math.nan]}}, "lower", "baseline") is None


def test_a_dataset_that_lacks_a_variant_is_left_out_and_named() -> None:
    result = across_datasets({**VALUES, "z": {"baseline": [1.0]}}, "lower", "baseline")
    assert result.datasets == ("x", "y")
    assert result.note.startswith("without z, which does not hold all variants")


def test_a_diverged_run_scores_nothing_and_is_kept() -> None:
    for better, worst in (("lower", math.inf), ("higher", -math.inf)):
        values = {**VALUES, "x": {"baseline": [1.0, 2.0, 3.0], "a": [1.0, 2.0, worst]}}
        a = across_datasets(values, better, "baseline", taus=[0.0, 0.01]).variants["a"]
        assert a.profile == pytest.approx((1.0, (2 / 3 + 1) / 2))
        assert math.isfinite(a.interquartile_mean)


def test_one_seed_gives_a_score_without_an_interval_and_says_so() -> None:
    result = across_datasets({**VALUES, "y": {"baseline": [10.0, 20.0], "a": [30.0]}}, "lower", "baseline")
    assert not result.variants["a"].interval.is_known
    assert math.isfinite(result.variants["a"].interquartile_mean)
    assert "no intervals for a: one seed in a dataset" in result.note
    assert result.variants["baseline"].interval.is_known


def test_equal_values_give_no_interval_of_no_width() -> None:
    values = {d: {"baseline": [1.0, 1.0], "a": [2.0, 2.0]} for d in "xy"}
    a = across_datasets(values, "lower", "baseline").variants["a"]
    assert (a.interquartile_mean, a.interval.is_known, a.difference_interval.is_known) == (0.5, False, False)


@pytest.mark.parametrize(("baseline", "a"), [([-0.001, 0.0], [0.1, 0.2]), ([0.1, 0.1], [0.1, -0.001])])
def test_values_without_a_ratio_leave_the_ranks_alone(baseline, a) -> None:
    result = across_datasets({**VALUES, "y": {"baseline": baseline, "a": a}}, "lower", "baseline")
    assert "no scores" in result.note
    assert math.isnan(result.variants["a"].interquartile_mean)
    assert result.variants["a"].profile == ()
    assert result.variants["baseline"].average_rank in (1.25, 1.75)


def test_friedman_is_scipys_on_the_medians_and_takes_three_datasets() -> None:
    rng = np.random.default_rng(0)
    medians = np.array([[1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [2.0, 4.0, 5.0], [1.0, 2.0, 3.0]])
    values = {
        str(d): {name: m + rng.normal(0, 0.01, 3) for name, m in zip(("baseline", "a", "b"), row, strict=True)}
        for d, row in enumerate(medians)
    }
    assert across_datasets(values, "lower", "baseline").friedman_p == pytest.approx(
        friedmanchisquare(*medians.T).pvalue
    )
    two = across_datasets({d: values[d] for d in ("0", "1")}, "lower", "baseline")
    assert math.isnan(two.friedman_p)
    assert two.note == "no Friedman test of 3 variants in 2 datasets: it takes three of each"


def test_variants_that_tie_everywhere_rank_alike() -> None:
    values = {str(d): {name: [1.0, 2.0] for name in ("baseline", "a", "b")} for d in range(3)}
    result = across_datasets(values, "lower", "baseline")
    assert (result.friedman_p, result.variants["b"].average_rank) == (1.0, 2.0)


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "low", "high"), [(3, 0.81, 0.88), (5, 0.89, 0.95), (10, 0.91, 0.96)])
def test_intervals_of_a_difference_cover_as_the_docstring_says(seeds: int, low: float, high: float) -> None:
    rng, runs, covered = np.random.default_rng(seeds), 600, 0
    for _ in range(runs):
        values = {d: {name: np.exp(rng.normal(0, 0.15, seeds)) for name in ("baseline", "a")} for d in "xyz"}
        result = across_datasets(values, "lower", "baseline", resamples=1000, taus=[1.0])
        interval = result.variants["a"].difference_interval
        covered += interval.low < 0 < interval.high
    assert low < covered / runs < high

"""The rule of collapse: by hand, on hard cases, and on a real study of ten seeds."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.collapse import SeedCollapse, find_collapses, sentence
from experiments.design import CollapseRule
from r3gan.tables.metrics import numbers

TEN_SEEDS = Path(__file__).parents[4] / "shared" / "data" / "ten-seeds" / "metrics.csv"
needs_ten_seeds = pytest.mark.skipif(not TEN_SEEDS.exists(), reason="the study of ten seeds is not here")
RULE = CollapseRule()
GOOD = {"baseline": [[0.9, 0.30], [0.8, 0.34], [0.9, 0.32]]}


def points(curves: Mapping[str, Sequence[Sequence[float]]]) -> pd.DataFrame:
    """One curve for each seed 0, 1, ...; evaluations at 1, 2, ... kimg."""
    rows = [
        (variant, seed, float(kimg), value)
        for variant, seeds in curves.items()
        for seed, values in enumerate(seeds)
        for kimg, value in enumerate(values, 1)
    ]
    return pd.DataFrame(rows, columns=["variant", "seed", "kimg", "value"])


def found(curves, better="lower", rule=RULE) -> dict[tuple[str, int], SeedCollapse]:
    return {(f.variant, f.seed): f for f in find_collapses(points(curves), better, "baseline", rule).seeds}


def collapsed(curves, better="lower", rule=RULE) -> list[tuple[str, int]]:
    return list(find_collapses(points(curves), better, "baseline", rule).collapsed)


def ten_seeds() -> pd.DataFrame:
    table = pd.read_csv(TEN_SEEDS).dropna(subset=["d_kl"])
    return table.assign(kimg=table["images"] / 1000, value=table["d_kl"])[["variant", "seed", "kimg", "value"]]


def test_one_collapse_by_hand() -> None:
    """The baseline's lasts are 0.30, 0.32, 0.34: spread 1.4826 * 0.02. Reference: the median 0.5 of 0.5, 0.4, 3.0,
    better than the own best 0.6. Threshold: max(2 * 0.5, 0.5 + 5 * 0.0297)."""
    curves = {**GOOD, "a": [[0.9, 0.7, 0.5], [0.8, 0.6, 0.4], [0.6, 2.0, 3.0]]}
    result = found(curves)["a", 2]
    assert (result.last, result.best, result.best_kimg, result.reference) == (3.0, 0.6, 1.0, 0.5)
    assert result.threshold == pytest.approx(1.0)
    assert (result.collapsed, result.since_kimg) == (True, 2.0)
    assert collapsed(curves) == [("a", 2)]
    assert find_collapses(points(curves), "lower", "baseline", RULE).spread == pytest.approx(1.4826 * 0.02, rel=1e-4)


def test_a_wide_baseline_raises_the_threshold() -> None:
    """Spread 1.4826 * 0.2 = 0.297; 1.5 is five times 0.3, but within 0.3 + 5 * 0.297."""
    curves = {"baseline": [[0.1], [0.3], [0.5]], "a": [[0.3], [0.3], [1.5]]}
    assert collapsed(curves) == []
    assert found(curves)["a", 2].threshold == pytest.approx(0.3 + 5 * 1.4826 * 0.2, rel=1e-4)


@pytest.mark.parametrize("value", [49.0, 0.0, -math.inf])
def test_where_higher_is_better_a_fall_below_half_is_a_collapse(value: float) -> None:
    curves = {"baseline": [[80.0, 98.0], [90.0, 100.0], [85.0, 99.0]], "a": [[97.0, 98.0], [100.0, value]]}
    result = found(curves, "higher")["a", 1]
    assert (result.reference, result.threshold, result.since_kimg) == (100.0, 50.0, 2.0)
    assert collapsed(curves, "higher") == [("a", 1)]
    assert collapsed({**curves, "a": [[97.0, 98.0], [100.0, 51.0]]}, "higher") == []


def test_a_late_spike_that_recovers_is_none() -> None:
    assert collapsed({**GOOD, "a": [[0.9, 0.4, 9.0, 0.5], [0.9, 0.4, 0.35, 0.3]]}) == []


def test_a_slow_drift_is_one_once_it_has_left_the_factor() -> None:
    curves = {**GOOD, "a": [[0.4, 0.5, 0.6, 0.7, 0.79], [0.4, 0.5, 0.7, 0.81, 0.9], [0.4] * 5]}
    assert collapsed(curves) == [("a", 1)]
    assert found(curves)["a", 1].since_kimg == 4.0


def test_a_seed_that_never_was_good_is_recognised_by_its_sibling() -> None:
    curves = {**GOOD, "a": [[0.8, 0.4], [5.0, 4.0]]}
    assert collapsed(curves) == [("a", 1)]
    assert found(curves)["a", 1].since_kimg == 1.0


def test_a_variant_that_is_bad_throughout_has_not_collapsed() -> None:
    assert collapsed({**GOOD, "a": [[5.0, 4.0], [5.0, 4.4], [6.0, 4.2]]}) == []


def test_the_baseline_can_collapse_too_in_one_of_two_seeds() -> None:
    curves = {"baseline": [[0.8, 0.3], [0.8, 4.0]], "a": [[0.8, 0.4], [0.7, 0.5]]}
    result = find_collapses(points(curves), "lower", "baseline", RULE)
    assert result.collapsed == (("baseline", 1),)
    assert result.spread == 0
    assert "too few for a spread" in result.note


def test_one_seed_is_judged_by_its_own_past() -> None:
    assert collapsed({"baseline": [[0.8, 0.3]], "a": [[0.8, 0.4, 0.9]]}) == [("a", 0)]
    assert collapsed({"baseline": [[0.8, 0.3]], "a": [[0.8, 0.4, 0.7]]}) == []
    assert collapsed({"baseline": [[0.3]]}) == []


def test_equal_values_are_none_and_have_no_spread() -> None:
    curves = {"baseline": [[0.3, 0.3]] * 3, "a": [[0.3, 0.3]] * 3}
    result = find_collapses(points(curves), "lower", "baseline", RULE)
    assert (result.collapsed, result.spread, result.note) == ((), 0.0, "")


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_infinity_on_the_worse_side_is_a_collapse_even_without_any_sibling_that_is_finite(better) -> None:
    worst = math.inf if better == "lower" else -math.inf
    curves = {"baseline": [[0.3], [0.3], [worst]], "a": [[worst], [worst]]}
    assert collapsed(curves, better) == [("baseline", 2), ("a", 0), ("a", 1)]


def test_nan_is_no_evaluation_and_a_seed_without_any_is_said() -> None:
    curves = {**GOOD, "a": [[0.3, 0.3, math.nan], [0.3, 3.0, math.nan], [math.nan] * 3]}
    result = find_collapses(points(curves), "lower", "baseline", RULE)
    assert result.collapsed == (("a", 1),)
    assert math.isnan(result.seeds[-1].last)
    assert result.note == "a, seed 2: nothing was measured, so that collapse cannot be seen"


def test_where_the_reference_is_not_positive_the_spread_decides_alone() -> None:
    """KID: spread 1.4826 * 0.001, threshold -0.001 + 5 * 0.00148 = 0.0064."""
    baseline = {"baseline": [[0.0], [0.001], [0.002]]}
    assert collapsed({**baseline, "a": [[-0.001], [-0.001], [0.006], [0.007]]}) == [("a", 3)]
    negative = {"baseline": [[-1.0], [-1.1], [-1.2]], "a": [[-1.0], [-1.0], [-1.7], [-1.8]]}  # threshold -1.74
    assert collapsed(negative, "higher") == [("a", 3)]
    lone = {"baseline": [[-0.001]], "a": [[-0.001], [0.5]]}
    result = find_collapses(points(lone), "lower", "baseline", RULE)
    assert result.collapsed == ()
    assert "no collapse can be told" in result.note
    assert collapsed(lone, rule=CollapseRule(worse_than=0.1)) == [("a", 1)]


@pytest.mark.parametrize(("better", "bound"), [("lower", 4.0), ("higher", 4.8)])
def test_the_absolute_bound_makes_a_whole_variant_collapsed(better, bound: float) -> None:
    curves = {"baseline": [[5.0, 4.5], [5.0, 4.4]]}
    assert collapsed(curves, better) == []
    assert collapsed(curves, better, CollapseRule(worse_than=bound)) == [("baseline", 0), ("baseline", 1)]


def test_the_order_of_the_rows_does_not_matter() -> None:
    table = points({**GOOD, "a": [[0.5, 0.3, 3.0], [0.4, 0.3, 0.3]]})
    assert find_collapses(table[::-1], "lower", "baseline", RULE).collapsed == (("a", 0),)


@pytest.mark.parametrize(
    "wrong", [{"factor": 0.5}, {"factor": math.nan}, {"spreads": -1}, {"worse_than": math.inf}, {"at_least": -0.1}]
)
def test_a_rule_without_sense_is_refused(wrong) -> None:
    with pytest.raises(ValueError, match="of collapse"):
        CollapseRule(**wrong)


def test_the_sentence_says_all_numbers_of_the_rule() -> None:
    text = sentence(CollapseRule(factor=3, spreads=4, at_least=0.05, worse_than=2.5), "D_KL", "nats")
    assert text.startswith(
        "A seed has collapsed if its last D_KL is worse than its reference by more than a factor of 3 "
    )
    rest = "3 and by more than 4 times the baseline's spread and by more than 0.05 nats, or if it is worse than 2.5"
    assert rest in text
    assert "2.5" not in sentence(RULE, "D_KL")


def test_near_the_floor_twice_as_much_of_hardly_anything_is_none() -> None:
    """Two seeds, so that there is no spread: 0.007 is within 0.004 + 0.05, and 0.06 is not."""
    curves = {"baseline": [[0.01, 0.004], [0.01, 0.007]], "a": [[0.004, 0.06], [0.02, 0.004]]}
    rule = CollapseRule(at_least=0.05)
    assert collapsed(curves) == [("a", 0)] == collapsed(curves, rule=CollapseRule(at_least=0.0))
    assert collapsed({"baseline": [[0.01, 0.003], [0.01, 0.007]]}) == [("baseline", 1)]
    assert collapsed({"baseline": [[0.01, 0.003], [0.01, 0.007]]}, rule=rule) == []
    assert collapsed(curves, rule=rule) == [("a", 0)]
    assert found(curves, rule=rule)["a", 0].threshold == pytest.approx(0.054)
    modes = {"baseline": [[20.0, 25.0], [20.0, 25.0]], "a": [[25.0, 12.0], [25.0, 25.0]]}
    assert collapsed(modes, "higher", CollapseRule(at_least=13.0)) == []
    assert collapsed(modes, "higher", CollapseRule(at_least=12.9)) == [("a", 0)]


@pytest.mark.parametrize("study", ["ten-seeds", "earlier-ablation", "paper-losses"])
def test_what_the_committed_reports_count_as_collapse_is_what_the_rule_finds(study: str) -> None:
    folder = Path(__file__).parents[3] / "docs" / "results" / study
    table = pd.read_csv(folder / "metrics.csv").dropna(subset=["d_kl"])
    table = table.assign(kimg=table["images"] / 1000, value=table["d_kl"])[["variant", "seed", "kimg", "value"]]
    rule = CollapseRule(at_least=numbers()["d_kl"].negligible)
    fell = pd.Series([variant for variant, _ in find_collapses(table, "lower", "baseline", rule).collapsed], dtype=str)
    reported = pd.read_csv(folder / "table.csv").set_index("variant")["collapsed"]
    assert len(reported) == table["variant"].nunique()
    assert fell.value_counts().to_dict() == reported[reported > 0].to_dict()


@needs_ten_seeds
def test_in_the_study_of_ten_seeds_exactly_three_collapse() -> None:
    result = find_collapses(ten_seeds(), "lower", "baseline", RULE)
    assert set(result.collapsed) == {("attention", 3), ("both", 3), ("both", 9)}
    assert {f.since_kimg for f in result.seeds if f.collapsed} == {12.0, 18.016}


@needs_ten_seeds
@pytest.mark.parametrize("size", [2, 3, 5])
def test_in_parts_of_the_ten_seeds_no_other_collapses_and_the_three_are_found(size: int) -> None:
    table, rng = ten_seeds(), np.random.default_rng(0)
    known = {("attention", 3), ("both", 3), ("both", 9)}
    for _ in range(20):
        seeds = rng.choice(10, size, replace=False)
        result = find_collapses(table[table["seed"].isin(seeds)], "lower", "baseline", RULE)
        assert set(result.collapsed) == {(variant, seed) for variant, seed in known if seed in seeds}

"""The sentences that a report begins with say what the numbers say, and no more."""

import math

import numpy as np
from statsmodels.stats.power import TTestPower

from analysis.answer import answer
from analysis.comparison import least_shown
from analysis.drawing.differences import difference_rows
from experiments.design import Design
from tests.analysis.studies import compared, points_of, runs_of, unfinished

BASE = [0.30, 0.34, 0.38, 0.35, 0.33]
WORSE = [0.80, 0.84, 0.88, 0.82, 0.86]
SAME = [0.31, 0.36, 0.33, 0.35, 0.34]


def sentences(values: dict[str, list[float]], **kwargs: object) -> dict[str, str]:
    """The sentence on each variant, by its name."""
    (found,) = compared(runs_of({"d_kl": values}, **kwargs))  # type: ignore[arg-type]
    return {sentence.split("**")[1]: sentence for sentence in answer(found, len(values) - 1) if "**" in sentence}


def test_worse_and_better_follow_the_metrics_direction() -> None:
    said = sentences({"baseline": BASE, "worse": WORSE, "better": [value - 0.2 for value in BASE]})
    assert said["worse"].startswith("**worse** is worse than the baseline (p < 0.001): D_KL +0.500 [")
    assert said["better"].startswith("**better** is better than the baseline (p < 0.001): D_KL −0.200 [")
    modes = {"baseline": [900.0, 904, 902], "more": [950.0, 953, 951], "less": [850.0, 852, 849]}
    (found,) = compared(runs_of({"modes": modes}, design=Design(primary="modes")))
    _, more, less = answer(found, 2)
    assert "is better than the baseline" in more
    assert "is worse than the baseline" in less


def test_nothing_shown_is_no_equality_and_names_what_would_have_been_seen() -> None:
    same = sentences({"baseline": BASE, "same": SAME})["same"]
    assert "no difference shown" in same
    assert "would have been seen with 80% probability" in same
    assert "worse" not in same


def test_where_pairs_are_compared_the_difference_that_they_would_have_shown_is_named() -> None:
    drift = [0.002, -0.003, 0.001, -0.001, 0.002, -0.002, 0.001, 0.0]
    base = [0.3, 0.4, 0.5, 0.6, 0.7, 0.35, 0.45, 0.55]
    values = {"baseline": base, "same": [value + more for value, more in zip(base, drift, strict=True)]}
    (found,) = compared(runs_of({"d_kl": values}))
    difference = found.cells["same", "d_kl"].difference
    assert difference is not None
    assert difference.method == "paired"
    within = TTestPower().solve_power(nobs=8, alpha=0.05, power=0.8) * np.std(drift, ddof=1)
    assert f"no difference shown; a difference of {within:.3f} would have been seen" in sentences(values)["same"]


def test_one_seed_each_shows_nothing_and_says_how_little_it_could() -> None:
    one = sentences({"baseline": [0.3], "same": [0.9]})["same"]
    assert "no difference shown; so few seeds could hardly have shown one" in one


def test_a_difference_that_no_values_can_have_is_not_said_to_be_one_that_would_have_been_seen() -> None:
    (found,) = compared(runs_of({"d_kl": {"baseline": [0.9, 1.3], "same": [0.8, 1.5]}}))
    assert found.primary is not None
    assert least_shown(found, "same", 16) > math.log(1000) > least_shown(found, "same", 1), "the most of 1000 modes"
    never = "not even one of 6.908, the largest possible, would have been seen with 80% probability"
    assert answer(found, 16)[1].endswith(f"no difference shown; {never}.")
    rows = [difference_rows(found, found.primary, count)["conclusion"].item() for count in (16, 1)]
    assert rows == ["no difference shown; none would have been", "no difference shown; 4.500 would have been"]


def test_collapses_are_in_the_sentence_on_their_variant() -> None:
    values = {"baseline": BASE, "same": [*SAME, 4.0]}
    runs = runs_of({"d_kl": values})
    points = points_of(runs, "d_kl", earlier={"digits-same-5": 0.4})
    (found,) = compared(runs, points=points, left_out=[unfinished(runs, "same", 6, "diverged")])
    said = answer(found, 1)[1]
    assert "5 against 5 seeds" in said
    assert "2 of 7 seeds collapsed or diverged [4%, 71%], of the baseline's 0 of 5 (p = " in said


def test_a_factorial_design_gets_a_sentence_of_its_own() -> None:
    includes = {"baseline": [], "a": [], "b": [], "ab": ["a", "b"]}
    design = Design(primary="d_kl", includes=includes, pure=["ab"])
    values = {"baseline": BASE, "a": SAME, "b": WORSE, "ab": [value + 0.5 for value in SAME]}
    (found,) = compared(runs_of({"d_kl": values}, design=design))
    said = answer(found, 3)[-1]
    assert said.startswith("As a factorial design (a × b; ")
    for part in ("main effect of a −0.002 [", "main effect of b +0.500 [", "interaction of a and b +0.000 ["):
        assert part in said


def test_without_a_baseline_or_a_metric_nothing_is_concluded() -> None:
    assert answer(compared(runs_of({"d_kl": {"a": BASE}}))[0], 0) == ["There is no baseline to compare with."]
    runs = runs_of({"loss_d": {"baseline": BASE}})
    (found,) = compared(runs, points=points_of(runs, "loss_d"))
    assert "nothing is concluded" in answer(found, 0)[0]


def test_a_variant_beside_a_baseline_without_numbers_keeps_its_own() -> None:
    nan = float("nan")
    runs = runs_of({"d_kl": {"baseline": [nan, nan], "a": [0.3, 0.4], "b": [nan, nan]}})
    (found,) = compared(runs, left_out=[unfinished(runs, "baseline", 2, "diverged")])
    baseline, a, b = answer(found, 1)
    assert baseline == "**baseline**: no seed gave a number to compare with: 1 collapsed or diverged."
    assert a.startswith("**a**: D_KL 0.350 [")
    assert "] over 2 seeds, and no seed of the baseline to compare with. 0 of 2 seeds collapsed" in a
    assert b.startswith("**b**: no seed gave a number to compare. ")


def test_equal_values_of_many_seeds_are_not_called_few_seeds() -> None:
    said = sentences({"baseline": BASE, "flat": [0.35] * 5})["flat"]
    assert said.endswith("no difference shown; which one would have been seen cannot be told from equal values of all "
                         "seeds of flat.")  # fmt: skip
    assert "all seeds of baseline and flat." in sentences({"baseline": [0.4] * 5, "flat": [0.4] * 5})["flat"]

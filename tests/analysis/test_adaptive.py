"""What is concluded at which look, by which seeds, and how the report shows it."""

import math

import pytest
from scipy.stats import ttest_ind

from analysis.adaptive import wanted
from analysis.answer import answer
from analysis.comparison import Comparison
from analysis.report import result_parts
from analysis.tables import is_shown
from experiments.design import Design, SeedRule
from tests.analysis.studies import compared, points_of, runs_of, unfinished

RULE = SeedRule(least=3, most=5, sign=True, comparisons=2)
BASE = [0.30, 0.34, 0.38]
FAR = [1.30, 1.34, 1.38]
NEAR = [0.31, 0.36, 0.35]


def study(values: dict[str, list[float]], rule: SeedRule = RULE, **kwargs: object) -> Comparison:
    (found,) = compared(runs_of({"d_kl": values}, design=Design(primary="d_kl", seed_rule=rule)), **kwargs)  # type: ignore[arg-type]
    return found


def test_a_decided_variant_ends_and_an_open_one_and_the_baseline_get_more_seeds() -> None:
    found = study({"baseline": BASE, "far": FAR, "near": NEAR})
    assert wanted(found.conclusions) == {"baseline": 4, "far": 3, "near": 4}
    assert found.conclusions["far"].ending == "sign"
    assert found.conclusions["near"].waits_for == ("baseline/3", "near/3")


def test_a_conclusion_stands_whatever_the_baseline_does_later() -> None:
    before = study({"baseline": BASE, "far": FAR, "near": NEAR})
    after = study({"baseline": [*BASE, 0.50, 0.20], "far": FAR, "near": [*NEAR, 0.50, 0.20]})
    assert after.conclusions["far"] == before.conclusions["far"]
    difference = after.cells["far", "d_kl"].difference
    assert difference is not None
    assert difference.p == pytest.approx(ttest_ind(FAR, BASE, equal_var=False).pvalue)
    assert difference.p_holm == pytest.approx(difference.p * 0.05 / after.conclusions["far"].looks[0].level)
    assert is_shown(difference)
    assert answer(after, 2)[1].startswith("**far** is worse than the baseline (p")


def test_what_only_peeking_would_show_is_not_bold() -> None:
    values = {"baseline": BASE, "a": [0.42, 0.47, 0.40]}
    difference = study(values).cells["a", "d_kl"].difference
    assert difference is not None
    assert difference.p < 0.05
    assert not is_shown(difference)


def test_collapse_is_judged_by_the_seeds_of_the_look() -> None:
    values = {"baseline": BASE, "a": [0.31, 0.36, 4.0]}
    runs = runs_of({"d_kl": values}, design=Design(primary="d_kl", seed_rule=RULE))
    (found,) = compared(runs, points=points_of(runs, "d_kl", earlier={"digits-a-2": 0.4}))
    look = found.conclusions["a"].looks[0]
    assert (look.count, look.baseline_count, look.seeds) == (2, 3, 3)
    assert look.value == pytest.approx((0.31 + 0.36) / 2 - 0.34)


def test_failed_and_diverged_seeds_are_tried_and_unfinished_ones_are_waited_for() -> None:
    values = {"baseline": BASE, "a": [0.31, 0.36]}
    runs = runs_of({"d_kl": values})
    for outcome, looks in (("failed", 1), ("diverged", 1), ("stopped", 0)):
        found = study(values, left_out=[unfinished(runs, "a", 2, outcome)])
        assert len(found.conclusions["a"].looks) == looks
    assert found.conclusions["a"].waits_for == ("a/2",)
    difference = found.cells["a", "d_kl"].difference
    assert difference is not None
    assert math.isnan(difference.p_holm)
    assert "waits for a/2" in answer(found, 1)[1]


def test_seeds_beyond_the_end_are_no_part_of_it_and_said() -> None:
    found = study({"baseline": BASE, "far": [*FAR, 0.1, 0.1]})
    assert found.conclusions["far"].unused == 2
    assert "no part of it: far 2 seeds" in "\n".join(result_parts(found))


def test_a_precise_difference_ends_and_the_report_says_so() -> None:
    rule = SeedRule(least=3, most=5, half_width=0.2, comparisons=1)
    found = study({"baseline": BASE, "near": NEAR}, rule)
    assert found.conclusions["near"].ending == "half_width"
    assert "which is what was asked" in answer(found, 1)[1]
    text = "\n".join(result_parts(found))
    assert "precise enough" in text
    assert "p (looks)" in text


def test_fixed_seeds_have_no_looks() -> None:
    (found,) = compared(runs_of({"d_kl": {"baseline": BASE, "far": FAR}}))
    assert found.conclusions == {}
    assert "Seeds until" not in "\n".join(result_parts(found))

"""A look at a difference: its test, its level, and what ends the comparison."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_ind

from analysis.statistics.interval import NO_INTERVAL
from analysis.statistics.looks import ended_by, levels_of, take_look
from experiments.design import SeedRule

RULE = SeedRule(least=3, most=20, sign=True, comparisons=3)
BASE = [0.30, 0.34, 0.38]
WORSE = [1.30, 1.34, 1.38]
NEAR = [0.31, 0.36, 0.35]


def test_looks_are_few_and_even_from_the_least_to_the_most() -> None:
    assert RULE.looks == (3, 7, 11, 16, 20)
    assert SeedRule(least=3, most=5, sign=True).looks == (3, 4, 5)
    assert SeedRule(least=2, most=1000, sign=True).looks == (2, 252, 501, 750, 1000)


@pytest.mark.parametrize(("least", "most"), [(1, 5), (5, 5), (6, 5)])
def test_numbers_of_seeds_that_are_none_are_refused(least: int, most: int) -> None:
    with pytest.raises(ValueError, match="at least 2, and then more"):
        SeedRule(least=least, most=most, sign=True)


def test_a_rule_that_nothing_ends_is_refused() -> None:
    with pytest.raises(ValueError, match="neither a sign nor a half width"):
        SeedRule(least=3, most=20)


def test_a_look_is_welchs_test_at_its_share_of_the_level() -> None:
    look = take_look(RULE, 1, WORSE, BASE)
    expected = ttest_ind(WORSE, BASE, equal_var=False)
    level = 0.05 / 3 * math.log(1 + (math.e - 1) * 3 / 20)
    assert look.level == pytest.approx(level)
    assert look.p == pytest.approx(expected.pvalue)
    assert look.p_corrected == pytest.approx(expected.pvalue * 0.05 / level)
    interval = expected.confidence_interval(1 - level)
    assert (look.interval.low, look.interval.high) == pytest.approx((interval.low, interval.high))
    assert look.half_width == pytest.approx((interval.high - interval.low) / 2)
    assert (look.seeds, look.count, look.baseline_count) == (3, 3, 3)


def test_a_shown_sign_ends_and_nothing_shown_goes_on_to_the_most() -> None:
    assert ended_by(RULE, take_look(RULE, 1, WORSE, BASE)) == "sign"
    assert [ended_by(RULE, take_look(RULE, number, NEAR, BASE)) for number in (1, 4, 5)] == [None, None, "most"]


def test_significance_without_correction_ends_nothing() -> None:
    look = take_look(RULE, 1, [0.40, 0.44, 0.49], BASE)
    assert look.level < look.p < 0.05
    assert ended_by(RULE, look) is None


def test_a_narrow_interval_ends_only_if_that_is_asked() -> None:
    width = take_look(RULE, 1, NEAR, BASE).half_width
    for asked, ending in ((width, "half_width"), (width * 0.99, None)):
        rule = SeedRule(least=3, most=20, half_width=asked, comparisons=3)
        assert ended_by(rule, take_look(rule, 1, NEAR, BASE)) == ending
    narrow = SeedRule(least=3, most=20, half_width=0.01, comparisons=3)
    look = take_look(narrow, 1, WORSE, BASE)
    assert look.is_decided
    assert ended_by(narrow, look) is None, "the sign was not asked for"


@pytest.mark.parametrize(("values", "part"), [([0.3], "two seeds"), ([], "two seeds"), ([0.3] * 3, "varies")])
def test_without_a_test_there_is_no_interval_and_nothing_is_decided(values: list[float], part: str) -> None:
    rule = SeedRule(least=3, most=20, sign=True, half_width=1e9)
    look = take_look(rule, 1, values, [0.3] * 3)
    assert math.isnan(look.p)
    assert math.isnan(look.p_corrected)
    assert look.interval == NO_INTERVAL
    assert look.half_width == math.inf
    assert ended_by(rule, look) is None
    assert part in look.note


def test_a_look_that_can_show_nothing_has_no_interval() -> None:
    rule = SeedRule(least=2, most=1000, sign=True, spending="obrien-fleming")
    look = take_look(rule, 1, WORSE, BASE)
    assert look.level == 0
    assert look.interval == NO_INTERVAL
    assert math.isnan(look.p_corrected)
    assert not look.is_decided


@pytest.mark.parametrize("spending", ["pocock", "obrien-fleming"])
def test_the_family_keeps_its_level_over_looks_where_peeking_does_not(spending: str) -> None:
    """Three variants without effect, heavy tails: 2000 studies."""
    rule = SeedRule(least=3, most=20, sign=True, comparisons=3, spending=spending)  # type: ignore[arg-type]
    sides = np.random.default_rng(0).standard_t(3, size=(2000, 4, 20))
    p = np.array([ttest_ind(sides[:, 1:, :n], sides[:, :1, :n], axis=-1, equal_var=False).pvalue for n in rule.looks])
    assert (p <= levels_of(rule)[:, None, None]).any(axis=(0, 2)).mean() < 0.05
    assert (p <= 0.05).any(axis=(0, 2)).mean() > 0.2

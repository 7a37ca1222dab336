"""Power of Welch's test, against statsmodels and against simulated studies."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_ind
from statsmodels.stats.power import TTestIndPower

from analysis.statistics.power import detectable, welch_power


@pytest.mark.parametrize(("n", "effect"), [(3, 1.0), (5, 2.0), (10, 0.5), (20, 1.5)])
def test_with_equal_spreads_it_is_students(n: int, effect: float) -> None:
    expected = TTestIndPower().power(effect, n, 0.05)
    assert welch_power(effect * 0.3, 0.3, n, 0.3, n) == pytest.approx(expected, rel=1e-6)


def test_comparisons_share_the_level() -> None:
    expected = TTestIndPower().power(1.5, 8, 0.05 / 3)
    assert welch_power(1.5, 1.0, 8, 1.0, 8, comparisons=3) == pytest.approx(expected, rel=1e-6)
    assert welch_power(0.0, 1.0, 8, 1.0, 8) == pytest.approx(0.05)


@pytest.mark.parametrize(("n", "m", "sd", "difference"), [(3, 3, 3.0, 4.0), (5, 10, 2.0, 2.5), (10, 10, 0.5, 1.0)])
def test_with_unequal_spreads_it_is_what_simulated_studies_show(n: int, m: int, sd: float, difference: float) -> None:
    draw = np.random.default_rng(0)
    first = difference + sd * draw.standard_normal((20_000, n))
    p = ttest_ind(first, draw.standard_normal((20_000, m)), axis=1, equal_var=False).pvalue
    assert welch_power(difference, sd, n, 1.0, m) == pytest.approx(np.mean(p < 0.05), abs=0.04)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_a_detectable_difference_has_the_power_asked_for(n: int) -> None:
    found = detectable(0.2, n, 0.1, n, comparisons=3, power=0.9)
    assert welch_power(found, 0.2, n, 0.1, n, 3) == pytest.approx(0.9, abs=1e-4)
    assert detectable(0.2, n, 0.1, n, 3) < found


@pytest.mark.parametrize(("sd", "n", "m"), [(0.1, 1, 5), (0.1, 5, 1), (math.nan, 1, 1), (0.0, 3, 3)])
def test_without_spread_or_seeds_nothing_is_known(sd: float, n: int, m: int) -> None:
    assert math.isnan(detectable(sd, n, 0.0 if sd == 0 else 0.1, m))

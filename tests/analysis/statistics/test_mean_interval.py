"""Which interval a mean gets."""

import math

import pytest

from analysis.statistics.counts import count_mean
from analysis.statistics.interval import NO_INTERVAL
from analysis.statistics.mean_interval import mean_interval
from analysis.statistics.means import mean_t


def test_numbers_without_a_ceiling_get_the_t_interval():
    assert mean_interval([998.0, 999.0, 1000.0], None) == mean_t([998.0, 999.0, 1000.0])


def test_counts_that_all_reach_nine_tenths_of_the_ceiling_get_theirs():
    near, not_near = [900.0, 901.0, 902.0], [899.0, 901.0, 903.0]
    assert mean_interval(near, 1000) == count_mean(near, 1000)
    assert mean_interval(not_near, 1000) == mean_t(not_near) != count_mean(not_near, 1000)
    assert mean_interval([1000.0, 1000.0], 1000).interval.is_known


def test_a_collapsed_seed_brings_the_t_interval_back_cut_off_at_0_and_the_ceiling():
    """Mean 949.5, s = 71.42, half width 12.706 * 50.5; and three counts in the middle reach neither end."""
    found = mean_interval([899.0, 1000.0], 1000)
    assert (found.interval.low, found.interval.high) == (pytest.approx(949.5 - 12.7062 * 50.5, abs=0.01), 1000)
    assert mean_interval([100.0, 990.0], 1000).interval.low == 0
    assert mean_interval([500.0, 510.0, 520.0], 1000) == mean_t([500.0, 510.0, 520.0])


def test_equal_counts_far_from_the_ceiling_and_single_ones_have_no_interval():
    assert mean_interval([500.0, 500.0], 1000).interval == NO_INTERVAL
    assert mean_interval([999.0], 1000).interval == NO_INTERVAL
    assert mean_interval([], 1000).note == "There is no value."


def test_a_diverged_seed_leaves_no_interval_and_says_so():
    found = mean_interval([999.0, 998.0, -math.inf], 1000)
    assert (found.value, found.interval) == (-math.inf, NO_INTERVAL)
    assert found.note == "1 of 3 values are infinite: no interval."


def test_a_ceiling_is_for_counts():
    with pytest.raises(ValueError, match=r"0\.5 is no count from 0 to 1"):
        mean_interval([0.5, 0.75], 1)

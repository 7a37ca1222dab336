"""Corrections by hand."""

import math

import pytest

from analysis.statistics.families import holm, simultaneous_level


def test_holm_by_hand() -> None:
    """Sorted 0.01, 0.02, 0.03: 3 * 0.01, 2 * 0.02, and the third is raised to what came before."""
    assert holm([0.03, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])


def test_a_comparison_without_test_does_not_count_in_the_family() -> None:
    assert holm([math.nan, 0.01, 0.04]) == pytest.approx([math.nan, 0.02, 0.04], nan_ok=True)
    assert holm([]) == []
    assert holm([math.nan]) == pytest.approx([math.nan], nan_ok=True)


def test_level_of_simultaneous_intervals() -> None:
    assert simultaneous_level(1) == 0.95
    assert simultaneous_level(5) == pytest.approx(0.99)
    with pytest.raises(ValueError, match="0 comparisons: expected at least 1"):
        simultaneous_level(0)

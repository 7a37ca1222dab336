import math

import numpy as np

from analysis.statistics.learning import best_of, first_sign, kimg_to, mean_level

KIMG = np.array([10.0, 20.0, 40.0])
CURVE = np.array([4.0, 2.0, 3.0])


def test_the_mean_level_is_the_area_by_trapezoids_over_the_kimg() -> None:
    """(4 + 2) / 2 * 10 + (2 + 3) / 2 * 20 = 80, over 30 kimg."""
    assert mean_level(KIMG, CURVE) == 80 / 30
    assert mean_level(KIMG, np.array([4.0, math.nan, 2.0])) == 3.0, "the gap is bridged"
    assert mean_level(KIMG, np.array([4.0, 2.0, math.inf])) == math.inf
    assert math.isnan(mean_level(KIMG[:1], CURVE[:1]))


def test_a_target_is_reached_at_the_first_evaluation_that_is_as_good() -> None:
    assert kimg_to(3.0, KIMG, CURVE, "lower") == 20.0
    assert kimg_to(2.0, KIMG, CURVE, "lower") == 20.0
    assert kimg_to(1.0, KIMG, CURVE, "lower") == math.inf
    assert kimg_to(3.0, KIMG, CURVE, "higher") == 10.0
    assert kimg_to(3.0, KIMG, np.array([math.nan, math.nan, 1.0]), "lower") == 40.0
    assert math.isnan(kimg_to(math.nan, KIMG, CURVE, "lower"))
    assert math.isnan(kimg_to(3.0, KIMG, np.full(3, math.nan), "lower"))


def test_the_best_value_and_where_it_was() -> None:
    assert best_of(KIMG, CURVE, "lower") == (2.0, 20.0)
    assert best_of(KIMG, CURVE, "higher") == (4.0, 10.0)
    assert best_of(KIMG, np.array([math.nan, 5.0, 5.0]), "lower") == (5.0, 20.0)
    assert all(map(math.isnan, best_of(KIMG, np.full(3, math.nan), "lower")))


def test_the_first_sign_is_a_spike_beyond_five_medians_or_a_loss_that_is_not_finite() -> None:
    kimg = np.arange(1.0, 9.0)
    assert first_sign(kimg, np.array([1.0, 1, 1, 1, 1, 5.1, 9, 1])) == 6.0
    assert math.isnan(first_sign(kimg, np.array([1.0, 1, 1, 1, 1, 5.0, 1, 1]))), "just five times"
    assert math.isnan(first_sign(kimg, np.array([1.0, 9, 1, 1, 1, 1, 1, 1]))), "too early to tell"
    assert first_sign(kimg, np.array([1.0, math.nan, 1, 1, 1, 9, 1, 1])) == 2.0
    assert math.isnan(first_sign(kimg[:0], kimg[:0]))

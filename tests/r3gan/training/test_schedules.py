from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from r3gan.config import Schedule
from r3gan.tables.schedule_shapes import SCHEDULE_SHAPES
from r3gan.training.schedules import ema_decay, schedule_value


@pytest.mark.parametrize(
    ("images", "expected"),
    [(0, 0.05), (5e6, 0.05 - 0.045 * (2 - 2**0.5) / 4), (10e6, 0.0275), (20e6, 0.005), (30e6, 0.005)],
)
def test_cosine_has_the_released_values(images, expected):
    assert schedule_value(Schedule(0.05, 0.005, 20e6), int(images)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("images", "expected"), [(0, 0), (50, 0.5), (100, 1.0), (600, 0.6), (1100, 0.2), (2000, 0.2)])
def test_warmup_rises_linearly_before_the_cosine(images, expected):
    assert schedule_value(Schedule(1.0, 0.2, 1100, 100), images) == pytest.approx(expected)


EDM2 = Schedule(0.01, 0.0, 1000, shape="inverse-sqrt")


@pytest.mark.parametrize(
    ("images", "expected"),
    [(0, 0.01), (999, 0.01), (1000, 0.01), (4000, 0.005), (9000, 0.01 / 3), (25_000, 0.002), (100_000, 0.001)],
)
def test_the_inverse_square_root_holds_its_start_and_then_halves_with_every_fourfold_number_of_images(images, expected):
    assert schedule_value(EDM2, images) == pytest.approx(expected, rel=1e-12)


def test_an_inverse_square_root_ends_at_its_lowest_value_and_not_before():
    floored = replace(EDM2, end=0.002)
    assert [schedule_value(floored, n) for n in (25_000, 25_001, 10**9)] == [0.002] * 3
    assert all(schedule_value(floored, n) == schedule_value(EDM2, n) > 0.002 for n in range(0, 25_000, 100))


@pytest.mark.parametrize("warmup", [500, 1000])
def test_with_a_warm_up_an_inverse_square_root_is_the_product_of_both_as_in_edm2s_release(warmup):
    schedule = replace(EDM2, warmup_img=warmup)
    for images in range(0, 20_000, 10):
        expected = 0.01 / np.sqrt(max(images / 1000, 1)) * min(images / warmup, 1)
        assert schedule_value(schedule, images) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("shape", SCHEDULE_SHAPES)
def test_constant_schedule_needs_no_decay_whatever_its_shape(shape):
    assert [schedule_value(Schedule(3.0, 3.0, shape=shape), n) for n in (0, 1, 10**9)] == [3.0] * 3


def test_the_shape_is_a_cosine_unless_it_is_given():
    plain, cosine = Schedule(10, 5, 1000, 30), Schedule(10, 5, 1000, 30, shape="cosine")
    assert plain == cosine
    assert schedule_value(plain, 515) == 7.5


FALLING = Schedule(10, 8, 900, 300, shape="inverse-sqrt")
RISING = Schedule(5, 10, 900, 300)


@pytest.mark.parametrize("schedule", [Schedule(10, 5, 1000), RISING, Schedule(2, 2, 0, 500), FALLING])
def test_schedules_are_continuous(schedule):
    values = [schedule_value(schedule, n) for n in range(1500)]
    assert max(abs(b - a) for a, b in pairwise(values)) < 0.04


def test_ema_halves_over_its_half_life():
    assert ema_decay(1000, 100) ** 10 == pytest.approx(0.5)
    assert ema_decay(0, 64) == 0

from itertools import pairwise

import pytest

from r3gan.config import Schedule
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


def test_constant_schedule_needs_no_decay():
    assert [schedule_value(Schedule(3.0, 3.0), n) for n in (0, 1, 10**9)] == [3.0] * 3


@pytest.mark.parametrize("schedule", [Schedule(10, 5, 1000), Schedule(5, 10, 900, 300), Schedule(2, 2, 0, 500)])
def test_schedules_are_continuous(schedule):
    values = [schedule_value(schedule, n) for n in range(1500)]
    assert max(abs(b - a) for a, b in pairwise(values)) < 0.04


def test_ema_halves_over_its_half_life():
    assert ema_decay(1000, 100) ** 10 == pytest.approx(0.5)
    assert ema_decay(0, 64) == 0

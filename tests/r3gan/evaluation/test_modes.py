import math

import numpy as np
import pytest
import torch

from r3gan.evaluation.modes import covered_modes, kl_floor, kl_to_uniform


def test_modes_and_divergence_equal_a_hand_count():
    counts = torch.tensor([2, 0, 1, 1])
    assert covered_modes(counts) == 3
    assert kl_to_uniform(counts) == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(1))
    assert kl_to_uniform(torch.tensor([5, 5])) == 0


@pytest.mark.parametrize(("samples", "expected"), [(10_000, 0.051), (26_000, 0.019), (50_000, 0.010)])
def test_floor_equals_the_known_values_and_a_simulation(samples, expected):
    floor = kl_floor(samples, 1000)
    assert floor == pytest.approx(expected, abs=0.0007)
    draws = np.random.default_rng(0).multinomial(samples, [1e-3] * 1000, size=50)
    simulated = np.mean([kl_to_uniform(torch.from_numpy(row)) for row in draws])
    assert floor == pytest.approx(simulated, rel=0.02)


def test_floor_of_two_samples_in_two_modes_is_exact():
    # Half of the time both fall together (log 2), else one each (0).
    assert kl_floor(2, 2) == pytest.approx(0.5 * math.log(2))

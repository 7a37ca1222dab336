import math

import numpy as np
import pytest
import scipy.linalg
import torch

from r3gan.metrics import covered_modes, frechet_distance, kl_floor, kl_to_uniform, mean_and_covariance


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


def test_frechet_distance_equals_scipys_matrix_root():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(60, 7)), rng.normal(size=(50, 7)) @ rng.normal(size=(7, 7)) + 0.3
    stats = [mean_and_covariance(torch.from_numpy(x)) for x in (a, b)]
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    root = scipy.linalg.sqrtm(cov_a @ cov_b).real
    expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(cov_a + cov_b - 2 * root)
    assert frechet_distance(*stats[0], *stats[1]) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(*stats[0], *stats[0]) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_of_singular_covariances_is_finite():
    zero = torch.zeros(3)
    rank_one = torch.outer(torch.ones(3), torch.ones(3))
    assert frechet_distance(zero, rank_one, zero + 1, rank_one) == pytest.approx(3, abs=1e-6)

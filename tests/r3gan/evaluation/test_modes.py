import math
from pathlib import Path

import numpy as np
import pytest
import torch

from r3gan.data.load import load_dataset
from r3gan.evaluation.classifier import classifier_file
from r3gan.evaluation.digit_features import StackedDigitsFeatures
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


@pytest.mark.parametrize("size", [16, 64])
def test_enlarged_digits_are_named_by_the_classifier_of_the_original_ones(digits, size):
    enlarged = load_dataset(f"stacked-digits-{size}", Path("nowhere"), torch.device("cpu"))
    assert enlarged.resolution == size
    assert enlarged.content_hash != digits.content_hash
    assert enlarged.original.content_hash == digits.content_hash
    assert classifier_file(enlarged) == classifier_file(digits)
    index = torch.tensor([[0, 1, 2], [5, 700, 1437]])
    (small, labels), (large, same) = digits.gather(index), enlarged.gather(index)
    assert torch.equal(labels, same)
    assert torch.equal(large[:, :, size // 8 * 3 + 1, size // 8 * 5], small[:, :, 3, 5])
    network = StackedDigitsFeatures(("features", "digits"), classifier_file(digits))
    for of_small, of_large in zip(network(small), network(large), strict=True):
        torch.testing.assert_close(of_large, of_small, rtol=1e-5, atol=1e-5)

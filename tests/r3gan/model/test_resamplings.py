"""What lies between two stages: sizes, widths, scale, and where it goes."""

import pytest
import torch
from torch.nn import functional as F

from r3gan.model.networks import Discriminator, Generator, initialise
from r3gan.model.resampling import smooth
from r3gan.tables.resamplings import CONVOLUTION, FILTER, RESAMPLINGS, SHUFFLE
from tests.r3gan.small import small_network

DOUBLE = torch.float64
directions = pytest.mark.parametrize(("direction", "size"), [("up", 16), ("down", 4)])


def layers_of(name, channels_in, channels_out, direction, normalisation="none"):
    row = RESAMPLINGS[name]
    made = torch.nn.Sequential(*row.layers(row.taps, channels_in, channels_out, direction, normalisation).values())
    for module in made.modules():
        if hasattr(module, "init_std"):
            torch.nn.init.normal_(module.weight, std=module.init_std)
    return made.double()


@pytest.mark.parametrize("name", RESAMPLINGS)
@pytest.mark.parametrize("width", [6, 10])
@directions
def test_resolution_and_width_change_as_asked(name, width, direction, size):
    x = torch.randn(2, 6, 8, 8, dtype=DOUBLE)
    assert layers_of(name, 6, width, direction)(x).shape == (2, width, size, size)


@pytest.mark.parametrize("name", [name for name, row in RESAMPLINGS.items() if row.layers in (SHUFFLE, CONVOLUTION)])
@pytest.mark.parametrize("normalisation", ["none", "magnitude-preserving"])
@directions
def test_learned_resampling_starts_with_the_variance_of_its_input(name, normalisation, direction, size):
    torch.manual_seed(0)
    x = torch.randn(8, 64, 8, 8, dtype=DOUBLE)
    y = layers_of(name, 64, 64, direction, normalisation)(x)[..., 1:-1, 1:-1]
    kept = 1.0 if not RESAMPLINGS[name].taps else (6 / 16) ** 2  # of white noise, by [1, 2, 1] in both directions
    assert y.var().item() == pytest.approx(kept, rel=0.2)


@pytest.mark.parametrize("name", RESAMPLINGS)
def test_the_weights_that_a_change_takes_are_those_of_the_table(name):
    count = {FILTER: 0, SHUFFLE: 4 * 8 * 8, CONVOLUTION: 16 * 8 * 8}[RESAMPLINGS[name].layers]
    for direction in ("up", "down"):
        assert sum(p.numel() for p in layers_of(name, 8, 8, direction).parameters()) == count


def test_unshuffling_is_a_convolution_of_stride_2_with_the_same_weights():
    down = layers_of("pixel-shuffle", 3, 5, "down")
    x = torch.randn(2, 3, 8, 8, dtype=DOUBLE)
    weight = down[1].weight.view(5, 3, 2, 2)
    assert torch.allclose(down(x), F.conv2d(x, weight, stride=2))


def test_the_low_pass_keeps_constants_removes_the_highest_frequency_and_is_its_own_transpose():
    taps = RESAMPLINGS["pixel-shuffle-low-pass"].taps
    x = torch.randn(1, 2, 5, 5, dtype=DOUBLE, requires_grad=True)
    ones = torch.ones(1, 2, 5, 5, dtype=DOUBLE)
    assert torch.allclose(smooth(ones, taps)[..., 1:-1, 1:-1], ones[..., 1:-1, 1:-1])
    stripes = ones * torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0], dtype=DOUBLE)
    assert smooth(stripes, taps)[..., 1:-1].abs().max() < 1e-12
    y = torch.randn_like(x)
    (gradient,) = torch.autograd.grad((smooth(x, taps) * y).sum(), x)
    assert torch.allclose(gradient, smooth(y, taps))
    assert torch.autograd.gradgradcheck(lambda v: smooth(v, taps), x)


def test_a_resampling_goes_only_where_it_is_asked_for():
    config = small_network(resampling="strided", resampling_networks=("generator",))
    for cls, has in ((Generator, True), (Discriminator, False)):
        network = cls(config)
        initialise(network, 0, "generator" if has else "discriminator")
        assert any("resample" in name for name, _ in network.named_parameters()) == has

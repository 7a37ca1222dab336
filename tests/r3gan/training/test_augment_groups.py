"""Groups of the augmentation switched off, and the released filter: each alone, and neither shifts what others draw."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from r3gan.config import AugmentationConfig, PenaltyConfig
from r3gan.config_checks import find_problems
from r3gan.identity import configuration_identity
from r3gan.tables.augmentation_filters import SYM6
from r3gan.training.augment import DRAWS, GROUPS, draw_transforms, inverse_warp, make_augmentation
from r3gan.training.warp import Warp
from tests.r3gan.small import constant, small_config, small_network
from tests.r3gan.training.test_augment import noise_for, random_images
from tests.r3gan.training.test_first_order import compare
from tests.r3gan.training.test_train import run_inside

RELEASED = AugmentationConfig(filter="sym6")
every_group = pytest.mark.parametrize("group", GROUPS)


def without(*groups, **more):
    return replace(AugmentationConfig(**more), **dict.fromkeys(groups, False))


def test_every_transform_belongs_to_one_group_and_every_group_has_its_switch():
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(DRAWS)
    assert {*GROUPS, "filter"} == {field.name for field in fields(AugmentationConfig)}


@every_group
def test_a_group_that_is_off_does_nothing_and_leaves_the_draws_of_the_others(group):
    noise = noise_for(200)
    every, some = draw_transforms(noise, 0.9, 32), draw_transforms(noise, 0.9, 32, without(group))
    nothing = draw_transforms(noise, 0.0, 32)
    for name in DRAWS:
        expected = nothing if name in GROUPS[group] else every
        assert torch.equal(getattr(some, name), getattr(expected, name)), name
        assert not torch.equal(getattr(every, name), getattr(nothing, name)), name


def test_colours_and_cutout_alone_never_resample():
    images, config = random_images(30, 9), without("flip", "turn", "shift", "geometry", "colour")
    result = make_augmentation(noise_for(30), 1.0, 9, config)(images)
    assert torch.equal(result, images * (result != 0))
    assert (result == 0).any()


def test_sym6_is_an_orthonormal_wavelet_with_six_vanishing_moments():
    taps = np.array(SYM6)
    correlations = np.correlate(taps, taps, "full")[len(taps) - 1 :: 2]
    np.testing.assert_allclose(correlations, [1, 0, 0, 0, 0, 0], atol=1e-10)
    assert taps.sum() == pytest.approx(2**0.5, abs=1e-10)
    wavelet = taps[::-1] * (-1.0) ** np.arange(len(taps))
    moments = [(wavelet * np.arange(len(taps), dtype=float) ** k).sum() for k in range(7)]
    np.testing.assert_allclose(moments[:6], 0, atol=1e-6)
    assert abs(moments[6]) > 1


def as_released(images, inverse):
    """The released sequence by the library's own functions: reflect, insert zeros, filter, sample, filter, halve."""
    count, channels, _, side = images.shape
    taps = torch.tensor(SYM6, dtype=images.dtype) / 2**0.5
    padded = side + 2 * (side - 1)
    spread = torch.zeros(count, channels, 2 * padded, 2 * padded, dtype=images.dtype)
    spread[..., ::2, ::2] = F.pad(images, [side - 1] * 4, mode="reflect")
    fine, kernel = F.pad(spread, [6, 5, 6, 5]).flatten(0, 1)[:, None], 2 * taps.flip(0)
    fine = F.conv2d(F.conv2d(fine, kernel[None, None, None]), kernel[None, None, :, None]).view_as(spread)
    samples = 2 * (side + 6)
    along = torch.arange(samples, dtype=images.dtype) + 1 - samples / 2
    rows, columns = torch.meshgrid(along / 2, along / 2, indexing="ij")
    points = torch.stack([columns, rows, torch.ones_like(rows)], dim=-1)
    grid = (2 * torch.einsum("nij,hwj->nhwi", inverse, points) - 0.5) / padded
    warped = F.grid_sample(fine, grid, align_corners=False)[..., 1:-1, 1:-1].flatten(0, 1)[:, None]
    back = F.conv2d(F.conv2d(warped, taps[None, None, None], stride=(1, 2)), taps[None, None, :, None], stride=(2, 1))
    return back.view_as(images)


@pytest.mark.parametrize("resolution", [8, 15, 32])
def test_the_released_filter_is_the_released_sequence_of_operations(resolution):
    images = random_images(12, resolution)
    inverse = inverse_warp(draw_transforms(noise_for(12, seed=2), 1.0, resolution), resolution)
    ours = Warp(inverse, resolution, "sym6").apply(images)
    torch.testing.assert_close(ours, as_released(images, inverse), rtol=0, atol=1e-12)


@pytest.mark.parametrize("resolution", [8, 9, 32])
def test_the_released_filter_keeps_images_and_whole_shifts(resolution):
    images, still = random_images(2, resolution), noise_for(2)
    result = make_augmentation(still, 0.0, resolution, RELEASED)(images)
    torch.testing.assert_close(result, images, rtol=0, atol=1e-9)
    shifted = replace(draw_transforms(still, 0.0, resolution), shift=torch.tensor([[2.0, -1.0]]).double().expand(2, 2))
    result = Warp(inverse_warp(shifted, resolution), resolution, "sym6").apply(images)
    expected = F.pad(images, [2, 0, 0, 1], mode="reflect")[:, :, 1:, :resolution]
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-9)


def test_gradients_with_the_released_filter_equal_finite_differences_and_its_transpose():
    augmentation = make_augmentation(noise_for(2, seed=3), 1.0, 8, RELEASED)
    assert torch.autograd.gradcheck(augmentation, (random_images(2, 8).requires_grad_(),))
    x, y = random_images(2, 8, 1).requires_grad_(), random_images(2, 8, 2)
    (transposed,) = torch.autograd.grad(augmentation.linear(x), x, y)
    torch.testing.assert_close((augmentation.linear(x) * y).sum(), (x * transposed).sum(), rtol=1e-10, atol=1e-10)


SOME = [RELEASED, without("geometry", "turn"), without("flip", "turn", "shift", "geometry")]


@pytest.mark.parametrize("config", SOME)
def test_the_first_order_form_stays_exact(config):
    augment = make_augmentation(noise_for(8), 0.7, 8, config)
    compare(small_network(), PenaltyConfig(), augment=augment)


def pink_images(count, side):
    """With the spectrum of photographs, amplitudes of 1 / frequency."""
    white = torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    pink = torch.fft.ifft2(torch.fft.fft2(white) / radius(side).clamp(min=1 / side)).real
    return (pink / pink.std() / 2).clamp(-1, 1)


def radius(side):
    """Cycles per pixel of each place in a spectrum."""
    frequencies = torch.fft.fftfreq(side, dtype=torch.float64)
    return torch.hypot(frequencies[:, None], frequencies)


def energy(images, low, high):
    """In a band of frequencies, away from the borders."""
    side = images.shape[-1]
    window = torch.hann_window(side, dtype=torch.float64)
    power = torch.fft.fft2(images * window * window[:, None]).abs().square()
    band = (radius(side) >= low) & (radius(side) < high)
    return power[..., band].mean()


def test_both_filters_give_the_same_moments_and_ours_a_little_less_of_the_high_frequencies():
    images, noise = pink_images(400, 32), noise_for(400)
    ours, theirs = (make_augmentation(noise, 0.5, 32, config)(images) for config in (AugmentationConfig(), RELEASED))
    for moment in (torch.abs, torch.square, lambda x: (x + 1).clamp(0)):
        torch.testing.assert_close(moment(ours).mean(), moment(theirs).mean(), rtol=0.02, atol=0)
    assert (ours.mean() - theirs.mean()).abs() < 0.02 * theirs.std()
    assert energy(ours, 0, 0.2) / energy(theirs, 0, 0.2) == pytest.approx(1, abs=0.01)
    assert 0.92 < energy(ours, 0.3, 0.5) / energy(theirs, 0.3, 0.5) < 0.98


def test_every_group_off_is_refused_where_images_are_augmented():
    config = small_config(augmentation=without(*GROUPS))
    assert find_problems(config) == []
    config = replace(config, schedules=replace(config.schedules, augment_p=constant(0.5)))
    assert [problem.path for problem in find_problems(config)] == [("augmentation",)]


def test_what_has_no_effect_makes_no_other_job():
    plain, augments = small_config(), small_config().schedules
    augments = replace(augments, augment_p=constant(0.5))
    identity = configuration_identity
    assert identity(replace(plain, augmentation=without("cutout"))) == identity(plain)
    still = replace(plain, schedules=augments, augmentation=without("flip", "turn", "shift", "geometry"))
    assert identity(replace(still, augmentation=replace(still.augmentation, filter="sym6"))) == identity(still)
    moving = replace(plain, schedules=augments)
    assert identity(replace(moving, augmentation=RELEASED)) != identity(moving)
    assert identity(replace(moving, augmentation=AugmentationConfig())) == identity(moving)


def test_a_training_with_it_ends_and_differs_from_one_without(tmp_path):
    short = small_config(total_kimg=0.032, evaluation=replace(small_config().evaluation, metrics=()))
    augments = replace(short.schedules, augment_p=constant(0.9))
    ends = []
    for name, config in (("ours", AugmentationConfig()), ("other", without("colour", filter="sym6"))):
        job, finished = run_inside(replace(short, schedules=augments, augmentation=config), tmp_path / name)
        assert finished
        ends.append([point.get("metrics", {}).get("loss_d") for point in job.points()])
    assert ends[0] != ends[1]

"""Every transform alone against a reference of its own; exactness on whole pixels; gradients; random numbers."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from scipy.spatial.transform import Rotation

from r3gan.config import AttentionConfig, PenaltyConfig
from r3gan.tables.augmentation_filters import ANALYSIS, SYNTHESIS
from r3gan.training.augment import (
    DRAWS,
    NOISE_SIZE,
    Augmentation,
    draw_noise,
    draw_transforms,
    make_augmentation,
)
from tests.r3gan.small import small_network
from tests.r3gan.training.test_first_order import compare

GREYS = np.ones(3) / 3**0.5
COLOURS = ("brightness", "contrast", "luma_flip", "hue", "saturation")
ROTATIONS = ("before", "after")


def noise_for(count, seed=0):
    return draw_noise(count, torch.Generator().manual_seed(seed)).double()


def random_images(count, resolution, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, resolution, resolution, generator=generator, dtype=torch.float64) * 2 - 1


def only(resolution=16, count=1, **transforms):
    """An augmentation with nothing but the given transforms, the same for each image."""
    nothing = draw_transforms(noise_for(count), 0.0, resolution)
    given = {
        name: torch.tensor(value, dtype=torch.float64).expand_as(getattr(nothing, name))
        for name, value in transforms.items()
    }
    return Augmentation(replace(nothing, **given), resolution)


def smooth_image(resolution):
    """A sum of a few waves, slow enough that interpolation is nearly exact."""
    y, x = np.mgrid[:resolution, :resolution] * np.pi / (resolution - 1)
    channels = [np.cos(x) + np.sin(y + 0.4), np.cos(2 * y + x), np.sin(x - 0.3) * np.cos(2 * y)]
    return torch.from_numpy(np.stack(channels)[None])


def test_the_filters_are_biorthogonal_and_keep_constants():
    synthesis, analysis = np.array(SYNTHESIS), np.array(ANALYSIS)
    product = np.convolve(synthesis, analysis)  # the middle is at 7
    np.testing.assert_allclose(product[1::2], [0, 0, 0, 1, 0, 0, 0], atol=1e-13)
    assert synthesis.sum() == pytest.approx(2, abs=1e-13)
    assert synthesis[1::2].sum() == pytest.approx(1, abs=1e-13)  # so that each of the two phases keeps constants
    assert analysis.sum() == pytest.approx(1, abs=1e-13)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize("resolution", [8, 9, 32, 64, 256])
def test_strength_zero_changes_nothing(resolution, dtype, tolerance):
    images = random_images(2, resolution).to(dtype)
    result = make_augmentation(noise_for(2).to(dtype), 0.0, resolution)(images)
    assert (result - images).norm() < tolerance * images.norm()


@pytest.mark.parametrize("resolution", [8, 15, 32])
@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("flip", [0.0, 1.0])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (3.0, -2.0)])
def test_flips_quarter_turns_and_whole_shifts_are_exact_and_in_this_order(resolution, flip, turn, shift):
    images = random_images(2, resolution)
    expected = images.flip(3) if flip else images
    expected = np.rot90(expected.numpy(), turn, (2, 3))
    right, down = (int(s) for s in shift)
    padded = np.pad(expected, [(0, 0), (0, 0), (4, 4), (4, 4)], mode="reflect")
    expected = padded[:, :, 4 - down :, 4 - right :][:, :, :resolution, :resolution]
    result = only(resolution, 2, flip=flip, turn=float(turn), shift=shift)(images)
    np.testing.assert_allclose(result.numpy(), expected, atol=1e-12)


def forward_matrix(name, value, resolution):
    """What a transform does to a point (x, y, 1) counted from the centre, y down."""
    if name in ROTATIONS:
        cos, sin = np.cos(value), np.sin(value)
        return np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])  # anticlockwise for the eye
    if name in ("shift", "drift"):
        x, y = np.array(value) * (resolution if name == "drift" else 1)
        return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])
    return np.diag([2**value, 2**value if name == "scale" else 2**-value, 1])


GEOMETRY = [
    {"scale": 0.3},
    {"scale": -0.5},
    {"before": 0.4},
    {"after": -1.9},
    {"stretch": 0.35},
    {"drift": (0.13, -0.21)},
    {"before": 0.4, "stretch": 0.3, "after": -0.9},
    {"shift": (2.0, -1.0), "scale": 0.2, "before": 2.5, "stretch": -0.3, "after": 0.7, "drift": (-0.1, 0.05)},
]


@pytest.mark.parametrize("transforms", GEOMETRY, ids=lambda transforms: "-".join(transforms))
def test_warps_equal_spline_interpolation_of_a_smooth_image(transforms):
    resolution = 32
    image = smooth_image(resolution)
    whole = np.eye(3)
    for name, value in transforms.items():  # in the order of the paper
        whole = forward_matrix(name, value, resolution) @ whole
    back = np.linalg.inv(whole)[[1, 0, 2]][:, [1, 0, 2]]  # rows before columns
    centre = np.full(2, (resolution - 1) / 2)
    offset = centre + back[:2, 2] - back[:2, :2] @ centre
    expected = [ndimage.affine_transform(c, back[:2, :2], offset, order=5, mode="mirror") for c in image[0].numpy()]
    result = only(resolution, **transforms)(image)[0].numpy()
    np.testing.assert_allclose(result, expected, atol=0.03)  # most where reflection folds the image
    assert np.abs(result - np.array(expected)).mean() < 0.003


def test_shrinking_removes_what_the_result_cannot_show():
    """Half the size: stripes of one pixel turn grey, where taking every second pixel would see one colour."""
    images = torch.ones(1, 3, 32, 32, dtype=torch.float64)
    images[..., 1::2] = -1
    onto_pixels = 0.25 / 32, 0.25 / 32
    assert only(32, scale=-1.0, drift=onto_pixels)(images).abs().max() < 0.1


def test_constant_images_stay_constant():
    transforms = draw_transforms(noise_for(64), 1.0, 16)
    colourless = {name: torch.zeros_like(transforms.hue) for name in COLOURS}
    augmentation = Augmentation(replace(transforms, **colourless, cutout=transforms.cutout - 2), 16)
    ones = torch.ones(64, 3, 16, 16, dtype=torch.float64)
    torch.testing.assert_close(augmentation(ones), ones, rtol=0, atol=1e-12)


def recolour(name, value, rgb):
    """One transform of one pixel, by hand."""
    grey = np.full(3, rgb.mean())
    if name == "brightness":
        return rgb + value
    if name == "contrast":
        return rgb * 2**value
    if name == "luma_flip":
        return rgb - 2 * grey if value else rgb
    if name == "hue":
        return Rotation.from_rotvec(value * GREYS).apply(rgb)
    return grey + (rgb - grey) * 2**value


COLOUR_VALUES = {"brightness": 0.3, "contrast": -0.7, "luma_flip": 1.0, "hue": 0.8, "saturation": 1.3}


@pytest.mark.parametrize("names", [*((name,) for name in COLOURS), COLOURS], ids="-".join)
def test_colours_alone_and_in_the_order_of_the_paper(names):
    images = random_images(1, 8)
    result = only(8, **{name: COLOUR_VALUES[name] for name in names})(images)
    for row, column in [(0, 0), (3, 5), (7, 2)]:
        expected = images[0, :, row, column].numpy()
        for name in names:
            expected = recolour(name, COLOUR_VALUES[name], expected)
        np.testing.assert_allclose(result[0, :, row, column].numpy(), expected, atol=1e-12)


def test_colours_at_their_landmarks():
    images = random_images(1, 8)
    mean = images.mean(dim=1, keepdim=True)
    third = only(8, hue=2 * np.pi / 3)(images)
    torch.testing.assert_close(third, images.roll(1, dims=1), atol=1e-12, rtol=0)  # red to green to blue
    grey = only(8, saturation=-np.inf)(images)
    torch.testing.assert_close(grey, mean.expand_as(images), atol=1e-12, rtol=0)
    flipped = only(8, luma_flip=1.0)(images)
    torch.testing.assert_close(flipped.mean(dim=1, keepdim=True), -mean, atol=1e-12, rtol=0)
    torch.testing.assert_close(flipped + mean, images - mean, atol=1e-12, rtol=0)


def test_cutout_erases_a_square_of_half_the_side_and_nothing_else():
    images = random_images(1, 64) + 3
    result = only(64, cutout=(0.5, 0.25), brightness=0.5)(images)  # centre: the middle column, a quarter down
    erased = torch.zeros(64, 64, dtype=torch.bool)
    erased[:32, 16:48] = True
    assert (result[0][:, erased] == 0).all()
    torch.testing.assert_close(result[0][:, ~erased], images[0][:, ~erased] + 0.5)


SIDE = 64
CONTINUOUS = {
    "scale": stats.norm(0, 0.2),
    "stretch": stats.norm(0, 0.2),
    "drift": stats.norm(0, 0.125),
    "brightness": stats.norm(0, 0.2),
    "contrast": stats.norm(0, 0.5),
    "saturation": stats.norm(0, 1),
    "before": stats.uniform(-np.pi, 2 * np.pi),
    "after": stats.uniform(-np.pi, 2 * np.pi),
    "hue": stats.uniform(-np.pi, 2 * np.pi),
    "cutout": stats.uniform(0, 1),
}
DISCRETE = {"flip": range(2), "turn": range(4), "luma_flip": range(2)}


def chance(name, p):
    """How often a transform's gate opens."""
    if name in ROTATIONS:
        return 1 - (1 - p) ** 0.5
    return p / 2 if name in COLOURS else p


def columns_of(transforms, name):
    values = getattr(transforms, name).numpy()
    return values.reshape(len(values), -1)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_drawn_values_follow_their_distribution(name):
    transforms = draw_transforms(noise_for(100_000), 1.0, SIDE)
    for values in columns_of(transforms, name).T:
        values = values[values != 0]
        assert len(values) == pytest.approx(100_000 * chance(name, 1.0), rel=0.02)
        assert stats.kstest(values, CONTINUOUS[name].cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", DISCRETE)
def test_drawn_choices_are_equally_frequent(name):
    values = columns_of(draw_transforms(noise_for(20_000), 1.0, SIDE), name)[:, 0]
    counts = np.array([(values == choice).sum() for choice in DISCRETE[name]]) / 20_000
    opened = chance(name, 1.0)
    expected = np.full(len(counts), opened / len(counts)) + np.eye(len(counts))[0] * (1 - opened)
    np.testing.assert_allclose(counts, expected, atol=0.015)


@pytest.mark.parametrize(("resolution", "largest"), [(8, 1), (32, 4), (64, 8)])
def test_whole_shifts_reach_an_eighth_of_the_side(resolution, largest):
    values = columns_of(draw_transforms(noise_for(20_000), 1.0, resolution), "shift")
    assert (values == values.round()).all()
    assert (values.max(axis=0) == largest).all()
    assert (values.min(axis=0) == -largest).all()
    inner = [(values == shift).mean() for shift in range(1 - largest, largest)]
    np.testing.assert_allclose(inner, 1 / (2 * largest), atol=0.01)


@pytest.mark.parametrize("p", [0.3, 0.8])
def test_gates_open_as_often_as_they_should_and_independently(p):
    transforms = draw_transforms(noise_for(40_000, seed=1), p, SIDE)
    idle = {"cutout": -1}
    happened = {name: (columns_of(transforms, name) != idle.get(name, 0)).any(axis=1) for name in DRAWS}
    # The choice "none" counts as nothing: one in two, one in four, and both shifts in (2 * 8)^2.
    seen = {"flip": 1 / 2, "turn": 3 / 4, "luma_flip": 1 / 2, "shift": 1 - 1 / 16**2}
    for name, values in happened.items():
        assert values.mean() == pytest.approx(chance(name, p) * seen.get(name, 1), abs=0.01), name
    assert (happened["before"] | happened["after"]).mean() == pytest.approx(p, abs=0.01)
    correlations = np.corrcoef(np.array(list(happened.values()))) - np.eye(len(happened))
    assert np.abs(correlations).max() < 0.02


def test_draws_of_one_image_are_independent_of_each_other():
    correlations = np.corrcoef(noise_for(40_000).numpy().T) - np.eye(NOISE_SIZE)
    assert np.abs(correlations).max() < 0.025


def test_a_larger_strength_keeps_what_happened_at_a_smaller():
    weak, strong = (draw_transforms(noise_for(500), p, SIDE) for p in (0.3, 0.6))
    for field in fields(weak):
        before, after = getattr(weak, field.name), getattr(strong, field.name)
        happened = before != (-1 if field.name == "cutout" else 0)
        assert torch.equal(before[happened], after[happened])
        assert (before != after).any()


def test_noise_comes_from_its_generator_alone_and_never_reaches_zero_or_one():
    state = torch.get_rng_state()
    noise = noise_for(50_000, seed=5).float()
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(noise, noise_for(50_000, seed=5).float())
    assert noise.min() > 0
    assert noise.max() < 1
    zeros = torch.Generator()  # the smallest number it gives is made to be zero
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "rand", lambda *size, **options: torch.zeros(*size))
        assert (draw_noise(3, zeros) > 0).all()


def test_an_image_does_not_depend_on_the_others():
    images, noise = random_images(6, 16), noise_for(6)
    whole = make_augmentation(noise, 0.8, 16)(images)
    for rows in (slice(0, 1), slice(2, 5)):
        part = make_augmentation(noise[rows], 0.8, 16)(images[rows])
        torch.testing.assert_close(part, whole[rows], rtol=0, atol=1e-13)


def test_gradients_of_first_and_second_order_equal_finite_differences():
    augmentation = make_augmentation(noise_for(2, seed=3), 1.0, 8)
    images = random_images(2, 8).requires_grad_()
    assert torch.autograd.gradcheck(augmentation, (images,))
    assert torch.autograd.gradgradcheck(lambda x: augmentation(x).pow(3), (images,))


def test_linear_is_the_whole_without_its_offset():
    augmentation, images = make_augmentation(noise_for(32), 0.9, 16), random_images(32, 16)
    offset = augmentation(torch.zeros_like(images))
    assert offset.abs().max() > 0.1
    torch.testing.assert_close(augmentation.linear(images), augmentation(images) - offset, rtol=0, atol=1e-12)


@pytest.mark.parametrize("resolution", [8, 33])
def test_the_gradient_is_the_transpose(resolution):
    augmentation = make_augmentation(noise_for(16), 1.0, resolution)
    x, y = (random_images(16, resolution, seed) for seed in (1, 2))
    x.requires_grad_()
    ax = augmentation.linear(x)
    (aty,) = torch.autograd.grad(ax, x, y)
    torch.testing.assert_close((ax * y).sum((1, 2, 3)), (x * aty).sum((1, 2, 3)), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("attention", [(), (8,)])
@pytest.mark.parametrize("penalties", [PenaltyConfig(), PenaltyConfig(r2=False)])
def test_penalties_through_it_are_those_of_double_backward(penalties, attention):
    network = small_network(conditional=True, attention=AttentionConfig(resolutions=attention))
    compare(network, penalties, augment=make_augmentation(noise_for(8), 0.7, 8))


def test_memory_formats_are_kept_and_do_not_matter():
    augmentation, images = make_augmentation(noise_for(4), 0.9, 16), random_images(4, 16)
    results = []
    for memory_format in (torch.contiguous_format, torch.channels_last):
        given = images.contiguous(memory_format=memory_format).requires_grad_()
        result = augmentation(given)
        (gradient,) = torch.autograd.grad(result, given, images.contiguous(memory_format=memory_format))
        assert result.is_contiguous(memory_format=memory_format)
        assert gradient.is_contiguous(memory_format=memory_format)
        results.append((result, gradient))
    torch.testing.assert_close(*results)


def test_it_runs_without_data_on_the_meta_device():
    with torch.device("meta"):
        images = torch.empty(4, 3, 32, 32, requires_grad=True)
        result = make_augmentation(torch.empty(4, NOISE_SIZE), 0.5, 32)(images)
        (gradient,) = torch.autograd.grad(result.sum(), images)
    assert result.shape == gradient.shape == (4, 3, 32, 32)
    assert result.is_meta


def test_what_does_not_fit_is_refused():
    augmentation = make_augmentation(noise_for(4), 0.5, 16)
    with pytest.raises(ValueError, match=r"\[3, 3, 16, 16\].*\[4, 3, 16, 16\]"):
        augmentation(random_images(3, 16))
    with pytest.raises(ValueError, match=r"float32.*float64"):
        augmentation(random_images(4, 16).float())
    with pytest.raises(ValueError, match=r"p = 1\.2"):
        make_augmentation(noise_for(4), 1.2, 16)
    with pytest.raises(ValueError, match=rf"\[4, 5\].*{NOISE_SIZE}"):
        make_augmentation(noise_for(4)[:, :5], 0.5, 16)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_what_the_cpu_gives():
    images, noise = random_images(8, 32), noise_for(8)
    on_cpu = make_augmentation(noise, 0.8, 32)(images)
    on_gpu = make_augmentation(noise.cuda(), 0.8, 32)(images.cuda())
    torch.testing.assert_close(on_gpu.cpu(), on_cpu, rtol=0, atol=1e-10)

"""Adaptive augmentation: each image is turned, moved, recoloured and partly erased, each with a chance set by p.

Source: Karras et al. 2020, "Training generative adversarial networks with limited data", arXiv 2006.06676, appendix B,
with the transforms, the strengths and the order that R3GAN uses (arXiv 2501.05441).

Once drawn, the augmentation is affine in each image, apart from all others:  x -> mask (M (W x) + b),  with W the warp,
M a 3x3 matrix of colours, b a brightness and mask the cutout: an `AffineMap` (r3gan/training/first_order.py).

The warp samples the image at twice its resolution, between the two halves of a biorthogonal filter pair. A warp that
maps pixels onto pixels (none, a flip, a quarter turn, a whole shift) is thereby exact to rounding. Beyond its border
the image goes on by reflection, which the symmetric filters keep. Each filter with its reflection is a small matrix.

The transpose of the warp adds in no fixed order on a GPU: there two runs differ by rounding.

Shapes: N images of side R, F = 2R - 1 samples at twice the resolution, S = 2R + 7 that the filter back to R needs.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

SHIFT = 0.125  # largest whole shift, in sides
SCALE = STRETCH = 0.2  # standard deviations of log2
DRIFT = 0.125  # standard deviation of the fractional shift, in sides
BRIGHTNESS = 0.2  # standard deviation; images are in -1..1
CONTRAST, SATURATION = 0.5, 1.0  # standard deviations of log2
CUTOUT = 0.5  # side of the erased square, in sides

# CDF 9/7 (Cohen, Daubechies, Feauveau 1992), the middle and one side; values: ITU-T T.800 (JPEG 2000), Annex F. The sum
# of the synthesis filter is 2, of the analysis filter 1; sum_k analysis[k] synthesis[k - 2n] is 1 for n = 0, else 0.
SYNTHESIS = (1.115087052456994, 0.5912717631142470, -0.05754352622849957, -0.09127176311424948)
ANALYSIS = (0.6029490182363579, 0.2668641184428723, -0.07822326652898785, -0.01686411844287495, 0.02674875741080976)

# How many numbers a transform draws, beside the one that decides whether it happens; the order of the columns of noise.
DRAWS = {"flip": 1, "turn": 1, "shift": 2, "scale": 1, "before": 1, "stretch": 1, "after": 1, "drift": 2}
DRAWS |= {"brightness": 1, "contrast": 1, "luma_flip": 1, "hue": 1, "saturation": 1, "cutout": 2}
NOISE_SIZE = sum(1 + count for count in DRAWS.values())


def draw_noise(count: int, generator: torch.Generator) -> Tensor:
    """Uniform numbers in (0, 1) for `count` images, [count, NOISE_SIZE], from a generator on the CPU.

    A row is all that is random about one image: rows may be sliced, and every part sees the numbers of the whole.
    """
    noise = torch.rand(count, NOISE_SIZE, generator=generator, dtype=torch.float32, device="cpu")
    return noise.clamp_(min=2**-25)  # half a step of the generator: 0 has no normal quantile


@dataclass(frozen=True, kw_only=True)
class Transforms:
    """What happens to each image, in this order; zero means nothing. Floating point, [N] unless said."""

    flip: Tensor  # 1 for left-right
    turn: Tensor  # quarter turns, anticlockwise, 0..3
    shift: Tensor  # [N, 2]: whole pixels to the right and down
    scale: Tensor  # log2
    before: Tensor  # radians, anticlockwise, before the stretch
    stretch: Tensor  # log2: wider by as much as lower
    after: Tensor  # radians, anticlockwise, after the stretch
    drift: Tensor  # [N, 2]: sides to the right and down
    brightness: Tensor  # added to every channel
    contrast: Tensor  # log2 of the factor of every channel
    luma_flip: Tensor  # 1: the mean of the channels changes its sign, the differences stay
    hue: Tensor  # radians around the axis of greys, red to green to blue
    saturation: Tensor  # log2 of the factor of what is not grey
    cutout: Tensor  # [N, 2]: centre, in sides from the left and the top; -1 for none


def draw_transforms(noise: Tensor, p: float, resolution: int) -> Transforms:
    """The transforms of N images from their rows [N, NOISE_SIZE]; a larger p adds to those of a smaller one.

    Raises ValueError if noise has another width, or p is not in 0..1.
    """
    if noise.ndim != 2 or noise.shape[1] != NOISE_SIZE:
        raise ValueError(f"noise of shape {list(noise.shape)}: [N, {NOISE_SIZE}] was expected, as draw_noise gives it")
    if not 0 <= p <= 1:
        raise ValueError(f"augmentation strength p = {p:g}: a number in 0..1 was expected")
    columns = dict(zip(DRAWS, noise.split([1 + count for count in DRAWS.values()], dim=1), strict=True))

    def draw(name: str, chance: float, quantile: Callable[[Tensor], Tensor], otherwise: float = 0.0) -> Tensor:
        gate, u = columns[name][:, :1], columns[name][:, 1:]
        return torch.where(gate < chance, quantile(u), otherwise).squeeze(1)

    def normal(deviation: float) -> Callable[[Tensor], Tensor]:
        return lambda u: deviation * torch.special.ndtri(u)

    rotated = 1 - math.sqrt(1 - p)  # for each of the two, so that either happens with p
    half = p / 2  # R3GAN: colours at half strength
    return Transforms(
        flip=draw("flip", p, lambda u: (2 * u).floor()),
        turn=draw("turn", p, lambda u: (4 * u).floor()),
        shift=draw("shift", p, lambda u: ((2 * u - 1) * SHIFT * resolution).round()),
        scale=draw("scale", p, normal(SCALE)),
        before=draw("before", rotated, full_circle),
        stretch=draw("stretch", p, normal(STRETCH)),
        after=draw("after", rotated, full_circle),
        drift=draw("drift", p, normal(DRIFT)),
        brightness=draw("brightness", half, normal(BRIGHTNESS)),
        contrast=draw("contrast", half, normal(CONTRAST)),
        luma_flip=draw("luma_flip", half, lambda u: (2 * u).floor()),
        hue=draw("hue", half, full_circle),
        saturation=draw("saturation", half, normal(SATURATION)),
        cutout=draw("cutout", p, lambda u: u, otherwise=-1.0),
    )


def full_circle(u: Tensor) -> Tensor:
    """Angles from -pi to pi."""
    return (2 * u - 1) * math.pi


def make_augmentation(noise: Tensor, p: float, resolution: int) -> "Augmentation":
    """The augmentation with strength p of N images of side `resolution`, on the device and in the dtype of `noise`.

    Raises as `draw_transforms` does.
    """
    return Augmentation(draw_transforms(noise, p, resolution), resolution)


class Augmentation:
    """An `AffineMap` of N images [N, 3, R, R] in -1..1, differentiable any number of times.

    The result has the memory format of the images. Raises ValueError if they do not fit the drawn transforms.
    """

    def __init__(self, transforms: Transforms, resolution: int):
        self.grid = sampling_grid(inverse_warp(transforms, resolution), resolution)
        self.up, self.down = filter_matrices(resolution, self.grid.dtype, self.grid.device)
        self.mask = cutout_mask(transforms, resolution)
        self.colour, brightness = colour_change(transforms)
        self.offset = self.mask * brightness[:, None, None, None]
        self.shape = (len(self.grid), 3, resolution, resolution)

    def __call__(self, images: Tensor) -> Tensor:
        """A x + b."""
        return self.linear(images) + self.offset

    def linear(self, directions: Tensor) -> Tensor:
        """A v, without the offset."""
        if directions.shape != self.shape or directions.dtype != self.grid.dtype:
            found, expected = f"{directions.dtype} {list(directions.shape)}", f"{self.grid.dtype} {list(self.shape)}"
            raise ValueError(f"images of {found}: this augmentation was drawn for {expected}")
        return _Linear.apply(directions, self._apply, self._transpose)

    def _apply(self, x: Tensor) -> Tensor:
        fine = self.up @ x @ self.up.t()  # [N, 3, F, F]
        warped = self.down @ sample(fine, self.grid) @ self.down.t()
        return in_format_of(x, mix(self.colour, warped).mul_(self.mask))

    def _transpose(self, dy: Tensor) -> Tensor:
        warped = mix(self.colour.mT, dy * self.mask)
        fine = sample_transposed(self.down.t() @ warped @ self.down, self.grid, len(self.up))
        return in_format_of(dy, self.up.t() @ fine @ self.up)


class _Linear(torch.autograd.Function):
    """A linear map, given with its transpose. The gradient of each is the other, so nothing needs to be kept."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, apply: Callable[[Tensor], Tensor], transpose: Callable[[Tensor], Tensor]
    ) -> Tensor:
        ctx.maps = transpose, apply
        return apply(x)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None, None]:
        return _Linear.apply(dy, *ctx.maps), None, None


def inverse_warp(transforms: Transforms, resolution: int) -> Tensor:
    """From a point (x, y, 1) of the result, in pixels from the centre, back to the image: [N, 2, 3]."""
    t = transforms
    mirror = torch.stack([1 - 2 * t.flip, torch.ones_like(t.flip)], dim=1)
    factors = torch.exp2(torch.stack([-t.scale - t.stretch, -t.scale + t.stretch], dim=1))
    onto_pixels = mirror[:, :, None] * rotation(math.pi / 2 * t.turn).round()
    # The last transform is undone first.
    matrix = onto_pixels @ rotation(t.before) @ (factors[:, :, None] * rotation(t.after))
    origin = -(matrix @ (resolution * t.drift)[:, :, None] + onto_pixels @ t.shift[:, :, None])
    return torch.cat([matrix, origin], dim=2)


def sampling_grid(inverse: Tensor, resolution: int) -> Tensor:
    """Where each sample of the warped image comes from: [N, S, S, (x, y)], -1 and 1 being the outermost pixels."""
    of_x, of_y, origin = inverse.unbind(2)  # [N, 2] each
    samples = torch.arange(2 * resolution + 7, dtype=inverse.dtype, device=inverse.device)
    points = (samples[:, None] - (resolution + 3)) / (resolution - 1)  # [S, 1], in half sides from the centre
    rows = points * of_y[:, None] + 2 / (resolution - 1) * origin[:, None]
    return rows[:, :, None] + (points * of_x[:, None])[:, None]


def rotation(angle: Tensor) -> Tensor:
    """Clockwise by angles [N] where x points right and y down: [N, 2, 2]."""
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([cos, -sin, sin, cos], dim=1).unflatten(1, (2, 2))


def sample(fine: Tensor, grid: Tensor) -> Tensor:
    """Bilinear samples of [N, 3, F, F], reflected beyond the border, at grid [N, S, S, 2]: [N, 3, S, S]."""
    return torch.ops.aten.grid_sampler_2d(fine, grid, *BILINEAR_REFLECTED)


def sample_transposed(dy: Tensor, grid: Tensor, size: int) -> Tensor:
    """The transpose of `sample` in its image: [N, 3, S, S] -> [N, 3, F, F] with F = size."""
    like = dy.new_empty(()).expand(*dy.shape[:2], size, size)  # only its shape is used
    return torch.ops.aten.grid_sampler_2d_backward(dy, like, grid, *BILINEAR_REFLECTED, [True, False])[0]


BILINEAR_REFLECTED = (0, 2, True)  # mode, border, and -1 and 1 are the centres of the outermost samples


@cache
def filter_matrices(resolution: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """The filter to twice the resolution, [F, R], and back, [R, S], which takes four samples beyond each border."""
    last = 2 * resolution - 2
    up = torch.zeros(last + 1, resolution, dtype=torch.float64, device="cpu")
    for tap, weight in enumerate(both_sides(SYNTHESIS), start=-3):
        for position in range(last + 1):
            source = last - abs(last - abs(position + tap))  # reflected
            if source % 2 == 0:
                up[position, source // 2] += weight
    down = torch.zeros(resolution, last + 9, dtype=torch.float64, device="cpu")
    for pixel in range(resolution):
        down[pixel, 2 * pixel : 2 * pixel + 9] = torch.tensor(both_sides(ANALYSIS), dtype=torch.float64, device="cpu")
    return up.to(device, dtype), down.to(device, dtype)


def both_sides(half: tuple[float, ...]) -> tuple[float, ...]:
    """The whole of a symmetric filter."""
    return half[:0:-1] + half


def colour_change(transforms: Transforms) -> tuple[Tensor, Tensor]:
    """The matrix M [N, 3, 3] of all colour transforms and what they add to every channel [N].

    With G the projection on the axis of greys and X the cross product with it, a rotation of the hue is
    G + cos (1 - G) + sin X; luma flip changes G alone, saturation the rest; brightness comes before contrast.
    """
    t = transforms
    options: dict[str, Any] = {"dtype": t.hue.dtype, "device": t.hue.device}
    grey = torch.full((3, 3), 1 / 3, **options)
    rest = torch.eye(3, **options) - grey
    cross = (rest.roll(1, 0) - rest.roll(1, 1)) / math.sqrt(3)  # [[0, -1, 1], [1, 0, -1], [-1, 1, 0]] / sqrt(3)
    of_grey = t.contrast.exp2() * (1 - 2 * t.luma_flip)
    of_rest = (t.contrast + t.saturation).exp2()
    factors = torch.stack([of_grey, of_rest * t.hue.cos(), of_rest * t.hue.sin()], dim=1)
    matrix = (factors @ torch.stack([grey, rest, cross]).flatten(1)).unflatten(1, (3, 3))
    return matrix, of_grey * t.brightness


def mix(matrix: Tensor, images: Tensor) -> Tensor:
    """Every pixel's channels times its image's matrix [N, 3, 3]."""
    return (matrix @ images.flatten(2)).view_as(images)


def cutout_mask(transforms: Transforms, resolution: int) -> Tensor:
    """0 inside the erased square, 1 elsewhere: [N, 1, R, R]."""
    centres = transforms.cutout
    pixels = (torch.arange(resolution, dtype=centres.dtype, device=centres.device) + 0.5) / resolution
    x, y = ((pixels - centre[:, None]).abs() >= CUTOUT / 2 for centre in centres.unbind(1))  # [N, R] each
    return (x[:, None, None, :] | y[:, None, :, None]).to(centres.dtype)


def in_format_of(like: Tensor, x: Tensor) -> Tensor:
    """x in the memory format of `like`: D loses time if channels_last is lost."""
    channels_last = like.is_contiguous(memory_format=torch.channels_last)
    return x.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)

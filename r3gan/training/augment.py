"""Adaptive augmentation: each image is turned, moved, recoloured and partly erased, each with a chance set by p.

Source: Karras et al. 2020, "Training generative adversarial networks with limited data", arXiv 2006.06676, appendix B,
with the transforms, the strengths and the order that R3GAN uses (arXiv 2501.05441).

Once drawn, the augmentation is affine in each image, apart from all others:  x -> mask (M (W x) + b),  with W the warp,
M a 3x3 matrix of colours, b a brightness and mask the cutout: an `AffineMap` (r3gan/training/first_order.py).

The warp samples the image at twice its resolution, between two filters (r3gan/training/warp.py). With those of
`cdf-9-7`, a warp that maps pixels onto pixels (none, a flip, a quarter turn, a whole shift) is exact to rounding.

Groups of transforms can be off. All else is then drawn and done as if they were on.

Shapes: N images of side R.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from r3gan.config import AugmentationConfig
from r3gan.training.warp import Warp

ALL = AugmentationConfig()
SHIFT = 0.125  # largest whole shift, in sides
SCALE = STRETCH = 0.2  # standard deviations of log2
DRIFT = 0.125  # standard deviation of the fractional shift, in sides
BRIGHTNESS = 0.2  # standard deviation; images are in -1..1
CONTRAST, SATURATION = 0.5, 1.0  # standard deviations of log2
CUTOUT = 0.5  # side of the erased square, in sides

# How many numbers a transform draws, beside the one that decides whether it happens; the order of the columns of noise.
DRAWS = {"flip": 1, "turn": 1, "shift": 2, "scale": 1, "before": 1, "stretch": 1, "after": 1, "drift": 2}
DRAWS |= {"brightness": 1, "contrast": 1, "luma_flip": 1, "hue": 1, "saturation": 1, "cutout": 2}
GROUPS: dict[str, tuple[str, ...]] = {
    "flip": ("flip",),
    "turn": ("turn",),
    "shift": ("shift",),
    "geometry": ("scale", "before", "stretch", "after", "drift"),
    "colour": ("brightness", "contrast", "luma_flip", "hue", "saturation"),
    "cutout": ("cutout",),
}  # switch of AugmentationConfig -> its transforms
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


def draw_transforms(noise: Tensor, p: float, resolution: int, config: AugmentationConfig = ALL) -> Transforms:
    """The transforms of N images from their rows [N, NOISE_SIZE]; a larger p adds to those of a smaller one.

    A group that is off takes none of the others' numbers, and gives none to them.

    Raises ValueError if noise has another width, or p is not in 0..1.
    """
    if noise.ndim != 2 or noise.shape[1] != NOISE_SIZE:
        raise ValueError(f"noise of shape {list(noise.shape)}: [N, {NOISE_SIZE}] was expected, as draw_noise gives it")
    if not 0 <= p <= 1:
        raise ValueError(f"augmentation strength p = {p:g}: a number in 0..1 was expected")
    on = {name for group, names in GROUPS.items() if getattr(config, group) for name in names}
    columns = dict(zip(DRAWS, noise.split([1 + count for count in DRAWS.values()], dim=1), strict=True))

    def draw(name: str, chance: float, quantile: Callable[[Tensor], Tensor], otherwise: float = 0.0) -> Tensor:
        gate, u = columns[name][:, :1], columns[name][:, 1:]
        return torch.where(gate < (chance if name in on else 0), quantile(u), otherwise).squeeze(1)

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


def make_augmentation(noise: Tensor, p: float, resolution: int, config: AugmentationConfig = ALL) -> "Augmentation":
    """The augmentation with strength p of N images of side `resolution`, on the device and in the dtype of `noise`.

    Raises as `draw_transforms` does.
    """
    return Augmentation(draw_transforms(noise, p, resolution, config), resolution, config)


class Augmentation:
    """An `AffineMap` of N images [N, 3, R, R] in -1..1, differentiable any number of times.

    The result has the memory format of the images. Raises ValueError if they do not fit the drawn transforms.
    """

    def __init__(self, transforms: Transforms, resolution: int, config: AugmentationConfig = ALL):
        inverse = inverse_warp(transforms, resolution) if config.moves else None
        self.warp = None if inverse is None else Warp(inverse, resolution, config.filter)
        self.mask = cutout_mask(transforms, resolution)
        self.colour, brightness = colour_change(transforms)
        self.offset = self.mask * brightness[:, None, None, None]
        self.shape = (len(self.mask), 3, resolution, resolution)

    def __call__(self, images: Tensor) -> Tensor:
        """A x + b."""
        return self.linear(images) + self.offset

    def linear(self, directions: Tensor) -> Tensor:
        """A v, without the offset."""
        if directions.shape != self.shape or directions.dtype != self.mask.dtype:
            found, expected = f"{directions.dtype} {list(directions.shape)}", f"{self.mask.dtype} {list(self.shape)}"
            raise ValueError(f"images of {found}: this augmentation was drawn for {expected}")
        return _Linear.apply(directions, self._apply, self._transpose)

    def _apply(self, x: Tensor) -> Tensor:
        warped = x if self.warp is None else self.warp.apply(x)
        return in_format_of(x, mix(self.colour, warped).mul_(self.mask))

    def _transpose(self, dy: Tensor) -> Tensor:
        warped = mix(self.colour.mT, dy * self.mask)
        return in_format_of(dy, warped if self.warp is None else self.warp.transpose(warped))


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


def rotation(angle: Tensor) -> Tensor:
    """Clockwise by angles [N] where x points right and y down: [N, 2, 2]."""
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([cos, -sin, sin, cos], dim=1).unflatten(1, (2, 2))


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

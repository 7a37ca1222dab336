"""Shapes in the plane that toy datasets are drawn from: a line, a circle, and a grid of 25 Gaussians.

Each shape has 25 modes: the Gaussians themselves, or equal parts of the line and of the circle. A point is near a mode
if it lies within NEAR_STD standard deviations of its centre, or of the line: near another mode it cannot be, and many
points are near none. So VEEGAN (arXiv 1705.07761) counts the modes of a grid of Gaussians.

Shapes: N points, their coordinates (x, y).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

MODES = 25
SIDE = 5  # Gaussians along a side of the grid
STD = 0.04  # of a Gaussian; of the distance to the line or circle
NEAR_STD = 3.0  # standard deviations within which a point is near
NONE = -1  # the mode of a point that is near none
GAP = 0.4  # between neighbouring centres of the grid
RADIUS = 0.8
END = torch.tensor([0.7, 0.7], dtype=torch.float64)  # of the line; it begins at the negative of this


class Shape(NamedTuple):
    """One shape, in float64.

    place: modes int64 [N] in 0..24, uniform numbers [N] in 0..1 and normal ones [N, 2] to points [N, 2].
    nearest: points [N, 2] to the nearest mode of each, int64 [N], and the distance to it, [N].
    near_share: how many of the shape's own points are near their mode, 0..1.
    """

    place: Callable[[Tensor, Tensor, Tensor], Tensor]
    nearest: Callable[[Tensor], tuple[Tensor, Tensor]]
    near_share: float


def mode_of(shape: Shape, points: Tensor) -> Tensor:
    """The mode that each of the points [N, 2] is near, int64 [N]: 0..24, or NONE, also of what is not finite."""
    mode, distance = shape.nearest(points.double())
    return torch.where(distance <= NEAR_STD * STD, mode, NONE)


def shares(shape: Shape) -> Tensor:
    """The probability of each mode and, last, of being near none, for points of the shape itself: float64 [26]."""
    near = torch.full((MODES,), shape.near_share / MODES, dtype=torch.float64)
    return torch.cat([near, torch.tensor([1 - shape.near_share], dtype=torch.float64)])


def centres() -> Tensor:
    """Of the 25 Gaussians: float64 [25, 2], row by row from the lower left."""
    ticks = GAP * (torch.arange(SIDE, dtype=torch.float64) - SIDE // 2)
    return torch.cartesian_prod(ticks, ticks).flip(1)


def place_in_grid(mode: Tensor, uniform: Tensor, normal: Tensor) -> Tensor:
    """Normal around the mode's centre, alike in both directions."""
    return centres()[mode] + STD * normal


def nearest_in_grid(points: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest centre."""
    distance, mode = torch.cdist(points, centres().to(points), compute_mode="donot_use_mm_for_euclid_dist").min(1)
    return mode, distance


def place_on_line(mode: Tensor, uniform: Tensor, normal: Tensor) -> Tensor:
    """Uniform along the mode's part of the line, normal across it."""
    along, across = END, torch.stack([-END[1], END[0]]) / END.norm()
    place = 2 * (mode + uniform) / MODES - 1
    return place[:, None] * along + STD * normal[:, :1] * across


def nearest_on_line(points: Tensor) -> tuple[Tensor, Tensor]:
    """The part with the nearest point of the line. Beyond an end that is the end itself."""
    end = END.to(points)
    place = (points @ end / end.square().sum()).clamp(-1, 1)
    return part_of((place + 1) / 2), (points - place[:, None] * end).norm(dim=1)


def place_on_circle(mode: Tensor, uniform: Tensor, normal: Tensor) -> Tensor:
    """Uniform along the mode's arc, normal across it."""
    angle = 2 * math.pi * (mode + uniform) / MODES
    return (RADIUS + STD * normal[:, :1]) * torch.stack([angle.cos(), angle.sin()], dim=1)


def nearest_on_circle(points: Tensor) -> tuple[Tensor, Tensor]:
    """The arc in the point's direction from the centre."""
    turn = torch.atan2(points[:, 1], points[:, 0]) / (2 * math.pi)
    return part_of(turn % 1), (points.norm(dim=1) - RADIUS).abs()


def part_of(place: Tensor) -> Tensor:
    """Which of 25 equal parts of 0..1 a place [N] is in: int64 [N]; the end of the last one belongs to it."""
    return (MODES * place.nan_to_num(0.0)).long().clamp(0, MODES - 1)


WITHIN_ONE = math.erf(NEAR_STD / math.sqrt(2))  # of a normal number
WITHIN_TWO = 1 - math.exp(-(NEAR_STD**2) / 2)  # of a pair of them, by their length
SHAPES = {
    "line": Shape(place_on_line, nearest_on_line, WITHIN_ONE),
    "circle": Shape(place_on_circle, nearest_on_circle, WITHIN_ONE),
    "25-gaussians": Shape(place_in_grid, nearest_in_grid, WITHIN_TWO),
}

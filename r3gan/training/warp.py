"""Images moved between the pixels: filtered to twice the resolution, sampled, and filtered back.

The pair of filters is a row of r3gan/tables/augmentation_filters.py. Each filter, with how the image goes on beyond its
border, is a small matrix. The transpose adds in no fixed order on a GPU: there two runs differ by rounding.

Shapes: N images of side R; F samples at twice the resolution, S that the filter of A taps back to R needs, 2R - 2 + A.
With symmetric filters F = 2R - 1, and the sampler reflects. With others the image is reflected once, by a side less a
pixel, F = 2 (3R - 2), and beyond that is black, as in the released code, which reflects by less where no image of the
batch needs it.
"""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from r3gan.tables.augmentation_filters import AUGMENTATION_FILTERS, FilterRow
from r3gan.tables.lookup import row_of

BLACK, REFLECTED = 0, 2  # beyond the border, as the library numbers it
BILINEAR = 0


class Warp:
    """N images along the maps `inverse` [N, 2, 3], from points (x, y, 1) of the result, in pixels from the centre."""

    def __init__(self, inverse: Tensor, resolution: int, filter_name: str):
        row = row_of(AUGMENTATION_FILTERS, "filter", filter_name)
        self.grid = sampling_grid(inverse, resolution, row)
        self.up, self.down = filter_matrices(resolution, filter_name, self.grid.dtype, self.grid.device)
        self.options = BILINEAR, REFLECTED if row.symmetric else BLACK, True  # -1 and 1: the outermost samples' centres

    def apply(self, x: Tensor) -> Tensor:
        """[N, 3, R, R]."""
        fine = self.up @ x @ self.up.t()  # [N, 3, F, F]
        samples = torch.ops.aten.grid_sampler_2d(fine, self.grid, *self.options)  # [N, 3, S, S]
        return self.down @ samples @ self.down.t()

    def transpose(self, dy: Tensor) -> Tensor:
        """The transpose of `apply`: [N, 3, R, R]."""
        samples = self.down.t() @ dy @ self.down
        like = dy.new_empty(()).expand(*dy.shape[:2], len(self.up), len(self.up))  # only its shape is used
        fine = torch.ops.aten.grid_sampler_2d_backward(samples, like, self.grid, *self.options, [True, False])[0]
        return self.up.t() @ fine @ self.up


class Sizes(NamedTuple):
    """Of a warp, in pixels or in samples, of which two are a pixel."""

    padding: int  # pixels on each side that are reflected before the filter
    fine: int  # F
    samples: int  # S
    before: int  # samples before that of the first pixel


def sizes_of(resolution: int, row: FilterRow) -> Sizes:
    """For images of side R."""
    padding = 0 if row.symmetric else resolution - 1
    fine = 2 * (resolution + 2 * padding) - row.symmetric
    return Sizes(padding, fine, 2 * resolution - 2 + len(row.analysis), middle(row.analysis))


def middle(taps: tuple[float, ...]) -> int:
    """The tap that lies on the pixel."""
    return (len(taps) - 1) // 2


def sampling_grid(inverse: Tensor, resolution: int, row: FilterRow) -> Tensor:
    """Where each sample of the warped image comes from: [N, S, S, (x, y)], -1 and 1 being the outermost samples."""
    sizes = sizes_of(resolution, row)
    half = (sizes.fine - 1) / 2
    of_x, of_y, origin = inverse.unbind(2)  # [N, 2] each
    samples = torch.arange(sizes.samples, dtype=inverse.dtype, device=inverse.device)
    points = (samples[:, None] - (resolution - 1 + sizes.before)) / half  # [S, 1], in half sides from the centre
    rows = points * of_y[:, None] + 2 / half * origin[:, None]
    off_centre = (2 * sizes.padding + resolution - 1) - half  # of the image among its samples
    if off_centre:
        rows = rows + off_centre / half
    return rows[:, :, None] + (points * of_x[:, None])[:, None]


@cache
def filter_matrices(
    resolution: int, filter_name: str, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """The filter to twice the resolution, [F, R], and back, [R, S]."""
    row = row_of(AUGMENTATION_FILTERS, "filter", filter_name)
    sizes = sizes_of(resolution, row)
    last = resolution - 1
    up = torch.zeros(sizes.fine, resolution, dtype=torch.float64, device="cpu")
    for tap, weight in enumerate(row.synthesis):
        for position in range(sizes.fine):
            pixel, between = divmod(position + middle(row.synthesis) - tap, 2)
            pixel -= sizes.padding
            is_there = row.symmetric or -sizes.padding <= pixel <= last + sizes.padding
            if not between and is_there:
                up[position, last - abs(last - abs(pixel))] += weight  # reflected
    down = torch.zeros(resolution, sizes.samples, dtype=torch.float64, device="cpu")
    taps = torch.tensor(row.analysis, dtype=torch.float64, device="cpu")
    for pixel in range(resolution):
        down[pixel, 2 * pixel : 2 * pixel + len(taps)] = taps
    return up.to(device, dtype), down.to(device, dtype)

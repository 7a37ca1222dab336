"""Images side by side as PNG bytes.

Shapes: rows of T images [T, 3, R, R], about -1..1.
"""

import io
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from r3gan.exploration.parts import Picture
from r3gan.generation.images import tiled, to_pixels

SHOWN = 64  # pixels of the page that an image takes at least
TILE = 32  # the same of a small map


def grid(rows: Sequence[Tensor], caption: str) -> Picture:
    """Rows of equally many images."""
    return pixel_grid(to_pixels(torch.cat(list(rows))), len(rows[0]), caption)


def pixel_grid(pixels: np.ndarray, columns: int, caption: str, shown: int = SHOWN) -> Picture:
    """Images uint8 [N, R, R, 3] row by row."""
    return Picture(as_png(tiled(pixels, columns)), caption, max(1, shown // pixels.shape[1]))


def signed_maps(maps: Tensor, columns: int, caption: str) -> Picture:
    """Maps [N, S, S], each scaled by its own largest value: blue below zero, white, red above."""
    scaled = (maps / maps.abs().amax(dim=(1, 2), keepdim=True).clamp(min=torch.finfo(maps.dtype).tiny)).numpy()
    up, down = np.clip(scaled, 0, 1), np.clip(-scaled, 0, 1)
    colours = np.stack([1 - down, 1 - up - down, 1 - up], axis=-1)
    framed = np.pad(colours, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=0.5)
    return pixel_grid(np.round(framed * 255).astype(np.uint8), columns, caption, TILE)


def as_png(pixels: np.ndarray) -> bytes:
    """Pixels uint8 [H, W, 3] as a file's content."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png", optimize=True)
    return buffer.getvalue()

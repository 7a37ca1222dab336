"""A scatter plot of points of the plane as pixels, real ones in grey below generated ones in colour.

Shapes: N generated points, M real ones.
"""

import numpy as np
import torch
from torch import Tensor

SIDE = 160  # pixels along the plot
REACH = 1.15  # coordinates go from -REACH to REACH; what lies beyond is drawn on the border
BACKGROUND, REAL, GENERATED = (247, 247, 247), (165, 165, 165), (200, 20, 40)
DENSE = 0.75  # how much of its colour a pixel takes from the first point on it; more points, more of it


def scatter(points: Tensor, real: Tensor | None = None) -> np.ndarray:
    """Points [N, 2], and real ones [M, 2] if there are some, as an image uint8 [SIDE, SIDE, 3]; y points up.

    What is not finite is not drawn.
    """
    image = np.full((SIDE, SIDE, 3), BACKGROUND, np.float64)
    for shown, colour in ((real, REAL), (points, GENERATED)):
        if shown is not None:
            opacity = 1 - (1 - DENSE) ** counts(shown)[..., None]
            image += opacity * (np.array(colour) - image)
    return np.rint(image).astype(np.uint8)


def counts(points: Tensor) -> np.ndarray:
    """How many of the points [N, 2] are on each pixel: [SIDE, SIDE], the first row on top."""
    found = points[points.isfinite().all(1)].double().cpu()
    places = ((found / REACH + 1) / 2 * SIDE).floor().clamp(0, SIDE - 1).long()
    flat = torch.bincount((SIDE - 1 - places[:, 1]) * SIDE + places[:, 0], minlength=SIDE**2)
    return flat.view(SIDE, SIDE).numpy()

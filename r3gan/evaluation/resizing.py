"""From images of any size to squares; r3gan/tables/resizes.py has the rows."""

import numpy as np
from PIL import Image
from torchvision.transforms.functional import InterpolationMode, center_crop, resize

from r3gan.data.errors import BadData


def as_is(name: str, image: np.ndarray, size: None) -> np.ndarray:
    """The image, which must be a square. Raises BadData, naming it."""
    height, width = image.shape[:2]
    if height != width:
        raise BadData(f"{name} is {width}x{height}, not square: --resize RULE:SIZE makes squares of one size")
    return image


def bilinear_crop(name: str, image: np.ndarray, size: int) -> np.ndarray:
    """An image [H, W, 3] as [size, size, 3], by the calls of torch-fidelity's `samples_resize_and_crop`."""
    scaled = resize(Image.fromarray(image), size, InterpolationMode.BILINEAR)
    return np.array(center_crop(scaled, [size, size]))

"""From an image as it is found to uint8 [R, R, 3], or one clear error."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from r3gan.data.colours import as_rgba_or_rgb, has_rule, on_background, unlike_rgb
from r3gan.data.conversion import AS_STORED, Conversion
from r3gan.data.decoding import decode, has_further_pictures
from r3gan.data.errors import BadData
from r3gan.data.remarks import NONE, Remarks
from r3gan.data.rotation import turn_of
from r3gan.data.sources import Item


class Picture(NamedTuple):
    """One image, taken from its file."""

    pixels: np.ndarray  # uint8 [R, R, 3], or [H, W, 3] of a whole image
    remarks: Remarks


def take(item: Item, resolution: int | None, conversion: Conversion = AS_STORED) -> Picture:
    """The item's image. Raises BadData, naming the item.

    resolution: a larger image is cropped to its central square and reduced by Pillow's LANCZOS; None takes squares as
    they are.
    """
    whole = take_whole(item, conversion)
    return Picture(square(item.name, whole.pixels, resolution), whole.remarks)


def take_whole(item: Item, conversion: Conversion = AS_STORED) -> Picture:
    """The item's image in its own size and shape, [H, W, 3]. Raises BadData, naming the item."""
    if isinstance(item.data, np.ndarray):
        return Picture(item.data, NONE)
    stored = decode(item.name, item.data)
    turn = turn_of(stored)
    image, transparent = convert(item.name, stored, item.data, conversion)
    follow = turn is not None and conversion.apply_rotation
    remarks = Remarks(
        unturned=turn is not None and not follow,
        converted=image is not stored,
        firsts=has_further_pictures(stored),
        transparent=transparent,
    )
    if turn is not None and follow:
        image = image.transpose(turn)
    return Picture(np.asarray(image), remarks)


def convert(name: str, image: Image.Image, data: bytes, conversion: Conversion) -> tuple[Image.Image, bool]:
    """The image, decoded from `data`, as RGB of 8 bits, and whether it shows the background in any part.

    Raises BadData, naming it, if it may or can not be one.
    """
    kind = unlike_rgb(image, data)
    if kind is None:
        return image, False
    if not has_rule(image):
        raise BadData(f"{name} is {kind}, which has no rule to become RGB of 8 bits: convert it to PNG")
    if not conversion.to_rgb:
        raise BadData(f"{name} is {kind}, not RGB of 8 bits: `data prepare --to-rgb` converts such images")
    image = as_rgba_or_rgb(image)
    if image.mode == "RGB":
        return image, False
    if conversion.background is None:
        raise BadData(f"{name} has transparent parts: `data prepare --background COLOUR` says what they show")
    return on_background(image, conversion.background), True


def square(name: str, image: np.ndarray, resolution: int | None) -> np.ndarray:
    """An image [H, W, 3] as [R, R, 3], see `take`. Raises BadData, naming it."""
    height, width = image.shape[:2]
    if resolution is None or height == width == resolution:
        if width != height:
            raise BadData(f"{name} is {width}x{height}, not square: `data prepare --resolution R` crops and reduces it")
        return image
    side = min(width, height)
    if side < resolution:
        raise BadData(f"{name} is {width}x{height}, smaller than the resolution {resolution}")
    left, top = (width - side) // 2, (height - side) // 2
    square = Image.fromarray(image[top : top + side, left : left + side])
    return np.asarray(square.resize((resolution, resolution), Image.Resampling.LANCZOS))

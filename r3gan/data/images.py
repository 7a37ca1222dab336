"""From an image as it is found to uint8 [R, R, 3], or one clear error."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, UnidentifiedImageError

from r3gan.data.errors import BadData
from r3gan.data.sources import Item

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
BIT_DEPTH = 24  # of the byte in a PNG that says how many bits a channel has
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error, MemoryError)


def pixels(item: Item, resolution: int | None, to_rgb: bool) -> np.ndarray:
    """The item's image as uint8 [R, R, 3].

    resolution: a larger image is cropped to its central square and reduced by Pillow's LANCZOS; None takes squares as
    they are. to_rgb: convert grey, palette, CMYK, 16-bit and transparent images (on black) instead of refusing them.
    Raises BadData, naming the item.
    """
    if isinstance(item.data, np.ndarray) and item.data.shape[:2] == (resolution, resolution):
        return item.data
    image = Image.fromarray(item.data) if isinstance(item.data, np.ndarray) else decode(item.name, item.data, to_rgb)
    width, height = image.size
    if resolution is None or image.size == (resolution, resolution):
        if width != height:
            raise BadData(f"{item.name} is {width}x{height}, not square: name a --resolution to crop and reduce to")
        return np.asarray(image)
    side = min(width, height)
    if side < resolution:
        raise BadData(f"{item.name} is {width}x{height}, smaller than the resolution {resolution}")
    left, top = (width - side) // 2, (height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((resolution, resolution), Image.Resampling.LANCZOS))


def decode(name: str, data: bytes, to_rgb: bool) -> Image.Image:
    """An encoded image as an RGB one of 8 bits. Raises BadData, naming it."""
    try:
        if data.startswith(PNG_SIGNATURE):
            Image.open(io.BytesIO(data), formats=("PNG",)).verify()  # checksums, which decoding passes over
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        image.load()
    except Image.DecompressionBombError as error:
        raise BadData(f"{name} has too many pixels: {error}") from error
    except DAMAGE as error:
        reason = "no PNG, JPEG, WebP or BMP image" if isinstance(error, UnidentifiedImageError) else error
        raise BadData(f"{name} cannot be decoded: {reason}") from error
    if getattr(image, "n_frames", 1) != 1:
        raise BadData(f"{name} holds {getattr(image, 'n_frames', 1)} frames: one image was expected")
    kind = unlike_rgb(image, data)
    if kind is None:
        return image
    if not to_rgb:
        raise BadData(f"{name} is {kind}, not RGB of 8 bits: --to-rgb converts such images")
    return as_rgb(image)


def unlike_rgb(image: Image.Image, data: bytes) -> str | None:
    """How the image differs from RGB of 8 bits, in words; None if it does not."""
    if data.startswith(PNG_SIGNATURE) and data[BIT_DEPTH] == 16:
        return "16-bit"
    names = {"1": "black and white", "L": "grey", "LA": "grey with transparency", "P": "a palette image"}
    if image.mode == "RGB":
        return "RGB with a transparent colour" if "transparency" in image.info else None
    return names.get(image.mode, image.mode)


def as_rgb(image: Image.Image) -> Image.Image:
    """Grey is repeated, 16 bits lose the lower 8, transparent parts show a black ground, CMYK goes by Pillow's rule."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        ground = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")

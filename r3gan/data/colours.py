"""Images of other colours than RGB of 8 bits: named, and converted."""

import numpy as np
from PIL import Image

from r3gan.data.conversion import Colour

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
BIT_DEPTH = 24  # of the byte in a PNG that says how many bits a channel has
NAMES = {
    "1": "black and white",
    "L": "grey",
    "LA": "grey with transparency",
    "P": "a palette image",
    "PA": "a palette image with transparency",
}
TRANSPARENT = ("LA", "PA", "RGBA", "La", "RGBa")
GREY_16 = "I;16"  # begins the names of its modes
CONVERTED = ("1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV", *TRANSPARENT)


def unlike_rgb(image: Image.Image, data: bytes) -> str | None:
    """How the image differs from RGB of 8 bits, in words; None if it does not. data: what it was decoded from."""
    if data.startswith(PNG_SIGNATURE) and data[BIT_DEPTH] == 16:
        return "16-bit"
    if image.mode == "RGB":
        return "RGB with a transparent colour" if "transparency" in image.info else None
    return NAMES.get(image.mode, image.mode)


def has_rule(image: Image.Image) -> bool:
    """Whether `as_rgba_or_rgb` knows how to convert it."""
    return image.mode.startswith(GREY_16) or image.mode in CONVERTED


def as_rgba_or_rgb(image: Image.Image) -> Image.Image:
    """RGBA if any part is transparent, else RGB.

    Grey is repeated, 16 bits lose the lower 8, CMYK goes by Pillow's rule. The image must be of a mode that has a rule.
    """
    if image.mode.startswith(GREY_16):
        image = _high_bytes(image)
    if image.mode in TRANSPARENT or "transparency" in image.info:
        image = image.convert("RGBA")
        if np.asarray(image)[..., 3].min() < 255:
            return image
    return image.convert("RGB")


def on_background(image: Image.Image, background: Colour) -> Image.Image:
    """An RGBA image as RGB, its transparent parts showing the background."""
    return Image.alpha_composite(Image.new("RGBA", image.size, (*background, 255)), image).convert("RGB")


def _high_bytes(image: Image.Image) -> Image.Image:
    """Grey of 16 bits as grey of 8, with transparency where the image has its transparent value."""
    values = np.asarray(image)
    grey = Image.fromarray((values >> 8).astype(np.uint8))
    if "transparency" in image.info:
        grey.putalpha(Image.fromarray(np.where(values == image.info["transparency"], 0, 255).astype(np.uint8)))
    return grey

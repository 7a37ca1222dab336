"""What may be done to images that are not upright RGB of 8 bits."""

from dataclasses import dataclass

Colour = tuple[int, int, int]  # red, green, blue: 0 to 255


@dataclass(frozen=True)
class Conversion:
    """What is done to an image beside cropping and reducing."""

    to_rgb: bool = False  # grey, palette, CMYK, 16-bit and transparent images are converted; else they are refused
    background: Colour | None = None  # what transparent parts show; without one, images that have some are refused
    apply_rotation: bool = False  # images with a rotation mark are turned upright; else they lie as they are stored


AS_STORED = Conversion()


def colour_text(colour: Colour) -> str:
    """#rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*colour)

"""Rotation marks: what EXIF or XMP data say of how an image is to be held."""

import struct

from PIL import ExifTags, Image

UPRIGHT = 1
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # orientation -> what makes the image upright
UNREADABLE = (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, struct.error, OverflowError)


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """What the image's mark asks for; None if it is upright. EXIF data that nobody can read mark nothing.

    A TIFF is always None here: Pillow turns it when it is loaded.
    """
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation, UPRIGHT))
    except UNREADABLE:
        return None


def unturned_message(count: int, total: int) -> str:
    """What is said of images whose marks were not followed."""
    return (
        f"{count} of {total} images have a rotation mark (EXIF) and were taken as they are stored, not upright: "
        "`data prepare --apply-rotation` turns them"
    )

"""From the bytes of an image file to its picture, or the true reason why there is none."""

import io
import struct
import warnings
import zlib

from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import BITSPERSAMPLE, TiffImageFile

from r3gan.data.colours import PNG_SIGNATURE
from r3gan.data.errors import BadData
from r3gan.data.image_formats import READ, READ_TEXT, begins_as
from r3gan.data.signatures import kind_of

PILLOW_FORMATS = tuple(name.upper() for name in READ)
NUMBER_OF_PICTURES = 0xB001  # in the list of a camera's JPEG
JPEG_SIGNATURE = b"\xff\xd8\xff"
DAMAGE = (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, struct.error, zlib.error, MemoryError)

warnings.filterwarnings("ignore", module=r"PIL\.")  # on large images and odd metadata: what is wrong is an error here


def decode(name: str, data: bytes) -> Image.Image:
    """The picture in an image file, in the colours that it has. Raises BadData, naming the file.

    Of the pictures in a camera's JPEG (MPO) this is the first, the photograph; the others are views and depths of it.
    """
    try:
        image = _open(data)
        frames = getattr(image, "n_frames", 1)
        if frames == 1:
            image.load()
    except Image.DecompressionBombError as error:
        raise BadData(f"{name} has too many pixels: {error}") from error
    except DAMAGE as error:
        raise BadData(f"{name} cannot be decoded: {_reason(data, error)}") from error
    if frames != 1:
        raise BadData(f"{name} holds {frames} frames or pages: one image was expected")
    bits = max(image.tag_v2.get(BITSPERSAMPLE, (1,))) if isinstance(image, TiffImageFile) else 8
    if bits > 8:
        raise BadData(f"{name} is a TIFF of {bits} bits a channel, and only those of 8 are read: convert it to PNG")
    return image


def has_further_pictures(image: Image.Image) -> bool:
    """Whether a camera's JPEG has a list of several pictures (MPO). One that nobody can read is taken for such."""
    if not isinstance(image, JpegImageFile) or "mp" not in image.info:
        return False
    try:
        return (image._getmp() or {}).get(NUMBER_OF_PICTURES, 1) > 1
    except DAMAGE:
        return True


def _open(data: bytes) -> Image.Image:
    if data.startswith(JPEG_SIGNATURE):
        image = JpegImageFile(io.BytesIO(data))  # unlike Image.open, which also reads the index of further pictures
        if Image.MAX_IMAGE_PIXELS and image.width * image.height > 2 * Image.MAX_IMAGE_PIXELS:  # as Image.open does
            raise Image.DecompressionBombError(f"{image.width}x{image.height}, at most {2 * Image.MAX_IMAGE_PIXELS}")
        return image
    if data.startswith(PNG_SIGNATURE):
        Image.open(io.BytesIO(data), formats=("PNG",)).verify()  # checksums, which decoding passes over
    return Image.open(io.BytesIO(data), formats=PILLOW_FORMATS)


def _reason(data: bytes, error: Exception) -> str:
    """What is wrong with a file that cannot be decoded: it is damaged, or no image of a format that is read."""
    begun = begins_as(data)
    if begun is not None:
        detail = "" if isinstance(error, UnidentifiedImageError) else f" ({error})"
        return f"it begins as {begun}, but is cut off or damaged{detail}"
    kind = kind_of(data)
    return f"it is {kind}" if kind else f"it is no {READ_TEXT} image"

"""Why a file cannot be taken is said truly; images that are only unusual are taken, from any source."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from r3gan.data.conversion import Conversion
from r3gan.data.errors import BadData
from r3gan.data.image_formats import READ, SUFFIXES, UNREAD_SUFFIXES
from r3gan.data.images import take
from r3gan.data.prepare import Options, write_prepared
from r3gan.data.recognise import open_source
from r3gan.data.sources import Item
from r3gan.data.store import open_prepared
from tests.r3gan.conftest import as_folder, as_zip, encode, flat_files, prepared_error

TO_RGB = Conversion(to_rgb=True)
MANY = 60_000  # pixels each way: more than Pillow decodes


def reason(data, conversion=TO_RGB):
    with pytest.raises(BadData) as caught:
        take(Item("a", data), None, conversion)
    return str(caught.value)


def brand(name):
    return b"\0\0\0\x1cftyp" + name + bytes(40)


STRANGERS = {
    "HEIC": (brand(b"heic"), "it is HEIC, whatever its name, which is not read: convert it to PNG or JPEG"),
    "HEIC of bursts": (brand(b"hevx"), "it is HEIC, "),
    "HEIF": (brand(b"msf1"), "it is HEIF, whatever its name"),
    "AVIF": (brand(b"avif"), "it is AVIF, whatever its name, which is not read: convert it to PNG, as `avifdec"),
    "film": (brand(b"isom"), "it is a film"),
    "JPEG XL": (b"\xff\x0a" + b"x" * 20, "it is a JPEG XL image, which is not read"),
    "JPEG XL in a box": (b"\0\0\0\x0cJXL \r\n\x87\n" + b"x" * 20, "it is a JPEG XL image, which is not read"),
    "PPM": (b"P6\n1 1\n255\n\xff\xff\xff", "it is a PPM image, which is not read"),
    "LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "it is a pointer of Git LFS"),
    "zeros": (bytes(500), "it is 500 zero bytes: was a download or a copy interrupted?"),
    "nothing": (b"", "it is empty"),
    "web page": (b"\n<!DOCTYPE HTML><title>403", "it is a web page, no image"),
    "web page of old": ("\ufeff<html>".encode() + "Größe".encode("latin-1"), "it is a web page, no image"),
    "text": (b"404: Not Found", "it is text, no image"),
    "text cut within a letter": (b"x" * 255 + "ü".encode(), "it is text, no image"),
    "noise": (bytes(range(256)), "it is no PNG, JPEG, WebP, BMP, GIF or TIFF image"),
}


@pytest.mark.parametrize("kind", STRANGERS)
def test_what_is_no_image_that_is_read_is_named(kind):
    data, words = STRANGERS[kind]
    assert f"a cannot be decoded: {words}" in reason(data)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("kind", READ)
@pytest.mark.parametrize("keep", [0.5, 20])
def test_what_is_cut_off_is_named_by_its_beginning(kind, keep, crops):
    data = encode(crops.images[0], kind)
    cut = data[: int(len(data) * keep) if keep < 1 else keep]
    found = reason(cut)
    assert f"a cannot be decoded: it begins as {kind}, but is cut off or damaged" in found
    assert "BytesIO" not in found


@pytest.mark.parametrize(("mode", "bits"), [("I;16", 16), ("I", 32), ("F", 32)])
def test_a_tiff_of_more_bits_than_8_is_refused_by_their_number(mode, bits):
    data = encode(Image.new(mode, (8, 8)), "TIFF")
    for conversion in (TO_RGB, Conversion()):
        assert f"a is a TIFF of {bits} bits a channel" in reason(data, conversion)


def test_colours_without_a_rule_are_not_said_to_be_convertible():
    for conversion in (TO_RGB, Conversion()):
        found = reason(encode(Image.new("LAB", (8, 8)), "TIFF"), conversion)
        assert "a is LAB, which has no rule to become RGB of 8 bits: convert it to PNG" in found
        assert "--to-rgb" not in found


def test_all_usual_endings_of_formats_that_are_read_are_taken():
    read = {name.upper() for name in READ}
    usual = {suffix for suffix, name in Image.registered_extensions().items() if name in read}
    assert {".jfif", ".jpe", ".gif", ".tif", ".tiff", ".webp"} <= usual
    assert usual <= set(SUFFIXES)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_ending_that_is_taken_can_be_read(suffix, crops, tmp_path):
    kind = next(kind for kind, suffixes in READ.items() if suffix in suffixes)
    folder = as_folder(tmp_path / "raw", {f"a{suffix}": encode(crops.images[0], kind)})
    (folder / "b.JPG").write_bytes(encode(crops.images[1], "JPEG"))
    options = Options(conversion=TO_RGB)
    assert write_prepared(open_source([folder]), tmp_path / "set", options).manifest.count == 2
    stored = open_prepared(tmp_path / "set").images[0].numpy().astype(int)
    assert np.abs(stored - crops.images[0]).mean() < (20 if kind in ("GIF", "JPEG", "WebP") else 1)


@pytest.mark.parametrize("suffix", UNREAD_SUFFIXES)
def test_images_of_other_endings_are_never_left_out_in_silence(suffix, crops, tmp_path):
    folder = as_folder(tmp_path / "raw", flat_files(crops) | {f"x{suffix}": encode(crops.images[0])})
    assert f"x{suffix} is named like images that are not read" in prepared_error(folder, tmp_path / "set")


def interlaced(image):
    """uint8 [H, W, 3] as a PNG of Adam7's seven passes."""
    height, width = image.shape[:2]
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    rows = (image[y, x::dx].tobytes() for x, top, dx, dy in passes for y in range(top, height, dy))
    return png(width, height, b"".join(b"\0" + row for row in rows), interlace=1)


def png(width, height, rows, interlace=0):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, interlace)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    )


def as_parquet(path, files):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"image": [{"bytes": data, "path": name} for name, data in files.items()]}), path)
    return path


PLACES = {
    "folder": lambda at, files: as_folder(at / "raw", files),
    "zip": lambda at, files: as_zip(at / "raw.zip", files),
    "parquet": lambda at, files: as_parquet(at / "raw.parquet", files),
}


@pytest.fixture(params=PLACES)
def place(request, tmp_path):
    return lambda files: PLACES[request.param](tmp_path, files)


def test_sound_images_of_unusual_making_are_taken(place, crops, tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    files = {"0.png": interlaced(crops.images[0]), "1.png": encode(crops.images[1], icc_profile=profile)}
    written = write_prepared(open_source([place(files)]), tmp_path / "set", Options())
    assert np.array_equal(open_prepared(tmp_path / "set").images.numpy(), crops.images[:2])
    assert written.notes == ()


def test_palettes_and_cmyk_are_refused_by_name_and_converted_on_demand_with_a_word(place, crops, tmp_path):
    first, second = (Image.fromarray(image) for image in crops.images[:2])
    palette, cmyk = first.quantize(64), encode(second.convert("CMYK"), "JPEG", quality=95)
    path = place({"0.png": encode(palette), "1.jpg": cmyk})
    assert "is a palette image, not RGB of 8 bits: `data prepare --to-rgb`" in prepared_error(path, tmp_path / "set")
    written = write_prepared(open_source([path]), tmp_path / "set", Options(conversion=TO_RGB))
    assert "2 of 2 images were converted to RGB of 8 bits" in written.notes
    stored = open_prepared(tmp_path / "set").images.numpy()
    assert np.array_equal(stored[0], np.asarray(palette.convert("RGB")))
    assert np.array_equal(stored[1], np.asarray(Image.open(io.BytesIO(cmyk)).convert("RGB")))


@pytest.mark.parametrize(("options", "words"), [(Options(), "not square"), (Options(4), "smaller than the resolution")])
def test_an_image_that_is_one_pixel_high_is_named_with_its_size(place, options, words, crops, tmp_path):
    path = place({"0.png": encode(crops.images[0]), "1.png": encode(crops.images[1][:1])})
    assert f"is 32x1, {words}" in prepared_error(path, tmp_path / "set", options)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_image_of_too_many_pixels_is_named_before_it_is_decoded(place, kind, crops, tmp_path):
    small = encode(Image.new("RGB", (16, 16)), "JPEG")
    bomb = {"PNG": png(MANY, MANY, b""), "JPEG": small.replace(b"\0\x10\0\x10\x03", struct.pack(">HHB", MANY, MANY, 3))}
    path = place({"0.png": encode(crops.images[0]), "1.png": bomb[kind]})
    assert "has too many pixels" in prepared_error(path, tmp_path / "set")

"""Single images as people have them: several pictures in a file, rotation marks, transparency, odd names and bytes."""

import io

import numpy as np
import pytest
from PIL import Image

from r3gan.data.conversion import Conversion
from r3gan.data.errors import BadData
from r3gan.data.images import take
from r3gan.data.remarks import Remarks
from r3gan.data.rotation import TURNS
from r3gan.data.sources import Item
from tests.r3gan.conftest import encode, marked

TO_RGB = Conversion(to_rgb=True)


def same(image, other, by=6):
    return np.abs(image.astype(int) - np.asarray(other)).mean() < by


@pytest.fixture
def camera_jpeg(crops):
    """Two pictures in one file."""
    first, second = (Image.fromarray(image) for image in crops.images[[0, 30]])
    return encode(first, "MPO", save_all=True, append_images=[second], quality=95)


def test_of_the_pictures_in_a_camera_jpeg_the_first_is_taken(crops, camera_jpeg):
    assert Image.open(io.BytesIO(camera_jpeg)).n_frames == 2
    image, remarks = take(Item("a.jpg", camera_jpeg), None)
    assert same(image, crops.images[0])
    assert not same(image, crops.images[30])
    assert remarks == Remarks(firsts=1)
    assert take(Item("a.jpg", encode(Image.fromarray(crops.images[0]), "JPEG")), None).remarks == Remarks()


def test_a_damaged_list_of_pictures_does_not_cost_the_first(crops, camera_jpeg):
    entries = camera_jpeg.index(b"MPF\0")
    for damaged in (camera_jpeg[:entries] + b"MPF\0" + b"\xee" * 60 + camera_jpeg[entries + 64 :], camera_jpeg[:-500]):
        picture = take(Item("a.jpg", damaged), None)
        assert same(picture.pixels, crops.images[0])
        assert picture.remarks.firsts


@pytest.mark.parametrize(
    ("kind", "options"), [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("TIFF", {}), ("TIFF", {"big": True})]
)
def test_moving_pictures_and_several_pages_are_refused(crops, kind, options):
    frames = [Image.fromarray(image) for image in crops.images[[0, 30, 40]]]
    options = {"big_tiff": True} if options.pop("big", False) else options
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    with pytest.raises(BadData, match=rf"a\.{kind} holds 3 frames or pages: one image was expected"):
        take(Item(f"a.{kind}", data), None, TO_RGB)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "MPO"])
@pytest.mark.parametrize("orientation", sorted(TURNS))
def test_a_rotation_mark_is_followed_on_demand_and_else_counted(crops, kind, orientation):
    upright = Image.fromarray(crops.images[3])
    left, right = Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270
    undo = {left: right, right: left}.get(TURNS[orientation], TURNS[orientation])
    stored = upright.transpose(undo)
    quality = {"lossless": True} if kind == "WEBP" else {} if kind == "PNG" else {"quality": 95}
    item = Item("a", marked(stored, orientation, kind, **quality))
    left = take(item, None)
    assert left.remarks.unturned
    assert same(left.pixels, stored)
    turned = take(item, None, Conversion(apply_rotation=True))
    assert not turned.remarks.unturned
    assert same(turned.pixels, upright)


@pytest.mark.parametrize("orientation", [0, 1, 9, 77])
def test_a_mark_that_asks_for_nothing_is_none(crops, orientation):
    item = Item("a", marked(crops.images[0], orientation))
    for conversion in (Conversion(), Conversion(apply_rotation=True)):
        picture = take(item, None, conversion)
        assert not picture.remarks.unturned
        assert np.array_equal(picture.pixels, crops.images[0])


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_exif_data_that_cannot_be_read_mark_nothing(crops):
    data = encode(crops.images[0], exif=b"Exif\0\0MM\0*\0\0\xff\xff\xff\xff")
    for conversion in (Conversion(), Conversion(apply_rotation=True)):
        picture = take(Item("a", data), None, conversion)
        assert (picture.remarks.unturned, picture.pixels.tolist()) == (False, crops.images[0].tolist())


def test_a_mark_is_followed_for_images_that_are_converted_and_cropped(crops):
    grey = Image.fromarray(crops.images[3]).convert("L").crop((0, 0, 32, 16))
    item = Item("a", marked(grey, 6))
    picture = take(item, 16, Conversion(to_rgb=True, apply_rotation=True))
    middle = np.asarray(grey)[:, 8:24]
    assert np.array_equal(picture.pixels, np.rot90(middle, -1)[..., None].repeat(3, 2))


def see_through(crops, mode):
    image = Image.fromarray(crops.images[0])
    if mode == "colour key":
        return encode(image, transparency=tuple(map(int, crops.images[0][5, 5])))
    if mode == "palette":
        return encode(image.quantize(8), transparency=3)
    image = image.convert(mode)
    image.putalpha(128 if mode == "RGBA" else 0)
    return encode(image)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "palette", "colour key"])
def test_transparent_parts_show_the_background(crops, mode):
    item = Item("a", see_through(crops, mode))
    dark, light = (take(item, None, Conversion(True, colour)).pixels for colour in ((0, 0, 0), (255, 200, 100)))
    shown = (dark != light).any(2)
    assert shown.any()
    assert shown.all() == (mode in ("RGBA", "LA"))
    assert np.array_equal(dark[~shown], light[~shown])
    if mode != "RGBA":
        assert not dark[shown].any()
        assert (light[shown] == (255, 200, 100)).all()
    else:
        assert np.abs(light.astype(int) - (crops.images[0] * 0.5 + np.array([127, 100, 50]))).max() <= 2


def test_the_transparent_value_of_a_16_bit_grey_image_shows_the_background():
    values = np.arange(32 * 32, dtype=np.uint16).reshape(32, 32) * 60
    data = encode(Image.fromarray(values), transparency=60 * 33)
    picture = take(Item("a", data), None, Conversion(True, (9, 8, 7))).pixels
    expected = (values >> 8).astype(np.uint8)[..., None].repeat(3, 2)
    expected[1, 1] = (9, 8, 7)
    assert np.array_equal(picture, expected)

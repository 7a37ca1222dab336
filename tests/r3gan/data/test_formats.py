"""Every file format gives the same pixels, labels and content hash; labels and colours are taken as asked for."""

import hashlib
import json
import pickle
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from r3gan.data.archive import member_name
from r3gan.data.conversion import Conversion
from r3gan.data.errors import BadData
from r3gan.data.images import take
from r3gan.data.manifest import read_manifest
from r3gan.data.prepare import Options, write_prepared
from r3gan.data.recognise import open_source
from r3gan.data.sources import Item
from r3gan.data.store import open_prepared, verify
from tests.r3gan.conftest import (
    CLASS_NAMES,
    FORMATS,
    as_folder,
    as_zip,
    class_files,
    edm_files,
    encode,
    flat_files,
    imagenet_files,
    parquet_bytes,
)


def expected_hash(crops, labels=True):
    data = crops.images.tobytes() + (crops.labels.astype("<i8").tobytes() if labels else b"")
    return hashlib.sha256(data).hexdigest()[:16]


def test_every_format_gives_the_same_images_labels_and_hash(source_path, crops, tmp_path):
    manifest = write_prepared(open_source([source_path]), tmp_path / "set", Options()).manifest
    data = open_prepared(tmp_path / "set")
    images, labels = data.gather(torch.arange(len(data)))
    assert np.array_equal(images.permute(0, 2, 3, 1).numpy(), crops.images)
    assert np.array_equal(labels.numpy(), crops.labels)
    assert (manifest.content_hash, manifest.label_histogram) == (expected_hash(crops), (24, 24))
    assert read_manifest(tmp_path / "set") == manifest
    verify(data, tmp_path / "set")


@pytest.mark.parametrize("start", [0, 1, 9, 10, 27, 28, 47, 48])
def test_every_format_can_be_read_from_any_index(source_path, crops, start):
    items = list(open_source([source_path]).items(start))
    assert len(items) == len(crops.images) - start
    for item, image in zip(items, crops.images[start:], strict=True):
        assert np.array_equal(take(item, None).pixels, image)
        assert str(source_path.name) in item.name


def test_images_in_one_folder_are_without_labels(crops, tmp_path):
    source = open_source([as_folder(tmp_path / "flat", flat_files(crops))])
    manifest = write_prepared(source, tmp_path / "set", Options()).manifest
    assert (manifest.classes, manifest.label_histogram) == (0, ())
    assert manifest.content_hash == expected_hash(crops, labels=False)
    assert not (tmp_path / "set" / "labels.npy").exists()
    data = open_prepared(tmp_path / "set")
    assert data.gather(torch.tensor([3, 3]))[1].tolist() == [0, 0]
    verify(data, tmp_path / "set")


@pytest.mark.parametrize("name", FORMATS)
def test_labels_can_be_left_out_of_every_format(name, crops, tmp_path):
    path = FORMATS[name](tmp_path, crops)
    assert open_source([path], "none").labels is None


def test_a_dataset_zip_goes_both_ways_and_back(source_path, crops, tmp_path):
    first = write_prepared(open_source([source_path]), tmp_path / "set", Options())
    write_prepared(open_source([tmp_path / "set"]), tmp_path / "out.zip", Options())
    write_prepared(open_source([source_path]), tmp_path / "direct.zip", Options())
    assert (tmp_path / "out.zip").read_bytes() == (tmp_path / "direct.zip").read_bytes()
    again = write_prepared(open_source([tmp_path / "out.zip"]), tmp_path / "again", Options())
    assert again.manifest.content_hash == first.manifest.content_hash
    assert sorted(path.name for path in tmp_path.glob("[!.]*")) == ["again", "direct.zip", "out.zip", "set"]


def test_a_written_dataset_zip_is_what_the_other_tools_read(crops, tmp_path):
    write_prepared(open_source([as_folder(tmp_path / "tree", class_files(crops))]), tmp_path / "out.zip", Options())
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        names = sorted(archive.namelist())
        assert names == [*(f"00000/img{i:08d}.png" for i in range(48)), "dataset.json"]
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
        labels = dict(json.loads(archive.read("dataset.json"))["labels"])
        assert [labels[name] for name in names[:-1]] == crops.labels.tolist()
        with archive.open("00000/img00000047.png") as file:
            assert np.array_equal(np.asarray(Image.open(file)), crops.images[47])
    write_prepared(open_source([tmp_path / "tree"], "none"), tmp_path / "bare.zip", Options(labels="none"))
    with zipfile.ZipFile(tmp_path / "bare.zip") as archive:
        assert json.loads(archive.read("dataset.json")) == {"labels": None}


def test_a_thousand_images_share_a_folder_of_the_dataset_zip():
    assert [member_name(i) for i in (999, 1000, 1_281_166)] == [
        "00000/img00000999.png",
        "00001/img00001000.png",
        "01281/img01281166.png",
    ]


def test_larger_images_are_cropped_to_the_middle_and_reduced(crops, tmp_path):
    wide = np.concatenate([crops.images[0], crops.images[1], crops.images[2]], axis=1)  # 32 high, 96 wide
    array = take(Item("wide", encode(wide)), 16).pixels
    middle = Image.fromarray(crops.images[1]).resize((16, 16), Image.Resampling.LANCZOS)
    assert np.array_equal(array, np.asarray(middle))
    assert np.array_equal(take(Item("wide", wide), 32).pixels, crops.images[1])


def colours(crops):
    image = Image.fromarray(crops.images[0])
    transparent = image.convert("RGBA")
    transparent.putalpha(Image.fromarray(np.tile(np.uint8([0, 255]), (32, 16))))
    return {
        "grey": (image.convert("L"), "grey", np.asarray(image.convert("L"))[..., None].repeat(3, 2)),
        "RGBA": (transparent, "RGBA", crops.images[0] * (np.arange(32) % 2)[None, :, None].astype(np.uint8)),
        "palette": (image.quantize(8), "palette", np.asarray(image.quantize(8).convert("RGB"))),
        "16-bit": (
            Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257),
            "16-bit",
            np.asarray(image.convert("L"))[..., None].repeat(3, 2),
        ),
    }


@pytest.mark.parametrize("kind", ["grey", "RGBA", "palette", "16-bit"])
def test_other_colours_are_refused_by_name_and_converted_on_demand(crops, kind):
    image, word, expected = colours(crops)[kind]
    item = Item("some/file.png", encode(image))
    with pytest.raises(BadData, match=rf"some/file\.png is .*{word}.*--to-rgb"):
        take(item, None)
    assert np.array_equal(take(item, None, Conversion(to_rgb=True, background=(0, 0, 0))).pixels, expected)


def test_cmyk_is_refused_and_converted_on_demand(crops):
    item = Item("a.jpg", encode(Image.fromarray(crops.images[0]).convert("CMYK"), "JPEG", quality=95))
    with pytest.raises(BadData, match=r"a\.jpg is CMYK.*--to-rgb"):
        take(item, None)
    assert np.abs(take(item, None, Conversion(to_rgb=True)).pixels.astype(int) - crops.images[0]).mean() < 20


def test_numbered_folders_are_classes_only_when_one_says_so(crops, tmp_path):
    files = {
        name.replace("china", "00000").replace("flower", "01000"): data for name, data in class_files(crops).items()
    }
    path = as_folder(tmp_path / "numbered", files)
    with pytest.raises(BadData, match=r"--labels folders.*--labels none"):
        open_source([path])
    assert open_source([path], "folders").labels.tolist() == crops.labels.tolist()
    assert open_source([path], "none").labels is None


def test_images_beside_folders_have_labels_only_by_decision(crops, tmp_path):
    files = class_files(crops)
    path = as_folder(tmp_path / "mixed", files | {"z.png": encode(crops.images[0])})
    assert open_source([path], "none").labels is None
    for mode in ("auto", "folders"):
        with pytest.raises(BadData, match="images beside folders of images"):
            open_source([path], mode)
    one = {name: data for name, data in files.items() if name.startswith("china")}
    path = as_folder(tmp_path / "one", one | {"z.png": encode(crops.images[0])})
    assert open_source([path]).labels is None


def test_class_folders_and_a_dataset_json_that_differ_need_a_decision(crops, tmp_path):
    table = {"labels": [[name, 5 - (i % 2)] for i, name in enumerate(class_files(crops))]}
    path = as_folder(tmp_path / "both", class_files(crops) | {"dataset.json": json.dumps(table).encode()})
    with pytest.raises(BadData, match=r"dataset\.json gives other labels than the class folders .*--labels file or"):
        open_source([path])
    assert open_source([path], "file").labels.max() == 5
    assert open_source([path], "folders").labels.tolist() == crops.labels.tolist()


def test_hidden_files_and_those_of_other_kinds_are_left_out(crops, tmp_path):
    extra = {"__MACOSX/._a.png": b"x", ".hidden/b.png": b"x", "china/.c.png": b"x", "notes.txt": b"x"}
    assert len(open_source([as_zip(tmp_path / "a.zip", class_files(crops) | extra)])) == 48
    assert len(open_source([as_folder(tmp_path / "a", class_files(crops) | extra)])) == 48


def test_linked_folders_are_followed(crops, tmp_path):
    as_folder(tmp_path / "elsewhere", class_files(crops))
    (tmp_path / "tree").mkdir()
    for name in CLASS_NAMES:
        (tmp_path / "tree" / name).symlink_to(tmp_path / "elsewhere" / name)
    assert open_source([tmp_path / "tree"]).labels.tolist() == crops.labels.tolist()


def test_parquet_of_plain_binary_without_labels(crops, tmp_path):
    path = as_folder(tmp_path, {"x.parquet": parquet_bytes(crops.images, None, struct=False)}) / "x.parquet"
    source = open_source([path])
    assert (len(source), source.labels) == (48, None)
    assert np.array_equal(take(next(source.items(20)), None).pixels, crops.images[20])


def test_imagenet_labels_count_from_one_in_the_file_and_from_zero_here(crops, tmp_path):
    path = as_folder(tmp_path / "in", imagenet_files(crops))
    assert set(pickle.loads((path / "train_data_batch_10").read_bytes())["labels"]) == {2}
    assert open_source([path]).labels.tolist() == crops.labels.tolist()


def test_an_edm_zip_without_labels_has_none(crops, tmp_path):
    assert open_source([as_zip(tmp_path / "edm.zip", edm_files(crops, labels=False))]).labels is None

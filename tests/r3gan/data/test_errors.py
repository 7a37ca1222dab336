"""Bad input ends in one error that names the file, raised before anything can be trained on."""

import json
import os
import zipfile

import numpy as np
import pytest

from r3gan.data.errors import BadData, DatasetUnavailable
from r3gan.data.images import take
from r3gan.data.prepare import Options
from r3gan.data.sources import Item
from tests.r3gan.conftest import (
    as_folder,
    as_tar,
    as_zip,
    cifar_files,
    class_files,
    cut,
    edm_files,
    encode,
    flat_files,
    parquet_bytes,
    prepared_error,
)


def test_missing_and_foreign_paths_are_named(tmp_path):
    assert "nowhere does not exist" in prepared_error(tmp_path / "nowhere", tmp_path / "set", error=DatasetUnavailable)
    (tmp_path / "notes.txt").write_text("no images")
    assert "notes.txt is no dataset" in prepared_error(tmp_path / "notes.txt", tmp_path / "set")


def test_empty_folder_and_empty_zip(tmp_path):
    (tmp_path / "empty").mkdir()
    assert f"{tmp_path / 'empty'} holds no images" in prepared_error(tmp_path / "empty", tmp_path / "set")
    assert "empty.zip holds no images" in prepared_error(
        as_zip(tmp_path / "empty.zip", {"a.txt": b"x"}), tmp_path / "s"
    )


def test_archives_that_are_cut_off(crops, tmp_path):
    path = cut(as_zip(tmp_path / "a.zip", class_files(crops)))
    assert "a.zip cannot be opened as a zip archive: is it cut off?" in prepared_error(path, tmp_path / "set")
    path = cut(as_tar(tmp_path / "cifar-10-python.tar.gz", cifar_files(crops)))
    assert "cifar-10-python.tar.gz cannot be read as a .tar.gz" in prepared_error(path, tmp_path / "set")
    path = as_folder(tmp_path, {"a.parquet": parquet_bytes(*crops)}) / "a.parquet"
    assert "a.parquet cannot be opened as a parquet file" in prepared_error(cut(path), tmp_path / "set")


def test_a_damaged_member_of_a_zip_is_named(crops, tmp_path):
    path = as_zip(tmp_path / "a.zip", class_files(crops))
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo("flower/0030.png").header_offset + 100
    data = bytearray(path.read_bytes())
    data[offset] ^= 255
    path.write_bytes(data)
    message = prepared_error(path, tmp_path / "set")
    assert "a.zip: flower/0030.png" in message
    assert "CRC" in message


@pytest.mark.parametrize("damage", ["flipped bit", "cut off", "empty", "text"])
def test_a_corrupt_png_in_the_middle_is_named(crops, tmp_path, damage):
    files = flat_files(crops)
    data = bytearray(files["0030.png"])
    data[len(data) // 2] ^= 1
    files["0030.png"] = {"flipped bit": data, "cut off": data[:300], "empty": b"", "text": b"<html>"}[damage]
    message = prepared_error(as_folder(tmp_path / "flat", files), tmp_path / "set")
    assert f"{tmp_path / 'flat' / '0030.png'} cannot be decoded" in message


def test_no_flipped_bit_of_a_png_changes_pixels_unnoticed(crops):
    data, changed = encode(crops.images[0]), []
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 1
        try:
            changed.append(not np.array_equal(take(Item("a.png", bytes(damaged)), 32).pixels, crops.images[0]))
        except BadData:
            continue
    assert not any(changed)


def test_sizes_that_do_not_fit(crops, tmp_path):
    flat = flat_files(crops)
    other = as_folder(tmp_path / "other", flat | {"0040.png": encode(crops.images[0][:16, :16])})
    assert "0040.png is 16x16, the first image 32x32: `data prepare --resolution R` reduces all" in prepared_error(
        other, tmp_path / "set"
    )
    assert "0040.png is 16x16, smaller than the resolution 32" in prepared_error(other, tmp_path / "s", Options(32))
    wide = as_folder(tmp_path / "wide", flat | {"0040.png": encode(crops.images[0][:16])})
    assert "0040.png is 32x16, not square" in prepared_error(wide, tmp_path / "set2")
    odd = as_folder(tmp_path / "odd", {"a.png": encode(crops.images[0][:24, :24])})
    assert "a.png is 24x24, but networks make 4, 8, 16" in prepared_error(odd, tmp_path / "set3")


def test_several_frames_are_refused(crops, tmp_path):
    from PIL import Image

    frames = [Image.fromarray(image) for image in crops.images[:2]]
    path = as_folder(tmp_path / "a", {"a.png": encode(frames[0], save_all=True, append_images=frames[1:])})
    assert "a.png holds 2 frames" in prepared_error(path, tmp_path / "set")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda pairs: pairs[9].__setitem__(1, -1), "label -1 of image 9 is out of range"),
        (lambda pairs: pairs[9].__setitem__(1, 10**9), "label 1000000000 of image 9 is out of range"),
        (lambda pairs: pairs[9].__setitem__(1, 1.5), "label 1.5 of image 9 is not a whole number"),
        (lambda pairs: pairs[9].__setitem__(1, None), "label None of image 9 is not a whole number"),
        (lambda pairs: pairs[9].__setitem__(1, True), "label True of image 9 is not a whole number"),
        (lambda pairs: pairs.pop(9), "no label for 1 of 48 images, such as 00000/img00000009.png"),
        (lambda pairs: pairs.append(["00000/x.png", 1]), "labels 00000/x.png, which is not there"),
        (lambda pairs: pairs.append("00000/x.png"), "is not a pair"),
        (lambda pairs: [pair.__setitem__(1, 4) for pair in pairs], "all 48 labels are 4"),
    ],
)
def test_labels_of_a_dataset_json_that_cannot_be(crops, tmp_path, change, message):
    files = edm_files(crops)
    table = json.loads(files["dataset.json"])
    change(table["labels"])
    path = as_zip(tmp_path / "edm.zip", files | {"dataset.json": json.dumps(table).encode()})
    found = prepared_error(path, tmp_path / "set")
    assert message in found
    assert "edm.zip: dataset.json" in found


@pytest.mark.parametrize("text", ["{", "[]", '{"labels": {"a": 1}}', "{}"])
def test_a_dataset_json_that_is_none(crops, tmp_path, text):
    path = as_folder(tmp_path / "edm", edm_files(crops) | {"dataset.json": text.encode()})
    assert str(path / "dataset.json") in prepared_error(path, tmp_path / "set")


@pytest.mark.parametrize("name", ["../outside.png", "/etc/outside.png", "a/../../outside.png", "C:\\outside.png"])
def test_a_zip_that_names_outer_paths_is_not_trusted(crops, tmp_path, name):
    path = as_zip(tmp_path / "a.zip", flat_files(crops) | {name: encode(crops.images[0])})
    message = prepared_error(path, tmp_path / "set")
    assert "a.zip names" in message
    assert "outside of itself" in message


def test_links_in_a_circle_are_named(crops, tmp_path):
    path = as_folder(tmp_path / "tree", class_files(crops))
    (path / "china" / "again").symlink_to(path)
    assert f"{path / 'china' / 'again'} leads back" in prepared_error(path, tmp_path / "set")


def test_a_link_to_nowhere_is_named(crops, tmp_path):
    path = as_folder(tmp_path / "flat", flat_files(crops))
    (path / "gone.png").symlink_to(tmp_path / "gone")
    assert f"{path / 'gone.png'} cannot be read" in prepared_error(path, tmp_path / "set")


@pytest.mark.parametrize("method", ["read_bytes", "stat"])
def test_unreadable_files_are_named(crops, tmp_path, monkeypatch, method):
    """As for a user without the permission; root, who may run this, has every permission."""
    path, original = as_folder(tmp_path / "tree", class_files(crops)), getattr(type(tmp_path), method)

    def guarded(self, *arguments, **options):
        if self.name in ("0030.png", "flower"):
            raise PermissionError(13, "Permission denied", str(self))
        return original(self, *arguments, **options)

    monkeypatch.setattr(type(tmp_path), method, guarded)
    message = prepared_error(path, tmp_path / "set")
    assert str(path / "flower") in message
    assert "Permission denied" in message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_named(crops, tmp_path):
    path = as_folder(tmp_path / "tree", class_files(crops))
    (path / "flower").chmod(0)
    try:
        assert f"{path / 'flower'} cannot be read: Permission denied" in prepared_error(path, tmp_path / "set")
    finally:
        (path / "flower").chmod(0o755)


def test_parquet_without_images_or_with_bad_labels(crops, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"picture": [1]}), tmp_path / "a.parquet")
    assert "a.parquet has no column of images (bytes, or a struct with bytes), only picture" in prepared_error(
        tmp_path / "a.parquet", tmp_path / "set"
    )
    labels = [None, *crops.labels.tolist()[1:]]
    (tmp_path / "b.parquet").write_bytes(parquet_bytes(crops.images, labels))
    assert "b.parquet, column label: label None of image 0" in prepared_error(tmp_path / "b.parquet", tmp_path / "set")
    pq.write_table(pa.table({"image": [{"bytes": None, "path": "a.png"}]}), tmp_path / "c.parquet")
    assert "c.parquet, row 0 holds no image bytes" in prepared_error(tmp_path / "c.parquet", tmp_path / "set")

"""Sources that are not what they seem: nothing hangs, nothing is left out or overwritten in silence."""

import json
import os
import zipfile

import pytest

from r3gan.__main__ import main
from r3gan.data.manifest import IMAGES, MANIFEST
from tests.r3gan.conftest import (
    as_folder,
    as_zip,
    class_files,
    edm_files,
    encode,
    flat_files,
    parquet_bytes,
    prepared_error,
)

DEEP = b"[" * 200_000


def test_what_is_neither_file_nor_folder_is_named(crops, tmp_path):
    folder = as_folder(tmp_path / "flat", flat_files(crops))
    os.mkfifo(folder / "9999.png")
    assert "9999.png is neither a file nor a folder" in prepared_error(folder, tmp_path / "set")


def test_deeply_nested_json_is_one_error(crops, tmp_path, capsys):
    path = as_zip(tmp_path / "deep.zip", edm_files(crops) | {"dataset.json": DEEP})
    assert "dataset.json is not JSON" in prepared_error(path, tmp_path / "set")
    as_folder(tmp_path / "set", {MANIFEST: DEEP, IMAGES: b""})
    assert main(["data", "check", str(tmp_path / "set")]) == 2
    assert f"{MANIFEST} cannot be read" in capsys.readouterr().err


def test_two_labels_for_one_image_are_an_error(crops, tmp_path):
    files = edm_files(crops)
    pairs = json.loads(files["dataset.json"])["labels"]
    files["dataset.json"] = json.dumps({"labels": [*pairs, [pairs[0][0], 1]]}).encode()
    message = prepared_error(as_zip(tmp_path / "a.zip", files), tmp_path / "set")
    assert f"gives {pairs[0][0]} two labels, 0 and 1" in message


def test_a_member_that_a_zip_holds_twice_is_named(crops, tmp_path):
    path = as_zip(tmp_path / "a.zip", flat_files(crops))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("0003.png", flat_files(crops)["0004.png"])
    assert "a.zip holds 0003.png twice" in prepared_error(path, tmp_path / "set")


def test_a_missing_shard_is_named(crops, tmp_path):
    files = {f"train-{i:05d}-of-00003.parquet": parquet_bytes(*crops) for i in (0, 2)}
    folder = as_folder(tmp_path / "shards", files)
    assert "lacks train-00001-of-00003.parquet" in prepared_error(folder, tmp_path / "set")


def test_images_of_a_kind_that_is_not_read_are_not_left_out(crops, tmp_path):
    folder = as_folder(tmp_path / "mixed", flat_files(crops) | {"0100.TGA": encode(crops.images[0], "TGA")})
    assert "0100.TGA is named like images that are not read (PNG, JPEG" in prepared_error(folder, tmp_path / "set")
    folder = as_folder(tmp_path / "phone", flat_files(crops) | {"0100.heic": b"\0\0\0\x1cftypheic" + bytes(40)})
    assert "0100.heic is HEIC, whatever its name, which is not read: convert it" in prepared_error(
        folder, tmp_path / "set"
    )


def test_an_image_beside_class_folders_does_not_cost_the_labels(crops, tmp_path):
    files = class_files(crops)
    folder = as_folder(tmp_path / "classes", files | {"stray.png": files["china/0000.png"]})
    message = prepared_error(folder, tmp_path / "set")
    assert "images beside folders of images" in message
    assert "stray.png: move them, or say --labels none" in message


def test_a_dataset_is_not_prepared_into_its_source(crops, tmp_path, capsys):
    folder = as_folder(tmp_path / "flat", flat_files(crops))
    assert main(["data", "prepare", str(folder), str(folder)]) == 2
    assert "is the source itself" in capsys.readouterr().err
    assert len(list(folder.iterdir())) == len(crops.images)


def test_a_prepared_dataset_has_no_class_folders(crops, tmp_path, capsys):
    folder = as_folder(tmp_path / "flat", flat_files(crops))
    assert main(["data", "prepare", str(folder), str(tmp_path / "set")]) == 0
    assert main(["data", "prepare", str(tmp_path / "set"), str(tmp_path / "b"), "--labels", "folders"]) == 2
    assert "prepared dataset with labels of its own" in capsys.readouterr().err

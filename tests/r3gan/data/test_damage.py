"""A prepared dataset that is damaged is not opened, or is found by verifying; one that is there is not replaced."""

import json
import shutil

import numpy as np
import pytest

from r3gan.data.errors import BadData
from r3gan.data.manifest import MANIFEST
from r3gan.data.prepare import Options, write_prepared
from r3gan.data.recognise import open_source
from r3gan.data.store import open_prepared, verify
from tests.r3gan.conftest import (
    as_folder,
    class_files,
    cut,
)


@pytest.fixture
def prepared(crops, tmp_path):
    write_prepared(open_source([as_folder(tmp_path / "tree", class_files(crops))]), tmp_path / "set", Options())
    return tmp_path / "set"


def change_manifest(**changes):
    def change(folder):
        data = json.loads((folder / MANIFEST).read_text()) | changes
        (folder / MANIFEST).write_text(json.dumps({key: value for key, value in data.items() if value is not None}))

    return change


@pytest.mark.parametrize(
    ("damage", "named", "message"),
    [
        (lambda folder: (folder / MANIFEST).write_text("{"), MANIFEST, "cannot be read"),
        (lambda folder: (folder / MANIFEST).write_text("[1]"), MANIFEST, "not a manifest of format 1"),
        (change_manifest(format=2), MANIFEST, "not a manifest of format 1"),
        (change_manifest(classes=None), MANIFEST, "damaged at classes"),
        (change_manifest(extra=1), MANIFEST, "damaged at extra"),
        (change_manifest(count="48"), MANIFEST, "damaged at count"),
        (change_manifest(label_histogram=[48]), MANIFEST, "2 classes, but a histogram of 1"),
        (change_manifest(label_histogram=[24, 25]), MANIFEST, "48 images, but 49 labels"),
        (change_manifest(resolution=24), MANIFEST, "24"),
        (
            change_manifest(resolution=16),
            "images.npy",
            r"holds uint8 \[48, 32, 32, 3\].*promises uint8 \[48, 16, 16, 3\]",
        ),
        (change_manifest(classes=0, label_histogram=[], class_names=[]), "labels.npy", "no labels"),
        (lambda folder: (folder / "images.npy").unlink(), "images.npy", "cannot be opened"),
        (lambda folder: (folder / "labels.npy").unlink(), "labels.npy", "cannot be opened"),
        (lambda folder: cut(folder / "images.npy"), "images.npy", "cannot be opened"),
        (lambda folder: (folder / "images.npy").open("ab").write(b"more"), "images.npy", "bytes"),
        (lambda folder: np.save(folder / "labels.npy", np.zeros(48, np.int32)), "labels.npy", "int32"),
        (lambda folder: np.save(folder / "labels.npy", np.array([{}])), "labels.npy", "cannot be opened"),
    ],
)
def test_a_damaged_prepared_dataset_is_not_opened(prepared, damage, named, message):
    damage(prepared)
    with pytest.raises(BadData, match=message) as caught:
        open_prepared(prepared)
    assert str(prepared / named) in str(caught.value)


@pytest.mark.parametrize("name", ["images.npy", "labels.npy"])
def test_changed_content_is_found_by_verifying(prepared, name):
    verify(open_prepared(prepared), prepared)
    data = bytearray((prepared / name).read_bytes())
    data[-8] ^= 1
    (prepared / name).write_bytes(data)
    with pytest.raises(BadData, match=r"content hash|label histogram"):
        verify(open_prepared(prepared), prepared)


def test_swapped_labels_are_found_by_verifying(prepared):
    labels = np.load(prepared / "labels.npy")
    np.save(prepared / "labels.npy", labels[::-1])
    with pytest.raises(BadData, match="content hash"):
        verify(open_prepared(prepared), prepared)


def test_a_destination_that_is_taken_is_left_alone(prepared, crops, tmp_path):
    before = (prepared / MANIFEST).read_bytes()
    with pytest.raises(BadData, match="is there already"):
        write_prepared(open_source([tmp_path / "tree"]), prepared, Options())
    assert (prepared / MANIFEST).read_bytes() == before
    (tmp_path / "out.zip").write_bytes(b"mine")
    with pytest.raises(BadData, match="is there already"):
        write_prepared(open_source([tmp_path / "tree"]), tmp_path / "out.zip", Options())
    shutil.rmtree(prepared)
    write_prepared(open_source([tmp_path / "tree"]), prepared, Options())

"""What systems leave beside one's files is skipped by one rule, wherever files are listed, and counted."""

import pytest

from r3gan.data.files import open_files
from r3gan.data.litter import LITTER, count_kinds, litter_above, litter_kind, litter_note
from r3gan.data.recognise import open_source
from tests.r3gan.conftest import (
    FORMATS,
    as_folder,
    as_tar,
    as_zip,
    batch_files,
    cifar_files,
    class_files,
    flat_files,
    parquet_bytes,
    prepared_error,
)

PLACES = {"folder": as_folder, "zip": lambda path, files: as_zip(path.with_suffix(".zip"), files)}


@pytest.mark.parametrize("name", [*LITTER, *(name.swapcase() for name in LITTER), "._0.png", ".hidden", ".git"])
def test_a_name_is_litter_in_any_case(name):
    assert litter_kind(name) is not None


@pytest.mark.parametrize("name", ["cat", "0.png", "eaDir", "git", "cache", "recycle", "lost", "_0.png", "a.DS_Store"])
def test_other_names_are_not(name):
    assert litter_kind(name) is None


def test_the_outermost_litter_counts_and_what_lies_in_it_does_not():
    assert litter_above("cat/@eaDir/0.png/.DS_Store") == ("@eaDir", "cat/@eaDir")
    assert litter_above("cat/0.png") is None
    assert count_kinds(["b", "a", "b"]) == {"a": 1, "b": 2}
    assert litter_note({"a": 1, "b": 2}) == ("skipped what systems leave: a (1), b (2)",)
    assert litter_note({}) == ()


@pytest.mark.parametrize("place", PLACES)
def test_folders_and_zips_skip_and_count_the_same(place, crops, tmp_path):
    files = class_files(crops)
    thumbnail = files["china/0000.png"]
    extra = {f"china/@eaDir/{i:04d}.png/SYNOPHOTO_THUMB_M.png": thumbnail for i in range(3)}
    extra |= {f"{folder}/{name}": thumbnail for folder in ("china", "flower") for name in ("._0000.png", "Thumbs.db")}
    extra |= {f"{name.strip()}/x/0.png": thumbnail for name in LITTER if "Icon" not in name}
    path = PLACES[place](tmp_path / "photos", files | extra)
    found = open_files(path)
    assert list(found.sizes) == sorted(files)
    assert found.litter["@eaDir"] == 2
    assert (found.litter["._*"], found.litter["Thumbs.db"]) == (2, 3)
    assert set(found.litter) == {name for name in LITTER if "Icon" not in name} | {"._*"}
    assert open_source([path]).labels.tolist() == crops.labels.tolist()


FILES = (
    "zip of class folders",
    "zip with one folder around",
    "EDM zip",
    "CIFAR-10 archive",
    "ImageNet batches in a zip",
)


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in FILES])
def test_every_kind_of_folder_is_read_as_if_the_litter_were_not_there(name, crops, tmp_path):
    path = FORMATS[name](tmp_path, crops)
    image = flat_files(crops)["0000.png"]
    wrong = {"data_batch_1": b"", "train_data_batch_1": b"", "train-00000-of-00001.parquet": b"", "z.png": image}
    as_folder(path / "@eaDir", wrong)
    as_folder(path / ".ipynb_checkpoints", wrong)
    as_folder(path, {f"._{name}": data for name, data in wrong.items()})
    assert open_source([path]).labels.tolist() == crops.labels.tolist()


def test_litter_in_tars_and_in_zips_of_batches_is_no_batch(crops, tmp_path):
    litter = {"@eaDir/data_batch_1": b"", "__MACOSX/data_batch_2": b"", "._data_batch_3": b""}
    for path in (
        as_tar(tmp_path / "cifar-10-python.tar.gz", cifar_files(crops) | litter),
        as_tar(tmp_path / "dots.tar.gz", cifar_files(crops) | litter, folder="./cifar-10-batches-py"),
        as_zip(tmp_path / "cifar.zip", batch_files(crops, "data_batch_", 5, 0) | litter),
    ):
        assert len(open_source([path])) == 48


def test_a_folder_of_litter_alone_is_empty(crops, tmp_path):
    from r3gan.data.prepared_images import PreparedImages

    as_folder(tmp_path / "mine", {"Thumbs.db": b"", "@eaDir/a.parquet": parquet_bytes(*crops)})
    assert PreparedImages().find("mine", tmp_path) == []
    message = prepared_error(tmp_path / "mine", tmp_path / "set")
    assert "mine holds no images (skipped what systems leave: @eaDir (1), Thumbs.db (1))" in message

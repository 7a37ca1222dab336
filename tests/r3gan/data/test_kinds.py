"""A source with two kinds of data is an error that names both, unless what is ignored is sure, and said."""

import pytest

from r3gan.data.kinds import ARCHIVES, BATCHES, IMAGES, PARQUET, kinds_of
from r3gan.data.recognise import STRAY_IMAGES, open_source
from tests.r3gan.conftest import (
    as_folder,
    as_tar,
    as_zip,
    batch_files,
    cifar_files,
    class_files,
    edm_files,
    flat_files,
    imagenet_files,
    parquet_bytes,
    parquet_files,
    prepared_error,
)


def zip_bytes(tmp_path, crops):
    return as_zip(tmp_path / "made.zip", class_files(crops)).read_bytes()


def test_kinds_are_told_by_names():
    names = ["a/0.png", "data_batch_1", "x.Parquet", "y.tar.gz", "notes.txt", "z.ZIP"]
    assert kinds_of(names) == {
        BATCHES: ["data_batch_1"],
        IMAGES: ["a/0.png"],
        PARQUET: ["x.Parquet"],
        ARCHIVES: ["y.tar.gz", "z.ZIP"],
    }
    assert kinds_of(["0.png", "metadata.parquet"]) == {IMAGES: ["0.png"]}
    assert kinds_of(["metadata.parquet"]) == {PARQUET: ["metadata.parquet"]}


MIXED = {
    "images and an archive": (lambda at, c: flat_files(c) | {"a.zip": zip_bytes(at, c)}, (IMAGES, ARCHIVES)),
    "images and batches": (lambda at, c: flat_files(c) | cifar_files(c), (IMAGES, BATCHES)),
    "images and parquet": (lambda at, c: flat_files(c) | parquet_files(c), (IMAGES, PARQUET)),
    "batches and parquet": (lambda at, c: imagenet_files(c) | parquet_files(c), (BATCHES, PARQUET)),
    "batches and an archive": (lambda at, c: imagenet_files(c) | {"a.zip": zip_bytes(at, c)}, (BATCHES, ARCHIVES)),
    "parquet and an archive": (lambda at, c: parquet_files(c) | {"a.zip": zip_bytes(at, c)}, (PARQUET, ARCHIVES)),
}


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("below", ["", "deep/down/"])
def test_two_kinds_in_a_folder_are_both_named(name, below, crops, tmp_path):
    make, kinds = MIXED[name]
    files = {below + file: data for file, data in make(tmp_path, crops).items()}
    message = prepared_error(as_folder(tmp_path / "mixed", files), tmp_path / "set")
    assert all(f"{kind} (" in message for kind in kinds)
    assert "as SOURCE" in message


def test_two_kinds_in_a_zip_are_both_named(crops, tmp_path):
    path = as_zip(tmp_path / "a.zip", flat_files(crops) | imagenet_files(crops))
    message = prepared_error(path, tmp_path / "set")
    assert "batch files (10" in message
    assert "images (48" in message
    path = as_zip(tmp_path / "b.zip", parquet_files(crops))
    assert "b.zip holds parquet files (3, such as" in prepared_error(path, tmp_path / "set")


@pytest.mark.parametrize("count", [1, STRAY_IMAGES])
def test_few_pictures_beside_parquet_files_are_ignored_with_a_word(count, crops, tmp_path):
    stray = {f"assets/{name}": data for name, data in list(flat_files(crops).items())[:count]}
    source = open_source([as_folder(tmp_path / "hub", parquet_files(crops) | stray | {"README.md": b"#"})])
    assert source.labels.tolist() == crops.labels.tolist()
    assert f"ignored beside the parquet files: images ({count}, such as assets/0000.png)" in source.notes


def test_more_pictures_than_rows_are_no_strays(crops, tmp_path):
    files = {"x.parquet": parquet_bytes(crops.images[:2], None), **dict(list(flat_files(crops).items())[:3])}
    assert "images (3, such as" in prepared_error(as_folder(tmp_path / "x", files), tmp_path / "set")


def test_the_archive_from_which_batches_were_unpacked_is_named(crops, tmp_path):
    as_folder(tmp_path / "c" / "cifar-10-batches-py", cifar_files(crops))
    as_tar(tmp_path / "c" / "cifar-10-python.tar.gz", cifar_files(crops))
    source = open_source([tmp_path / "c"])
    assert source.labels.tolist() == crops.labels.tolist()
    assert "took the unpacked batch files; not used: cifar-10-python.tar.gz" in source.notes


@pytest.mark.parametrize("put", [as_folder, lambda path, files: as_tar(path.with_suffix(".tar.gz"), files)])
def test_the_test_batch_is_left_out_with_a_word_and_names_are_read(put, crops, tmp_path):
    import pickle

    meta = {"batches.meta": pickle.dumps({b"label_names": [b"china", b"flower", b"none"]}, 2)}
    source = open_source([put(tmp_path / "cifar", cifar_files(crops) | meta)])
    assert source.class_names == ("china", "flower")
    assert source.notes == ("took the training batches; left out: test_batch",)
    few = {"batches.meta": pickle.dumps({b"label_names": [b"china"]}, 2)}
    assert open_source([put(tmp_path / "few", cifar_files(crops) | few)]).class_names == ()
    assert open_source([put(tmp_path / "cifar2", batch_files(crops, "data_batch_", 5, 0))]).class_names == ()


def test_files_beside_a_prepared_dataset_are_said_to_be_ignored(crops, tmp_path):
    from r3gan.data.prepare import Options, write_prepared

    folder = as_folder(tmp_path / "own", class_files(crops))
    write_prepared(open_source([folder]), folder, Options())
    source = open_source([folder])
    assert source.notes == ("took the prepared dataset; not used beside it: china, flower",)
    assert source.class_names == ("china", "flower")


def test_a_dataset_json_without_labels_does_not_cost_the_class_folders(crops, tmp_path):
    path = as_folder(tmp_path / "x", class_files(crops) | {"dataset.json": b'{"labels": null}'})
    message = prepared_error(path, tmp_path / "set")
    assert "dataset.json has no labels, unlike the class folders (china, flower" in message
    assert "--labels file or --labels folders" in message
    assert open_source([path], "file").labels is None
    assert open_source([path], "folders").labels.tolist() == crops.labels.tolist()


def test_a_dataset_json_that_agrees_is_named_by_the_class_folders(crops, tmp_path):
    import json

    files = class_files(crops)
    table = {"labels": [[name, int(name.startswith("china"))] for name in files]}
    source = open_source([as_folder(tmp_path / "x", files | {"dataset.json": json.dumps(table).encode()})])
    assert source.labels.tolist() == (1 - crops.labels).tolist()
    assert source.class_names == ("flower", "china")


def test_a_dataset_json_may_name_images_of_a_split_that_is_left_out(crops, tmp_path):
    import json

    edm = edm_files(crops)
    pairs = json.loads(edm.pop("dataset.json"))["labels"]
    files = {f"{split}/{name}": data for split in ("train", "test") for name, data in edm.items()}
    table = {"labels": [[f"{split}/{name}", label] for split in ("train", "test") for name, label in pairs]}
    source = open_source([as_folder(tmp_path / "x", files | {"dataset.json": json.dumps(table).encode()})])
    assert source.labels.tolist() == crops.labels.tolist()

"""Splits are known in folders, zips and parquet paths alike: the training split is taken, the rest is told."""

import pytest

from r3gan.data.errors import BadData
from r3gan.data.parquet_splits import training_files
from r3gan.data.recognise import open_source
from r3gan.data.split_words import split_name
from r3gan.data.splits import are_splits, training_images
from tests.r3gan.conftest import (
    as_folder,
    as_zip,
    class_files,
    flat_files,
    npz_files,
    parquet_bytes,
    prepared_error,
    two_zips,
)

PLACES = {"folder": as_folder, "zip": lambda path, files: as_zip(path.with_suffix(".zip"), files)}
WRITTEN = [
    ("train", "test"),
    ("Train", "VAL"),
    ("training", "validation"),
    ("training_set", "test_set"),
    ("train2017", "val2017"),
    ("seg_train", "seg_test"),
    ("train-images", "valid-images"),
]


@pytest.mark.parametrize(
    ("name", "split", "is_bare"),
    [
        ("train", "train", True),
        ("Training_Set", "train", True),
        ("VALID", "validation", True),
        ("dev", "validation", True),
        ("train2017", "train", False),
        ("trainB", "train", False),
        ("TrainSet", "train", True),
        ("seg_test", "test", False),
    ],
)
def test_names_of_splits(name, split, is_bare):
    found = split_name(name)
    assert (found.split, found.is_bare) == (split, is_bare)


@pytest.mark.parametrize("name", ["cat", "trainer", "constraint", "contest", "value", "train_test", "", "2017"])
def test_names_of_other_things(name):
    assert split_name(name) is None


@pytest.mark.parametrize("words", WRITTEN)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", ["{split}/{name}", "mine/{split}/{name}", "{split}/images/{name}"])
def test_a_split_around_class_folders_is_taken_and_its_sibling_left_out(place, words, form, crops, tmp_path):
    train, test = words
    files = {form.format(split=train, name=name): data for name, data in class_files(crops).items()}
    files |= {form.format(split=test, name=name): data for name, data in list(class_files(crops).items())[::6]}
    source = open_source([PLACES[place](tmp_path / "pets", files)])
    assert source.labels.tolist() == crops.labels.tolist()
    assert source.class_names == ("china", "flower")
    assert f"took the split {train}; left out: {test} (8 images)" in source.notes


@pytest.mark.parametrize("words", WRITTEN[:3])
def test_splits_within_class_folders(words, crops, tmp_path):
    train, test = words
    files = {name.replace("/", f"/{train}/"): data for name, data in class_files(crops).items()}
    files |= {name.replace("/", f"/{test}/"): data for name, data in list(class_files(crops).items())[::6]}
    source = open_source([as_folder(tmp_path / "pets", files)])
    assert source.labels.tolist() == crops.labels.tolist()
    assert source.class_names == ("china", "flower")


@pytest.mark.parametrize("place", PLACES)
def test_splits_around_plain_images(place, crops, tmp_path):
    files = {f"train/{name}": data for name, data in flat_files(crops).items()}
    files |= {
        f"{split}/{name}": data for split in ("test", "val") for name, data in list(flat_files(crops).items())[:3]
    }
    source = open_source([PLACES[place](tmp_path / "x", files)])
    assert (len(source), source.labels) == (48, None)
    assert source.notes == ("took the split train; left out: test (3 images), val (3 images)",)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("classes", [("bus", "car", "train"), ("bus", "train"), ("bullet train", "steam train")])
def test_a_class_may_be_called_train(place, classes, crops, tmp_path):
    image = flat_files(crops)["0000.png"]
    files = {f"{name}/{i}.png": image for name in classes for i in range(2)}
    source = open_source([PLACES[place](tmp_path / "vehicles", files)])
    assert source.class_names == classes
    assert source.notes == ("labels from class folders",)


@pytest.mark.parametrize(
    "folders",
    [
        ("train", "test", "cat"),
        ("train", "training", "test"),
        ("trainA", "trainB", "testA", "testB"),
        ("seg_train", "seg_test", "other"),
        ("train/cat", "train/dog", "unlabelled"),
        ("train/cat", "train/dog", "extra/cat", "extra/dog"),
        ("train", "val2017"),
        ("cat/train", "cat/test", "cat/dog"),
    ],
)
def test_folders_that_may_be_splits_or_classes_need_a_decision(folders, crops, tmp_path):
    image = flat_files(crops)["0000.png"]
    path = as_folder(tmp_path / "x", {f"{folder}/{i}.png": image for folder in folders for i in range(2)})
    message = prepared_error(path, tmp_path / "set")
    assert "may be splits or classes" in message
    assert "as SOURCE" in message
    assert "say --labels folders" in message
    if all("/" not in folder for folder in folders):
        assert open_source([path], "folders").class_names == tuple(sorted(folders))


def test_the_way_out_of_an_unclear_zip_is_to_unpack_it(crops, tmp_path):
    image = flat_files(crops)["0000.png"]
    path = as_zip(tmp_path / "x.zip", {f"{folder}/0.png": image for folder in ("train", "test", "cat")})
    assert "unpack the archive and name train as SOURCE" in prepared_error(path, tmp_path / "set")


def test_splits_without_one_for_training_need_a_decision(crops, tmp_path):
    image = flat_files(crops)["0000.png"]
    path = as_folder(tmp_path / "x", {f"{folder}/0.png": image for folder in ("val", "test")})
    assert "has the splits test, val, but none for training" in prepared_error(path, tmp_path / "set")
    assert len(open_source([path / "val"])) == 1


def test_images_beside_splits_are_named(crops, tmp_path):
    image = flat_files(crops)["0000.png"]
    files = {f"{folder}/0.png": image for folder in ("train", "test")} | {"stray.png": image}
    assert "and stray.png beside them" in prepared_error(as_folder(tmp_path / "x", files), tmp_path / "set")


def test_the_only_split_is_taken_with_a_word(crops, tmp_path):
    files = {f"test/{name}": data for name, data in class_files(crops).items()}
    source = open_source([as_folder(tmp_path / "x", files)])
    assert source.labels.tolist() == crops.labels.tolist()
    assert source.notes[0] == "took the split test, the only one there"


def test_what_an_image_is_called_within_its_split(tmp_path):
    taken = training_images(["a/train/x/0.png", "a/test/x/0.png"], tmp_path)
    assert taken.names == ("a/train/x/0.png",)
    assert taken.unsplit("a/train/x/0.png") == "a/x/0.png"
    assert not are_splits(["train"])
    assert not are_splits(["train", "cat"])


@pytest.mark.parametrize(
    ("names", "taken", "left_out"),
    [
        (["default/test/0000.parquet", "default/train/0000.parquet"], [1], {"test": "1 file"}),
        (["data/test/0.parquet", "data/train/0.parquet", "data/train/1.parquet"], [1, 2], {"test": "1 file"}),
        (["test.parquet", "train.parquet"], [1], {"test": "1 file"}),
        (["data/train-00000-of-00001-a09b74b3ef9c3b56.parquet", "data/val-0.parquet"], [0], {"val": "1 file"}),
        (["Train-0.parquet", "Train-1.parquet", "TEST-0.parquet"], [0, 1], {"TEST": "1 file"}),
        (["pets-test-0.parquet", "pets-train-0.parquet"], [1], {"test": "1 file"}),
        (["train/train-0.parquet", "train/test-0.parquet"], [0], {"test": "1 file"}),
        (["extra.parquet", "train.parquet"], [1], {"extra.parquet": "1 file"}),
        (["test-0.parquet", "test-1.parquet"], [0, 1], {}),
        (["part/0000.parquet", "part/0001.parquet"], [0, 1], {}),
    ],
)
def test_the_training_files_among_parquet_files(names, taken, left_out, tmp_path):
    found = training_files(names, tmp_path)
    assert found.names == tuple(names[i] for i in taken)
    assert found.left_out == left_out


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["a/train/0.parquet", "b/train/0.parquet"],
            r"several configurations .*a/train/0\.parquet, b/",
        ),
        (["cats-train.parquet", "dogs-train.parquet"], "several configurations"),
        (["test.parquet", "val.parquet"], "holds test, val, but no split for training"),
        (["test.parquet", "all.parquet"], "holds all.parquet, test, but no split"),
    ],
)
def test_parquet_files_that_need_a_decision(names, message, tmp_path):
    with pytest.raises(BadData, match=message):
        training_files(names, tmp_path)


def test_parquet_files_of_a_split_give_its_images(crops, tmp_path):
    files = {"set/train/0000.parquet": parquet_bytes(*crops)}
    files |= {"set/test/0000.parquet": parquet_bytes(crops.images[:2], crops.labels[:2])}
    path = as_folder(tmp_path / "hub", files)
    source = open_source([path])
    assert source.labels.tolist() == crops.labels.tolist()
    assert "took the split train; left out: test (1 file)" in source.notes
    assert len(open_source([path / "set" / "test"], "none")) == 2
    assert len(open_source([path / "set" / "test" / "0000.parquet"], "none")) == 2


def test_a_missing_shard_within_a_split_is_named(crops, tmp_path):
    files = {f"data/train-{i:05d}-of-00003-a09b74b3.parquet": parquet_bytes(*crops) for i in (0, 2)}
    message = prepared_error(as_folder(tmp_path / "x", files), tmp_path / "set")
    assert "data lacks train-00001-of-00003.parquet" in message


def test_of_zips_named_after_splits_the_training_one_is_taken(crops, tmp_path):
    as_zip(tmp_path / "x" / "train.zip", class_files(crops))
    as_zip(tmp_path / "x" / "test.zip", dict(list(class_files(crops).items())[:2]))
    source = open_source([tmp_path / "x"])
    assert source.labels.tolist() == crops.labels.tolist()
    assert source.notes[0] == "took the split train; left out: test (1 file)"


def test_a_zip_of_batches_for_testing_is_left_out_beside_those_for_training(crops, tmp_path):
    files = npz_files(crops)
    two_zips(tmp_path / "x", files)
    as_zip(tmp_path / "x" / "Imagenet32_val.zip", {"val_data.npz": b"x"})
    source = open_source([tmp_path / "x"])
    assert source.labels.tolist() == crops.labels.tolist()
    assert source.notes == ("took the training batches; left out: val_data.npz",)
    message = prepared_error(tmp_path / "x" / "Imagenet32_val.zip", tmp_path / "set")
    assert "holds no batch files for training, only val_data.npz" in message


def test_files_of_several_folders_without_splits_are_taken_with_a_word(crops, tmp_path):
    files = {f"{folder}/0000.parquet": parquet_bytes(*crops) for folder in ("de", "en")}
    source = open_source([as_folder(tmp_path / "x", files)])
    assert len(source) == 96
    assert "took the files of several folders together: de, en" in source.notes


def test_images_that_are_named_after_splits_are_taken_with_a_word(crops, tmp_path):
    image = flat_files(crops)["0000.png"]
    files = {f"{split}_{i}.png": image for split in ("train", "test") for i in range(2)}
    source = open_source([as_folder(tmp_path / "x", files)])
    assert source.notes == ("took images of different splits together, by their names: test_0.png and train_1.png",)

"""Pickles are read without being run; batch files that are damaged, missing or of another make are named."""

import io
import os
import pickle

import numpy as np
import pytest

from r3gan.data.errors import BadData
from r3gan.data.pickles import load_pickle
from tests.r3gan.conftest import (
    as_folder,
    batch_files,
    cifar_files,
    imagenet_files,
    prepared_error,
)


class Evil:
    def __reduce__(self):
        return (os.system, ("touch was-run",))


class EvilImport:
    def __reduce__(self):
        return (getattr, (np.ndarray, "__subclasses__"))


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize(("value", "asked"), [(Evil(), "posix.system"), (EvilImport(), "builtins.getattr")])
def test_a_pickle_that_is_more_than_arrays_is_not_run(crops, tmp_path, monkeypatch, protocol, value, asked):
    monkeypatch.chdir(tmp_path)
    files = imagenet_files(crops) | {"train_data_batch_3": pickle.dumps({"data": value, "labels": []}, protocol)}
    message = prepared_error(as_folder(tmp_path / "in", files), tmp_path / "set")
    assert str(tmp_path / "in" / "train_data_batch_3") in message
    assert "more than arrays" in message
    assert asked in message.replace("__builtin__", "builtins")
    assert not (tmp_path / "was-run").exists()


def test_object_arrays_hide_nothing(tmp_path):
    array = np.empty(2, object)
    array[:] = [Evil(), 1]
    with pytest.raises(BadData, match=r"posix.system"):
        load_pickle(io.BytesIO(pickle.dumps({"data": array})), "here")
    np.savez(tmp_path / "x.npz", data=array, labels=[1, 2])
    files = {f"train_data_batch_{i}.npz": (tmp_path / "x.npz").read_bytes() for i in range(1, 11)}
    assert "train_data_batch_1.npz cannot be read" in prepared_error(as_folder(tmp_path / "in", files), tmp_path / "s")


@pytest.mark.parametrize("damage", [lambda d: d[:100], lambda d: b"", lambda d: b"text", lambda d: pickle.dumps([1])])
def test_damaged_batch_files_are_named(crops, tmp_path, damage):
    files = imagenet_files(crops)
    files["train_data_batch_7"] = damage(files["train_data_batch_7"])
    message = prepared_error(as_folder(tmp_path / "in", files), tmp_path / "set")
    assert str(tmp_path / "in" / "train_data_batch_7") in message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": [0, 1]}, "label 0 is out of range: 1 to 1000"),
        ({"labels": [1, 1001]}, "label 1001 is out of range: 1 to 1000"),
        ({"labels": [1.5, 2.0]}, "not whole numbers"),
        ({"labels": [1]}, "no list of 2 labels"),
        ({"labels": 5}, "no list of 2 labels"),
        ({"data": np.zeros((2, 100), np.uint8)}, "uint8 [n, 3 R R] was expected"),
        ({"data": np.zeros((2, 48), np.float32)}, "float32 [2, 48]"),
        ({"data": "text"}, "'data' is str"),
    ],
)
def test_batches_of_another_make_are_named(crops, tmp_path, change, message):
    batch = {"data": np.zeros((2, 48), np.uint8), "labels": [1, 2]} | change
    files = imagenet_files(crops) | {"train_data_batch_2": pickle.dumps(batch)}
    found = prepared_error(as_folder(tmp_path / "in", files), tmp_path / "set")
    assert str(tmp_path / "in" / "train_data_batch_2") in found
    assert message in found


def test_missing_and_mixed_batches_are_named(crops, tmp_path):
    files = imagenet_files(crops)
    del files["train_data_batch_4"], files["train_data_batch_9"]
    path = as_folder(tmp_path / "in", files)
    assert f"{path} lacks train_data_batch_4, train_data_batch_9" in prepared_error(path, tmp_path / "set")
    path = as_folder(tmp_path / "mixed", imagenet_files(crops) | cifar_files(crops))
    assert "do not belong together" in prepared_error(path, tmp_path / "set")
    one = crops._replace(labels=crops.labels * 0)
    path = as_folder(tmp_path / "one", batch_files(one, "data_batch_", 5, 0))
    assert "all 48 labels are 0: --labels none" in prepared_error(path, tmp_path / "set")

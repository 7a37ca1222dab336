"""`--classes` by name, from the outside: where names come from, and what is said of those that are none."""

import json

import numpy as np
import pytest

from r3gan.__main__ import main
from r3gan.generation.class_names import class_names
from r3gan.generation.load import load
from r3gan.snapshot import save_weights
from tests.r3gan.generation.conftest import random_generator
from tests.r3gan.small import small_config, small_network

NAMES = ("cat", "dog, small", "0")


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A conditional generator's file, with what its training wrote beside it; the data folder is empty."""
    monkeypatch.setenv("R3GAN_DATA", str(tmp_path / "data"))
    path = tmp_path / "job" / "weights.safetensors"
    path.parent.mkdir()
    config = small_config(dataset="pets", network=small_network(conditional=True))
    save_weights(random_generator(), path, config, images=5000)
    record = {"name": "pets", "content_hash": "0123", "first_class_names": NAMES}
    (path.parent / "environment.json").write_text(json.dumps({"dataset": record}))
    return path


def labels_of(weights, *options):
    destination = weights.parent / "made.npz"
    destination.unlink(missing_ok=True)
    assert main(["generate", str(weights), str(destination), "--device", "cpu", "--seeds", "0-2", *options]) == 0
    with np.load(destination) as found:
        return found["arr_1"].tolist()


def test_names_and_numbers_say_the_same(weights, capsys):
    assert labels_of(weights, "--classes", "cat,2") == labels_of(weights, "--classes", "0,2") == [0, 2, 0]
    assert labels_of(weights, "--classes", "dog, small") == [1, 1, 1]  # one name, with a comma
    assert labels_of(weights, "--classes", "1-2,cat") == [1, 2, 0]


def test_a_number_is_a_number_also_where_another_class_is_called_so(weights, capsys):
    assert labels_of(weights, "--classes", "0") == [2, 2, 2]
    assert labels_of(weights, "--classes", "0,1") == [0, 1, 0]
    assert "0 is taken as a number, that of cat; the class 0 is 2" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["generate", "interpolate"])
@pytest.mark.parametrize(
    ("classes", "told"),
    [
        ("cta", "'cta' is no class of this generator; did you mean cat? it has 0 to 2: cat, dog, small, 0"),
        ("1,3", "3 is no class of this generator, which has 0 to 2"),
        ("2-1", "2-1: the first number of a range comes first, 1-2"),
        ("", "'' is no class of this generator"),
        ("0-999999999", "3 is no class"),
    ],
)
def test_what_is_no_class_is_told_with_the_nearest(weights, tmp_path, capsys, command, classes, told):
    assert main([command, str(weights), str(tmp_path / "a.png"), "--device", "cpu", f"--classes={classes}"]) == 2
    assert f"error: --classes: {told}" in capsys.readouterr().err
    assert not (tmp_path / "a.png").exists()


def test_names_that_are_not_known_are_told_so(weights, tmp_path, capsys):
    (weights.parent / "environment.json").unlink()
    assert main(["generate", str(weights), str(tmp_path / "a.png"), "--device", "cpu", "--classes", "cat"]) == 2
    told = "the names of the classes are not known (those of pets, which is not here): use 0 to 2"
    assert f"'cat' is no number, and {told}" in capsys.readouterr().err


@pytest.mark.parametrize(("content", "known"), [("0123", True), ("4567", False)])
def test_names_are_those_of_the_prepared_dataset_if_it_is_still_the_same(weights, tmp_path, content, known):
    path = weights.parent / "environment.json"
    record = json.loads(path.read_text())
    record["dataset"]["first_class_names"] = NAMES[:2]
    path.write_text(json.dumps(record))
    folder = tmp_path / "data" / "pets"
    folder.mkdir(parents=True)
    manifest = {"name": "pets", "source": "x", "count": 3, "resolution": 8, "classes": 3, "label_histogram": [1, 1, 1]}
    manifest |= {"content_hash": content, "class_names": NAMES, "format": 1}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert class_names(weights, load(weights, "ema", "cpu")) == (NAMES if known else ())

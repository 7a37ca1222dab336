"""MNIST's files under the names and in the folders that people have them in, and files that are not what they say."""

import gzip
import struct

import numpy as np
import pytest
import torch

from r3gan.__main__ import main
from r3gan.data.errors import BadData, DatasetUnavailable
from r3gan.data.facts import MNIST_FILES
from r3gan.data.load import ensure_dataset, load_dataset

CPU = torch.device("cpu")
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = MNIST_FILES
DOTTED = [name.replace("-idx", ".idx") for name in MNIST_FILES]


def idx_bytes(array, kind=8):
    header = bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def digits(count, seed):
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28))


CONTENTS = dict(
    zip(
        MNIST_FILES, map(idx_bytes, (digits(40, 0), np.arange(40) % 10, digits(20, 1), np.arange(20) % 10)), strict=True
    )
)


def put(root, names):
    """The four files under other names, in the order of MNIST_FILES."""
    for name, content in zip(names, CONTENTS.values(), strict=True):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(gzip.compress(content) if name.endswith((".gz", ".GZ")) else content)


def divided(train, test, names=MNIST_FILES):
    return [f"{train if i < 2 else test}/{name}" for i, name in enumerate(names)]


LAYOUTS = {
    "plain": MNIST_FILES,
    "dotted": DOTTED,
    "dotted, compressed": [f"{name}.gz" for name in DOTTED],
    "mixed": [TRAIN_IMAGES, f"{DOTTED[1]}.gz", DOTTED[2], f"{TEST_LABELS}.gz"],
    "underscores": [name.replace("-", "_") for name in MNIST_FILES],
    "capitals": [f"{name.title()}.GZ" for name in MNIST_FILES],
    "test for t10k": [name.replace("t10k", "test") for name in DOTTED],
    "mnist": [f"mnist/{name}" for name in DOTTED],
    "MNIST": [f"MNIST/{name}" for name in DOTTED],
    "its own name": [f"stacked-mnist/{name}" for name in MNIST_FILES],
    "torchvision's": [f"MNIST/raw/{name}" for name in MNIST_FILES],
    "mnist/raw": [f"mnist/raw/{name}.gz" for name in MNIST_FILES],
    "train and test": divided("train", "test"),
    "mnist/train and mnist/test": divided("mnist/train", "mnist/test", DOTTED),
    "Training and Testing": divided("mnist/Training", "mnist/Testing"),
    "train and what is beside it": divided("mnist/train", "mnist"),
    "a folder for each file": [f"mnist/{name}/{dotted}" for name, dotted in zip(MNIST_FILES, DOTTED, strict=True)],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_files_are_found_under_their_usual_names_and_places(tmp_path, layout):
    put(tmp_path, LAYOUTS[layout])
    data = load_dataset("stacked-mnist", tmp_path, CPU)
    assert torch.equal(data.train.images[:, 2:-2, 2:-2], torch.from_numpy(digits(40, 0)).byte())
    assert torch.equal(data.test.images[:, 2:-2, 2:-2], torch.from_numpy(digits(20, 1)).byte())
    assert data.train.labels.tolist() == [n % 10 for n in range(40)]
    assert data.test.labels.tolist() == [n % 10 for n in range(20)]


@pytest.mark.parametrize("compress", [True, False])
def test_the_content_says_whether_it_is_compressed_not_the_name(tmp_path, compress):
    for name, content in CONTENTS.items():
        (tmp_path / (name if compress else f"{name}.gz")).write_bytes(gzip.compress(content) if compress else content)
    assert len(load_dataset("stacked-mnist", tmp_path, CPU).train.images) == 40


def test_the_plainest_of_several_files_is_taken(tmp_path):
    put(tmp_path, MNIST_FILES)
    for name in (DOTTED[0], f"train/{TRAIN_IMAGES}"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"another")
    assert len(load_dataset("stacked-mnist", tmp_path, CPU).train.images) == 40


def test_files_of_other_sets_and_folders_are_not_taken(tmp_path):
    put(tmp_path, [f"emnist-letters-{name}" for name in MNIST_FILES])
    put(tmp_path / "letters", MNIST_FILES)
    put(tmp_path, [f"._{name}" for name in MNIST_FILES])
    with pytest.raises(DatasetUnavailable, match="stacked-mnist was not found: put train-images-idx3-ubyte"):
        load_dataset("stacked-mnist", tmp_path, CPU)


def test_what_is_lacking_beside_the_others_is_named(tmp_path):
    put(tmp_path / "mnist", DOTTED)
    (tmp_path / "mnist" / DOTTED[3]).unlink()
    with pytest.raises(DatasetUnavailable, match=rf"was not found, {tmp_path}/mnist lacks t10k-labels-idx1-ubyte: put"):
        load_dataset("stacked-mnist", tmp_path, CPU)


def swap(*names):
    return {name: CONTENTS[other] for name, other in zip(names, reversed(names), strict=True)}


BROKEN = {
    "swapped": (swap(TRAIN_IMAGES, TRAIN_LABELS), TRAIN_IMAGES, "0x00000801 and shape [40], as labels have; images, "),
    "swapped labels": (
        {TEST_LABELS: CONTENTS[TEST_IMAGES]},
        TEST_LABELS,
        "0x00000803 and shape [20, 28, 28], as images have; labels, magic number 0x00000801 and shape [N]",
    ),
    "training and test swapped": (
        swap(TRAIN_IMAGES, TEST_IMAGES),
        TRAIN_IMAGES,
        f"holds 20 images, ROOT/{TRAIN_LABELS} 40 labels; one label for each image was expected",
    ),
    "letters": (
        {TRAIN_LABELS: idx_bytes(np.arange(40) % 26 + 1)},
        TRAIN_LABELS,
        "holds the labels 1, 2, 3, ..., 26; all of 0 to 9",
    ),
    "nine digits": (
        {TRAIN_LABELS: idx_bytes(np.arange(40) % 9)},
        TRAIN_LABELS,
        "holds the labels 0, 1, 2, 3, 4, 5, 6, 7, 8; all of 0 to 9",
    ),
    "other size": (
        {TRAIN_IMAGES: idx_bytes(np.zeros((40, 32, 32)))},
        TRAIN_IMAGES,
        "shape [40, 32, 32]; [N, 28, 28] was expected",
    ),
    "flat images": (
        {TRAIN_IMAGES: idx_bytes(np.zeros((40, 784)))},
        TRAIN_IMAGES,
        "the magic number 0x00000802 and shape [40, 784]; images, magic number 0x00000803",
    ),
    "no images": ({TRAIN_IMAGES: idx_bytes(np.zeros((0, 28, 28)))}, TRAIN_IMAGES, "shape [0, 28, 28]"),
    "no labels": ({TRAIN_LABELS: idx_bytes(np.zeros(0))}, TRAIN_LABELS, "holds the labels (none)"),
    "floats": (
        {TRAIN_IMAGES: idx_bytes(digits(4, 0), kind=13)},
        TRAIN_IMAGES,
        "begins with 00 00 0d 03, not an IDX file",
    ),
    "a web page": ({TRAIN_LABELS: b"<html>"}, TRAIN_LABELS, "begins with 3c 68 74 6d, not an IDX file of bytes"),
    "empty": ({TEST_IMAGES: b""}, TEST_IMAGES, "is empty; an IDX file of images, magic number 0x00000803"),
    "nothing in gzip": ({TEST_IMAGES: gzip.compress(b"")}, TEST_IMAGES, "is empty"),
    "cut off": (
        {TEST_IMAGES: CONTENTS[TEST_IMAGES][:-5]},
        TEST_IMAGES,
        "its header promises 15696 (shape [20, 28, 28])",
    ),
    "too long": ({TEST_LABELS: CONTENTS[TEST_LABELS] + b"x"}, TEST_LABELS, "holds 29 bytes, its header promises 28"),
    "a header of giants": (
        {TEST_IMAGES: b"\0\0\x08\x03" + b"\xff" * 12},
        TEST_IMAGES,
        "shape [4294967295, 4294967295, 4294967295]",
    ),
    "gzip cut off": ({TEST_LABELS: gzip.compress(CONTENTS[TEST_LABELS])[:-9]}, TEST_LABELS, "is cut off"),
    "gzip damaged": (
        {TEST_LABELS: gzip.compress(CONTENTS[TEST_LABELS])[:-8] + b"x" * 8},
        TEST_LABELS,
        "cannot be read",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_is_not_what_it_should_be_is_one_sentence_with_its_name(tmp_path, monkeypatch, capsys, case):
    changes, name, message = BROKEN[case]
    put(tmp_path, MNIST_FILES)
    for changed, content in changes.items():
        (tmp_path / changed).write_bytes(content)
    monkeypatch.setenv("R3GAN_DATA", str(tmp_path))
    assert main(["data", "check", "stacked-mnist"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {tmp_path / name} ")
    assert message.replace("ROOT", str(tmp_path)) in line
    with pytest.raises(BadData, match=name):
        ensure_dataset("stacked-mnist", tmp_path)


def test_a_set_of_other_counts_is_used_and_they_are_told(tmp_path, monkeypatch, capsys):
    put(tmp_path, MNIST_FILES)
    counts = "40 training and 20 test digits (MNIST has 60000 training and 10000 test digits)"
    ensure_dataset("stacked-mnist", tmp_path)
    assert capsys.readouterr().err == f"warning: {tmp_path} holds {counts}\n"
    monkeypatch.setenv("R3GAN_DATA", str(tmp_path))
    assert main(["data", "check", "stacked-mnist"]) == 0
    assert f"sound, {counts}" in capsys.readouterr().out

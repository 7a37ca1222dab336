"""Preparing and checking end with what was understood; names of classes are kept, and shown where datasets are."""

import json

import numpy as np
import pytest

from r3gan.__main__ import main
from r3gan.data.catalog import DATASETS
from r3gan.data.errors import BadData
from r3gan.data.facts import Facts
from r3gan.data.manifest import MANIFEST, read_manifest
from r3gan.data.prepare import Options, write_prepared
from r3gan.data.recognise import open_source
from r3gan.data.summary import class_notes, classes_text, first_names, with_notes
from tests.r3gan.conftest import CLASS_NAMES, as_folder, as_tar, cifar_files, class_files, edm_files, flat_files


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("R3GAN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "400")
    return tmp_path / "data"


@pytest.fixture
def pets(crops, tmp_path):
    """Class folders in splits, with litter and a table."""
    files = {f"train/{name}": data for name, data in class_files(crops).items()}
    files |= {f"test/{name}": data for name, data in list(class_files(crops).items())[:3]}
    return as_folder(tmp_path / "pets", files | {"train/.DS_Store": b"", "train/china/@eaDir/x.png": b"", "a.csv": b""})


UNDERSTOOD = (
    "  took the split train; left out: test (3 images)\n"
    "  labels from class folders\n"
    "  not used: a.csv\n"
    "  skipped what systems leave: .DS_Store (1), @eaDir (1)\n"
)


def test_preparing_and_checking_end_with_what_was_understood(root, pets, capsys):
    assert main(["data", "prepare", str(pets), str(root / "mine")]) == 0
    found = f"48 images, 32x32, 2 classes (china, flower), content hash {read_manifest(root / 'mine').content_hash}"
    assert capsys.readouterr().out == f"{root / 'mine'}: {found}\n{UNDERSTOOD}"
    assert main(["data", "check", str(pets)]) == 0
    shape = "sound, not prepared, 48 images, 32x32, 2 classes (china, flower)"
    assert capsys.readouterr().out == f"{pets}: {shape}\n{UNDERSTOOD}"
    assert main(["data", "check", "mine"]) == 0
    assert capsys.readouterr().out == f"mine: sound, {found}\n"
    assert main(["data", "prepare", str(pets), str(root / "mine.zip"), "--labels", "none"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{root / 'mine.zip'} is written: 48 images, 32x32, no classes\n  took the split train")


def test_preparing_a_known_dataset_says_the_same(root, crops, capsys, monkeypatch):
    monkeypatch.setitem(DATASETS, "cifar10", DATASETS["cifar10"]._replace(facts=Facts(32, 2, 48)))
    as_tar(root / "cifar-10-python.tar.gz", cifar_files(crops))
    texts = {root / "c.zip": "is written: 32x32, 2 classes, 48 images", root / "cifar10": "48 images"}
    for destination, text in texts.items():
        assert main(["data", "prepare", "cifar10", str(destination)]) == 0
        out = capsys.readouterr().out
        assert text in out
        assert out.endswith("  took the training batches; left out: test_batch\n")
    assert main(["data", "prepare", "cifar10", str(root / "other"), "--label-column", "x"]) == 2
    assert "cifar10 has its own resolution and labels" in capsys.readouterr().err


def test_the_list_shows_the_names_of_classes(root, pets, capsys):
    main(["data", "prepare", str(pets), str(root / "mine")])
    capsys.readouterr()
    assert main(["data", "list"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if " mine " in line]
    assert "china, flower" in line


def test_columns_are_chosen_on_the_command_line(root, crops, tmp_path, capsys):
    rows = [
        f"{name},{i % 3},{label}" for i, (name, label) in enumerate(zip(flat_files(crops), crops.labels, strict=True))
    ]
    table = {"metadata.csv": "\n".join(["file_name,label,class", *rows]).encode()}
    path = as_folder(tmp_path / "x", flat_files(crops) | table)
    assert main(["data", "prepare", str(path), str(root / "x")]) == 2
    assert "--label-column NAME" in capsys.readouterr().err
    assert main(["data", "prepare", str(path), str(root / "x"), "--label-column", "class"]) == 0
    assert read_manifest(root / "x").label_histogram == (24, 24)
    assert "columns of" in capsys.readouterr().out


def test_names_of_classes_are_kept_and_no_part_of_the_hash(crops, tmp_path):
    sources = {
        "named": as_folder(tmp_path / "a", class_files(crops)),
        "bare": as_folder(tmp_path / "b", edm_files(crops)),
    }
    named, bare = (
        write_prepared(open_source([path]), tmp_path / name, Options()).manifest for name, path in sources.items()
    )
    assert (named.class_names, bare.class_names) == (CLASS_NAMES, ())
    assert named.content_hash == bare.content_hash
    again = write_prepared(open_source([tmp_path / "named"]), tmp_path / "again", Options(resolution=16)).manifest
    assert again.class_names == CLASS_NAMES
    assert open_source([tmp_path / "named"], "none").class_names == ()


def test_a_manifest_from_before_there_were_names_is_read(crops, tmp_path):
    write_prepared(open_source([as_folder(tmp_path / "a", class_files(crops))]), tmp_path / "set", Options())
    path = tmp_path / "set" / MANIFEST
    data = json.loads(path.read_text())
    del data["class_names"], data["background"]
    path.write_text(json.dumps(data))
    assert read_manifest(tmp_path / "set").class_names == ()
    for names, message in ((["china"], "2 classes, but 1 names"), ([1, 2], "damaged at class_names")):
        path.write_text(json.dumps(data | {"class_names": names}))
        with pytest.raises(BadData, match=message):
            read_manifest(tmp_path / "set")


def test_classes_without_an_image_are_said(root, crops, tmp_path, capsys):
    files = edm_files(crops)
    pairs = [[name, 2 * label + 1] for name, label in json.loads(files["dataset.json"])["labels"]]
    files["dataset.json"] = json.dumps({"labels": pairs}).encode()
    assert main(["data", "prepare", str(as_folder(tmp_path / "x", files)), str(root / "x")]) == 0
    assert "  2 of 4 classes have no image: 0, 2\n" in capsys.readouterr().out
    assert main(["data", "check", "x"]) == 0
    assert "  2 of 4 classes have no image: 0, 2\n" in capsys.readouterr().out


def test_what_is_odd_about_classes():
    assert class_notes((2, 2), ()) == ()
    assert class_notes((), ()) == ()
    assert class_notes((0, 2, 2), ()) == ("1 of 3 classes have no image: 0; do the labels count from 1?",)
    assert class_notes((3, 0, 2), ("a", "b", "c")) == ("1 of 3 classes have no image: 1 (b)",)
    assert class_notes(tuple(np.ones(5, int)), ()) == (
        "no two images are of one class: is the label a name or a number of the image?",
    )


def test_texts_show_the_first_names_alone():
    assert first_names(["a", "b", "c"]) == "a, b, c"
    assert first_names(["a", "b", "c", "d"]) == "a, b, c ..."
    assert classes_text(0, ()) == "no classes"
    assert classes_text(4, ("a", "b", "c", "d")) == "4 classes (a, b, c ...)"
    assert with_notes("text", ("one", "two")) == "text\n  one\n  two"

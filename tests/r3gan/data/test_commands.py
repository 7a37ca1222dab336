"""`python -m r3gan data ...` as a user runs it: exit codes, what is printed, and no traceback."""

import argparse
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from r3gan.__main__ import main
from r3gan.data.catalog import DATASETS
from r3gan.data.facts import Facts
from r3gan.data.manifest import read_manifest
from r3gan.data.parser import add_data
from r3gan.data.shapes import SHAPES
from r3gan.data.store import open_prepared
from tests.r3gan.conftest import as_folder, as_tar, as_zip, cifar_files, class_files, encode, flat_files, marked


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("R3GAN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setitem(DATASETS, "cifar10", DATASETS["cifar10"]._replace(facts=Facts(32, 2, 48)))
    return tmp_path / "data"


@pytest.fixture
def run(root, capsys):
    def run(*arguments):
        try:
            code = main(["data", *map(str, arguments)])
        except SystemExit as stop:  # argparse
            code = stop.code
        out, err = capsys.readouterr()
        return code, out, err

    return run


def row(out, name):
    return next(line for line in out.splitlines() if name in line)


def test_list_shows_what_is_known_and_in_which_state(run, root, crops):
    code, out, _ = run("list")
    assert code == 0
    assert all(name in out for name in DATASETS)
    assert "ready" in row(out, "stacked-digits")
    assert all(part in row(out, "ffhq256") for part in ("256x256", "70,000", "missing", str(root / "ffhq256")))
    as_tar(root / "cifar-10-python.tar.gz", cifar_files(crops))
    assert "raw found" in row(run("list")[1], "cifar10")
    assert run("prepare", "cifar10")[0] == 0
    run("prepare", as_folder(root / "raw" / "x", class_files(crops)), root / "mine", "--resolution", 16)
    (root / "bad").mkdir()
    for name in ("manifest.json", "images.npy"):
        (root / "bad" / name).write_text("{")
    code, out, _ = run("list")
    assert "prepared" in row(out, "cifar10")
    assert all(part in row(out, "mine") for part in ("16x16", "48", "prepared"))
    assert "damaged" in row(out, "bad")


def test_prepare_writes_a_folder_or_a_zip_and_shows_progress(run, root, crops, tmp_path):
    path = as_folder(tmp_path / "tree", class_files(crops))
    code, out, err = run("prepare", path, tmp_path / "set", "--resolution", 8)
    assert code == 0
    assert "48 images, 8x8, 2 classes (china, flower), content hash" in out
    assert "48/48" in err
    assert json.loads((tmp_path / "set" / "manifest.json").read_text())["resolution"] == 8
    code, out, _ = run("prepare", tmp_path / "set", tmp_path / "set.zip")
    assert (code, out) == (0, f"{tmp_path / 'set.zip'} is written: 48 images, 8x8, 2 classes (china, flower)\n")
    code, out, _ = run("check", tmp_path / "set.zip", tmp_path / "set")
    assert code == 0
    assert "sound, not prepared, 48 images, 8x8, 2 classes" in out


def test_labels_and_colours_are_options(run, crops, tmp_path):
    path = as_folder(tmp_path / "tree", class_files(crops))
    assert "no classes" in run("prepare", path, tmp_path / "set", "--labels", "none", "--to-rgb")[1]


def test_transparent_images_show_the_colour_that_is_named(run, tmp_path):
    folder = as_folder(tmp_path / "clear", {"a.png": encode(Image.new("RGBA", (8, 8)))})
    hashes = set()
    for text, colour in (("white", 255), ("#7F7F7F", 127), ("rgb(9, 9, 9)", 9), ("black", 0)):
        code, out, _ = run("prepare", folder, tmp_path / f"set{colour}", "--to-rgb", "--background", text)
        hex_colour = f"#{colour:02x}{colour:02x}{colour:02x}"
        assert code == 0
        assert f"1 of 1 images have transparent parts, which show {hex_colour}" in out
        assert (open_prepared(tmp_path / f"set{colour}").images == colour).all()
        manifest = read_manifest(tmp_path / f"set{colour}")
        assert manifest.background == hex_colour
        hashes.add(manifest.content_hash)
        assert f"transparent parts on {hex_colour}" in run("check", tmp_path / f"set{colour}")[1]
    assert len(hashes) == 4
    run("prepare", tmp_path / "set255", tmp_path / "smaller", "--resolution", "4")
    assert read_manifest(tmp_path / "smaller").background == "#ffffff"


def test_transparent_images_without_a_background_are_refused_and_opaque_ones_need_none(run, tmp_path):
    folder = as_folder(tmp_path / "clear", {"a.png": encode(Image.new("RGBA", (8, 8), (9, 9, 9, 254)))})
    for command in (("check", folder), ("prepare", folder, tmp_path / "set")):
        code, _, err = run(*command, "--to-rgb")
        assert code == 2
        assert "a.png has transparent parts: `data prepare --background COLOUR` says what they show" in err
    folder = as_folder(tmp_path / "opaque", {"a.png": encode(Image.new("RGBA", (8, 8), (9, 9, 9, 255)))})
    code, out, _ = run("prepare", folder, tmp_path / "set", "--to-rgb")
    assert (code, "transparent parts" in out, read_manifest(tmp_path / "set").background) == (0, False, "")


def test_checking_a_path_takes_it_as_preparing_it_with_the_same_options_would(run, crops, tmp_path):
    grey = {name: encode(Image.fromarray(image).convert("L")) for name, image in zip("ab", crops.images, strict=False)}
    folder = as_folder(tmp_path / "grey", {f"{name}.png": data for name, data in grey.items()})
    code, _, err = run("check", folder)
    assert (code, "--to-rgb" in err) == (2, True)
    code, out, _ = run("check", folder, "--to-rgb", "--resolution", 16)
    assert (code, "2 images, 16x16" in out, "2 of 2 images were converted" in out) == (0, True, True)
    rows = [
        f"{name},{i % 3},{label}" for i, (name, label) in enumerate(zip(flat_files(crops), crops.labels, strict=True))
    ]
    table = {"metadata.csv": "\n".join(["file_name,label,class", *rows]).encode()}
    folder = as_folder(tmp_path / "table", flat_files(crops) | table)
    assert "--label-column NAME" in run("check", folder)[2]
    assert "2 classes" in run("check", folder, "--label-column", "class")[1]
    assert "no classes" in run("check", folder, "--labels", "none")[1]
    assert "say --to-rgb too" in run("check", folder, "--background", "white")[2]


def test_checking_takes_no_options_for_what_has_its_own(run, root, crops, tmp_path):
    run("prepare", as_folder(tmp_path / "tree", class_files(crops)), root / "mine")
    as_tar(root / "cifar-10-python.tar.gz", cifar_files(crops))
    for name, words in (
        ("mine", "is prepared already"),
        (root / "mine", "is prepared already"),
        ("cifar10", "is a known"),
    ):
        code, out, err = run("check", name, "--to-rgb")
        assert (code, out, f"{name} {words}" in err) == (2, "", True)


@pytest.mark.parametrize("text", ["blurple", "#12345", "rgb(300, 0, 0)", "#ffffff80", "", "-1", "x" * 200])
def test_what_is_no_colour_is_told_in_one_sentence(run, tmp_path, text):
    code, _, err = run("prepare", tmp_path, tmp_path / "set", "--to-rgb", f"--background={text}")
    assert code == 2
    assert f"{text!r}: an opaque colour was expected" in err


def test_checking_counts_images_with_rotation_marks(run, tmp_path, crops):
    folder = as_folder(tmp_path / "flat", flat_files(crops) | {"0007.png": marked(crops.images[7], 3)})
    code, out, _ = run("check", folder)
    assert (code, "48 images" in out) == (0, True)
    assert "  1 of 48 images have a rotation mark (EXIF) and were taken as they are stored" in out
    run("prepare", folder, tmp_path / "set", "--apply-rotation")
    assert (open_prepared(tmp_path / "set").images[7].numpy() == np.rot90(crops.images[7], 2)).all()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["prepare", "nowhere", "x"], "nowhere does not exist"),
        (["prepare", "cifar10"], "cifar-10-python.tar.gz"),
        (["prepare", "cifar10", "x", "--resolution", "16"], "its own resolution"),
        (["prepare", "stacked-digits"], "needs no preparation"),
        (["prepare", "tree"], "name the folder or .zip"),
        (["prepare", "tree", "x", "--background", "red"], "say --to-rgb too"),
        (["prepare", "tree", "x", "--resolution", "24"], "4, 8, 16, 32"),
        (["prepare", "broken", "x"], "0000.png"),
        (["prepare", "broken.zip", "x"], "broken.zip"),
        (["check", "nowhere"], "nowhere is no path"),
        (["check", "cifar10"], "put cifar-10-python.tar.gz"),
        (["check", "broken"], "0000.png"),
        (["download", "ffhq64"], "no public source"),
        (["download", "nowhere"], "invalid choice"),
    ],
)
def test_bad_input_is_one_error_and_exit_code_2(run, root, crops, tmp_path, monkeypatch, arguments, part):
    monkeypatch.chdir(tmp_path)
    as_folder(tmp_path / "tree", class_files(crops))
    as_folder(tmp_path / "broken", flat_files(crops) | {"0000.png": b"x"})
    (tmp_path / "broken.zip").write_bytes(b"PK")
    code, _, err = run(*arguments)
    assert code == 2
    assert part in err
    assert err.count("error: ") == 1
    assert not (tmp_path / "x").exists()


def test_check_reads_everything_and_goes_on_after_a_bad_one(run, root, crops):
    as_tar(root / "cifar-10-python.tar.gz", cifar_files(crops))
    run("prepare", "cifar10")
    run("prepare", as_zip(root / "raw" / "x.zip", class_files(crops)), root / "mine")
    code, out, _ = run("check")
    assert code == 0
    embedded = [name for name in DATASETS if name.startswith("stacked-digits") or name in SHAPES]
    assert sorted(line.split(":")[0] for line in out.splitlines()) == sorted([*embedded, "cifar10", "mine"])
    data = bytearray((root / "cifar10" / "images.npy").read_bytes())
    data[-1] ^= 1
    (root / "cifar10" / "images.npy").write_bytes(data)
    code, out, err = run("check")
    assert code == 2
    assert "content hash" in err
    assert "mine: sound, 48 images" in out


def test_download_needs_no_network_for_what_is_there(run, root, crops):
    assert run("download", "stacked-digits")[:2] == (0, "stacked-digits: ready, in scikit-learn\n")
    as_tar(root / "cifar-10-python.tar.gz", cifar_files(crops))
    assert run("download", "cifar10")[:2] == (0, f"cifar10: prepared, {root / 'cifar10'}\n")


def test_every_command_in_the_documentation_parses():
    parser = argparse.ArgumentParser()
    add_data(parser.add_subparsers())
    text = (Path(__file__).parents[3] / "docs" / "data.md").read_text()
    commands = re.findall(r"python -m r3gan (data (?:\S+ ?)+)", text)
    assert len(commands) > 5
    for command in commands:
        parser.parse_args(shlex.split(command.partition("`")[0].replace("NAME", "cifar10")))

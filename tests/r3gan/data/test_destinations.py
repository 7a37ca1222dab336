"""Places that a dataset cannot have are refused before any work; what the system refuses is one sentence."""

import errno
import os
from pathlib import Path

import pytest

import r3gan.data.commands
import r3gan.data.places
import r3gan.data.writer
from r3gan.__main__ import main
from r3gan.data.catalog import DATASETS, own_names
from r3gan.data.errors import BadData
from r3gan.data.facts import Facts
from r3gan.data.prepare import Options, write_prepared
from r3gan.data.recognise import open_source
from tests.r3gan.conftest import as_folder, flat_files


@pytest.fixture
def prepare(tmp_path, crops, monkeypatch, capsys):
    """Runs `data prepare` on images, into a place relative to an otherwise empty folder."""
    monkeypatch.setenv("R3GAN_DATA", "data")
    source = as_folder(tmp_path / "source", flat_files(crops))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def prepare(destination, *options):
        code = main(["data", "prepare", str(source), destination, *options])
        return code, *capsys.readouterr()

    return prepare


REFUSED = {
    "../source/inner": "lies in the source",
    **dict.fromkeys([".", "..", "/", "", "data/.."], "names no dataset: name a new folder, such as data/NAME"),
    **dict.fromkeys(
        ["data/my photos", "data/.hidden", "data/-x", "a+b", "data/.zip"],
        "no study could name a dataset",
    ),
    "data/mine.partial": "names that end in .partial",
    "data/cifar10": "data/cifar10 is the place of cifar10, 32x32, 10 classes, 50000 images; folder source is 32x32, 0",
    "elsewhere/ffhq64": "prepare it under another name",
    "data/stacked-mnist": "prepare it under another name",
    "data/" + "x" * 250: "has a name of 250 bytes: at most 247 can be",
    "file": "file is a file: a new folder was expected",
    "file/mine": "file cannot be made",
    "folder.zip": "folder.zip is a folder: a file that ends in .zip was expected",
    "taken.zip": "taken.zip is there already",
    "full": "full holds something else already, such as notes.txt",
    "link": "link is a link to what is not there",
    "other": "other.partial, where the work on other would lie, is something else",
}


@pytest.mark.parametrize("destination", REFUSED)
def test_a_place_that_cannot_be_is_refused_before_any_work(prepare, monkeypatch, tmp_path, destination):
    as_folder(
        tmp_path / "here", {"file": b"x", "full/notes.txt": b"x", "taken.zip": b"x", "other.partial/mine.txt": b"x"}
    )
    (tmp_path / "here" / "folder.zip").mkdir()
    (tmp_path / "here" / "link").symlink_to("nowhere")
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr(r3gan.data.commands, "write_prepared", None)
    code, _, err = prepare(destination)
    assert code == 2
    assert REFUSED[destination] in err
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("destination", ["data/mine", "data/фото_1.b-2", "data/123", "empty"])
def test_other_places_are_written_and_those_outside_say_how_studies_find_them(prepare, tmp_path, destination):
    as_folder(tmp_path / "here", {"empty/.DS_Store": b"x"})
    code, out, _ = prepare(destination)
    assert code == 0
    assert ("studies find it if R3GAN_DATA is" in out) == (destination == "empty")
    assert own_names(tmp_path / "here" / "data") == ([] if destination == "empty" else [destination[5:]])
    assert "is there already: remove it" in prepare(destination)[2]


@pytest.mark.parametrize("destination", ["my photos.zip", "data/cifar10.ZIP"])
def test_a_zip_may_have_any_name(prepare, destination):
    assert prepare(destination)[:2] == (0, f"{destination} is written: 48 images, 32x32, no classes\n")


def test_the_same_data_under_a_known_name_are_taken(prepare, monkeypatch):
    monkeypatch.setitem(DATASETS, "ffhq64", DATASETS["ffhq64"]._replace(facts=Facts(32, 0, 48)))
    assert prepare("data/ffhq64")[0] == 0


@pytest.mark.parametrize(("number", "code"), [(errno.EACCES, 2), (errno.EROFS, 2), (errno.ENOSPC, 1)])
@pytest.mark.parametrize("destination", ["data/mine", "mine.zip", "empty"])
def test_a_place_that_takes_no_file_is_refused_at_once(prepare, tmp_path, monkeypatch, number, code, destination):
    def refuse(dir):
        raise OSError(number, os.strerror(number))

    (tmp_path / "here" / "empty").mkdir()
    monkeypatch.setattr(r3gan.data.places.tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(r3gan.data.commands, "write_prepared", None)
    found, _, err = prepare(destination)
    assert (found, f"takes no new file ({os.strerror(number)})" in err) == (code, True)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
@pytest.mark.parametrize("destination", ["/proc/mine", "/proc/mine.zip", "/proc/new/mine"])
def test_where_no_file_can_be_made_nobody_else_is_said_to_work(prepare, tmp_path, destination):
    code, _, err = prepare(destination)
    assert (code, "/proc takes no new file" in err) == (2, True)
    source = open_source([tmp_path / "source"])
    for wait in (False, True):
        with pytest.raises(BadData, match=r"^/proc/.*mine(\.zip)?\.partial cannot be written: [\w ]*$"):
            write_prepared(source, Path(destination), Options(), wait=wait)


@pytest.mark.parametrize("destination", ["x" * 300 + "/mine", "/".join(["x" * 200] * 25)])
def test_a_place_with_too_long_a_path_is_refused(prepare, destination):
    code, _, err = prepare(destination)
    assert (code, "File name too long" in err, len(err.splitlines())) == (2, True, 1)


@pytest.mark.parametrize(("number", "code"), [(13, 2), (30, 2), (36, 2), (28, 1), (122, 1)])
def test_what_the_system_refuses_is_one_sentence(prepare, monkeypatch, number, code):
    def refuse(path, data):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(r3gan.data.writer, "write_json", refuse)
    found, _, err = prepare("data/mine")
    assert found == code
    assert f"error: data/mine.partial cannot be written: {os.strerror(number)}; what is there is kept" in err


def test_a_path_that_is_too_long_is_one_sentence(capsys):
    assert main(["data", "check", "x" * 300]) == 2
    assert "File name too long" in capsys.readouterr().err

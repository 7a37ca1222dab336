"""Every command that writes refuses a place where nothing can be written before it looks at its source."""

import errno
import os

import pytest

import r3gan.data.places
from r3gan.__main__ import main

SOURCE = "missing.safetensors"
COMMANDS = {
    "generate": ((SOURCE,), ".png"),
    "interpolate": ((SOURCE,), ".gif"),
    "explore": ((SOURCE,), ".html"),
    "export": ((SOURCE,), ".safetensors"),
    "card": ((SOURCE,), ".md"),
    "import-official": (("missing.pkl",), ".safetensors"),
    "evaluate": ((SOURCE, "--metrics", "fid", "--json"), ".json"),
}
commands = pytest.mark.parametrize("command", COMMANDS)


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """A function that runs a command with a destination, and returns what is said of it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to("nowhere")

    def run(command, destination):
        before = sorted(tmp_path.rglob("*"))
        words, ending = COMMANDS[command]
        assert main([command, *words, f"{destination}{ending}"]) == 2
        assert sorted(tmp_path.rglob("*")) == before
        return capsys.readouterr().err

    return run


@commands
@pytest.mark.parametrize(
    ("destination", "told"),
    [
        ("file/new", "file cannot be made: file is no folder"),
        ("file/on/the/way/new", "file is no folder"),
        ("dangling/new", "dangling is no folder"),
        ("x" * 245, "bytes: at most "),
    ],
)
def test_a_place_that_cannot_be_is_refused_before_the_work(refused, command, destination, told):
    message = refused(command, destination)
    assert message.startswith("error: ")
    assert told in message
    assert message.count("\n") == 1


@commands
@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_takes_no_file_is_told_before_the_work(refused, monkeypatch, command, number):
    def refuse(dir):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(r3gan.data.places.tempfile, "TemporaryFile", refuse)
    assert f"takes no new file ({os.strerror(number)})" in refused(command, "new/place")


@commands
def test_a_folder_in_the_place_of_the_file_is_told_before_the_work(refused, command, tmp_path):
    (tmp_path / f"there{COMMANDS[command][1]}").mkdir()
    told = "is a folder: the name of a file was expected" if command == "evaluate" else "exists already: remove it"
    assert told in refused(command, "there")


@commands
def test_a_destination_of_which_all_is_well_lets_the_command_go_on_to_its_source(refused, command):
    assert COMMANDS[command][0][0] in refused(command, "made/on/the/way/new")

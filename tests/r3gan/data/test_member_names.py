"""Names of zip members are understood however they are written; those that lead out of the zip are refused."""

import json
import zipfile

import pytest

from r3gan.data.files import ZipFiles
from r3gan.data.member_names import normal_name
from r3gan.data.recognise import open_source
from tests.r3gan.conftest import as_zip, class_files, edm_files, imagenet_files, prepared_error


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("cat/0.png", "cat/0.png"),
        ("./cat/0.png", "cat/0.png"),
        ("././cat/./0.png", "cat/0.png"),
        ("cat//0.png", "cat/0.png"),
        ("cat\\0.png", "cat/0.png"),
        (".\\cat\\0.png", "cat/0.png"),
        ("at 12:30.png", "at 12:30.png"),
        ("a..b/0...png", "a..b/0...png"),
        ("../0.png", None),
        ("cat\\..\\..\\0.png", None),
        ("cat/..", None),
        ("/cat/0.png", None),
        ("\\\\server\\cat\\0.png", None),
        ("C:\\cat\\0.png", None),
        ("c:0.png", None),
    ],
)
def test_a_name_has_one_form_or_leads_out(name, normal):
    assert normal_name(name) == normal


WRITTEN = {
    "dot slash": lambda name: f"./{name}",
    "backslashes": lambda name: name.replace("/", "\\"),
    "a folder around, backslashes": lambda name: f"photos\\{name}".replace("/", "\\"),
    "both": lambda name: f".\\photos/{name}",
}


@pytest.mark.parametrize("way", WRITTEN)
@pytest.mark.parametrize("files", [class_files, edm_files, imagenet_files])
def test_class_folders_tables_and_batches_are_found_however_names_are_written(way, files, crops, tmp_path):
    write = WRITTEN[way]
    path = as_zip(tmp_path / "a.zip", {write(name): data for name, data in files(crops).items()})
    source = open_source([path])
    assert source.labels.tolist() == crops.labels.tolist()
    assert len(list(source.items(0))) == 48


def test_folders_of_a_windows_zip_are_no_files(crops, tmp_path):
    files = {name.replace("/", "\\"): data for name, data in class_files(crops).items()}
    path = as_zip(tmp_path / "a.zip", files | {"china\\": b"", "flower\\": b"", "./": b""})
    assert list(ZipFiles(path).sizes) == sorted(class_files(crops))


def test_names_that_become_one_are_two_members(crops, tmp_path):
    path = as_zip(tmp_path / "a.zip", class_files(crops) | {"china\\0000.png": b"x"})
    assert "a.zip holds china/0000.png twice" in prepared_error(path, tmp_path / "set")


def test_the_names_in_a_dataset_json_may_be_written_so_too(crops, tmp_path):
    files = edm_files(crops)
    pairs = json.loads(files["dataset.json"])["labels"]
    table = {"labels": [["./" + name.replace("/", "\\"), label] for name, label in pairs]}
    path = as_zip(tmp_path / "edm.zip", files | {"dataset.json": json.dumps(table).encode()})
    assert open_source([path]).labels.tolist() == crops.labels.tolist()


def test_each_name_of_a_zip_is_looked_at_a_fixed_number_of_times(tmp_path, monkeypatch):
    """A duplicate at the end of many members costs no look at all pairs."""
    import r3gan.data.files

    count, looks = 500, []
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for i in range(count):
            archive.writestr(f"{i}.png", b"")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(f"{count - 1}.png", b"")

    class Name(str):
        def __hash__(self):
            looks.append(self)
            return super().__hash__()

        def __eq__(self, other):
            return str.__eq__(self, other)

    monkeypatch.setattr(r3gan.data.files, "normal_name", lambda name: Name(normal_name(name)))
    assert "holds 499.png twice" in prepared_error(tmp_path / "a.zip", tmp_path / "set")
    assert count <= len(looks) <= 3 * count

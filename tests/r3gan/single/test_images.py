import pytest

from r3gan.data.catalog import dataset_row
from r3gan.data.errors import BadData, DatasetUnavailable
from r3gan.single.images import dataset_of, prepare_images
from tests.r3gan.conftest import as_folder, class_files


@pytest.fixture
def photos(tmp_path, crops, monkeypatch):
    """A folder of images, beside an empty data folder."""
    monkeypatch.setenv("R3GAN_DATA", str(tmp_path / "data"))
    return as_folder(tmp_path / "my photos", class_files(crops))


def test_a_known_name_is_taken_as_it_is(photos):
    assert dataset_of("cifar10", 64) == "cifar10"


def test_images_at_a_path_are_prepared_for_the_resolution_and_are_then_a_dataset_by_name(photos, capsys):
    name = dataset_of(str(photos), 16)
    assert name == "my-photos-16"
    prepare_images(str(photos), name, 16)
    assert dataset_row(name).facts == (16, 2, 48)
    assert "16x16" in capsys.readouterr().err
    assert dataset_of(name, 16) == dataset_of(str(photos.parent / "data" / name), 16) == name
    prepare_images(str(photos), name, 16)
    assert "is prepared already" in capsys.readouterr().err


def test_a_folder_that_has_other_images_by_now_is_refused(photos):
    name = dataset_of(str(photos), 16)
    prepare_images(str(photos), name, 16)
    next(photos.rglob("*.png")).unlink()
    with pytest.raises(BadData, match="was prepared from 48 images of folder my photos, not from 47 images"):
        prepare_images(str(photos), name, 16)


def test_another_folder_of_the_same_name_is_refused(photos, crops, tmp_path):
    name = dataset_of(str(photos), 16)
    prepare_images(str(photos), name, 16)
    other = as_folder(tmp_path / "more" / "my-photos", class_files(crops))
    assert dataset_of(str(other), 16) == name
    with pytest.raises(
        BadData, match="was prepared from 48 images of folder my photos, not from 48 images of folder my-"
    ):
        prepare_images(str(other), name, 16)


def test_a_path_that_is_not_there_is_told_with_the_known_names(photos):
    with pytest.raises(DatasetUnavailable, match=r"is no path; cifar01 is unknown; did you mean cifar10\?"):
        dataset_of("cifar01", 32)

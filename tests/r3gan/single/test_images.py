import shutil

import pytest

from r3gan.__main__ import main
from r3gan.data.catalog import dataset_row
from r3gan.data.errors import BadData, DatasetUnavailable
from r3gan.data.manifest import read_manifest
from r3gan.files import write_json
from r3gan.jobdir import JobDir
from r3gan.single.images import dataset_of, images_at, prepare_images, require_same_images
from tests.r3gan.conftest import as_folder, class_files, flat_files


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
    prepare_images(images_at(str(photos), name), name, 16)
    assert dataset_row(name).facts == (16, 2, 48, 3)
    assert "16x16" in capsys.readouterr().err
    assert dataset_of(name, 16) == dataset_of(str(photos.parent / "data" / name), 16) == name
    assert images_at(str(photos), name) is None
    assert "is prepared already" in capsys.readouterr().err


def test_a_folder_that_has_other_images_by_now_is_refused(photos):
    name = dataset_of(str(photos), 16)
    prepare_images(images_at(str(photos), name), name, 16)
    next(photos.rglob("*.png")).unlink()
    with pytest.raises(BadData, match="was prepared from 48 images of folder my photos, not from 47 images"):
        images_at(str(photos), name)


def test_another_folder_of_the_same_name_is_refused(photos, crops, tmp_path):
    name = dataset_of(str(photos), 16)
    prepare_images(images_at(str(photos), name), name, 16)
    other = as_folder(tmp_path / "more" / "my-photos", class_files(crops))
    assert dataset_of(str(other), 16) == name
    with pytest.raises(
        BadData, match="was prepared from 48 images of folder my photos, not from 48 images of folder my-"
    ):
        images_at(str(other), name)


def test_a_path_that_is_not_there_is_told_with_the_known_names(photos):
    with pytest.raises(DatasetUnavailable, match=r"is no path; cifar01 is unknown; did you mean cifar10\?"):
        dataset_of("cifar01", 32)


@pytest.fixture
def command(photos, monkeypatch, tmp_path, capsys):
    """A function that runs `r3gan train` on the images, which must fail before anything is prepared."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def train(*words, preset="{like: ffhq64, resolution: 16}", data=photos):
        assert main(["train", "--data", str(data), "--preset", preset, "--out", "out", *words]) == 2
        assert not (tmp_path / "data").exists()
        return capsys.readouterr().err

    return train


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["bach_size=3"], "did you mean batch_size?"),
        (["batch_size=none"], "'none' is not a valid integer"),
        (["--gpus", "3", "evaluation.metrics=[]"], "3 GPUs cannot share the batch_size 256 evenly"),
        ([], "evaluation.metrics.0: fid needs 1000 training images at least, not 48"),
        (["evaluation.metrics=[digits]"], "digits is of stacked digits, which these are not"),
        (["evaluation.metrics=[]", "--out", "/dev/null/out"], "/dev/null/out cannot be made: /dev/null is no folder"),
        (["evaluation.metrics=[]", "--out", "/dev/null/a/b"], "/dev/null is no folder"),
    ],
)
def test_a_mistake_in_the_command_is_told_before_images_are_prepared(command, words, told):
    message = command(*words)
    assert told in message
    assert message.startswith("error: ")


def test_labels_that_a_conditional_network_needs_are_missed_before_images_are_prepared(command, crops, tmp_path):
    flat = as_folder(tmp_path / "flat", flat_files(crops))
    message = command("network.conditional=true", "evaluation.metrics=[]", data=flat)
    assert message == "error: --data: network.conditional: needs labels, and flat-16 has none\n"


def test_images_that_are_too_small_for_the_preset_are_told_with_the_preset_for_them(command):
    message = command("evaluation.metrics=[]", preset="ffhq64")
    assert "is smaller than the 64x64 of the network: " in message
    assert "write `--preset '{like: ffhq64, resolution: 32}'`" in message


def test_what_fails_while_images_are_prepared_leaves_nothing_behind(photos, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    (photos / "flower" / "0040.png").write_bytes(b"no image")
    words = ["--preset", "{like: ffhq64, resolution: 16}", "--out", "out", "evaluation.metrics=[]"]
    assert main(["train", "--data", str(photos), *words]) == 2
    assert "0040.png" in capsys.readouterr().err
    assert list((tmp_path / "data").iterdir()) == []
    assert not (tmp_path / "out").exists()


def test_a_training_is_not_taken_for_one_on_the_images_that_have_its_datasets_name_now(photos, tmp_path):
    name = dataset_of(str(photos), 16)
    job = JobDir(tmp_path / "job")
    job.root.mkdir()
    require_same_images(job, name)  # nothing was trained yet
    prepare_images(images_at(str(photos), name), name, 16)
    content = read_manifest(tmp_path / "data" / name).content_hash
    write_json(job.environment, {"dataset": {"name": name, "content_hash": content}})
    require_same_images(job, name)
    shutil.rmtree(tmp_path / "data" / name)
    shutil.copy(photos / "china" / "0000.png", photos / "flower" / "0030.png")
    require_same_images(job, name)  # nothing is prepared that could be compared
    prepare_images(images_at(str(photos), name), name, 16)
    with pytest.raises(BadData, match=f"job was trained on {name} with content {content}, which is .* now: bring"):
        require_same_images(job, name)

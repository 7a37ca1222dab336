"""`r3gan generate` from the outside: what it writes, for which seeds and classes, and what it refuses."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from r3gan import load_generator
from r3gan.__main__ import main
from r3gan.data.prepare import Options, survey
from r3gan.data.recognise import open_source
from r3gan.generation.images import to_pixels
from r3gan.generation.outputs import Batch, Whole, write_npz, write_tensors, write_zip

ROOT = Path(__file__).parents[3]


def generate(source, destination, *options):
    return main(["generate", str(source), str(destination), "--device", "cpu", *map(str, options)])


def arrays(path):
    with np.load(path) as found:
        return {name: found[name] for name in found}


def pngs(folder):
    return {int(path.stem[3:]): np.asarray(Image.open(path)) for path in sorted(folder.rglob("img*.png"))}


def test_without_options_the_grid_is_the_last_sample_grid_of_the_job(job, tmp_path, capsys):
    assert generate(job.root, tmp_path / "grid.png") == 0
    assert np.array_equal(np.asarray(Image.open(tmp_path / "grid.png")), np.asarray(Image.open(job.sample(80))))
    said = capsys.readouterr().out
    assert said == f"{tmp_path / 'grid.png'} is written: one grid, 64 images of 8x8, by {job.root} after 0.08 kimg\n"


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_a_seed_has_the_same_image_in_every_format_and_batch(conditional, tmp_path, batch):
    reference = tmp_path / "reference.npz"
    assert generate(conditional, reference, "--count", 20) == 0
    expected = arrays(reference)
    seeds = [3, 4, 5, 17, 0]
    for name in ("some.npz", "folder", "some.zip", "some.safetensors"):
        assert generate(conditional, tmp_path / name, "--seeds", "3-5,17,0", "--batch", batch) == 0
    some = arrays(tmp_path / "some.npz")
    assert np.array_equal(some["arr_0"], expected["arr_0"][seeds])
    assert np.array_equal(some["arr_1"], expected["arr_1"][seeds])
    found = pngs(tmp_path / "folder")
    assert sorted(found) == sorted(seeds)
    assert all(np.array_equal(found[seed], expected["arr_0"][seed]) for seed in seeds)
    assert np.array_equal(to_pixels(load_file(tmp_path / "some.safetensors")["images"]), some["arr_0"])
    with zipfile.ZipFile(tmp_path / "some.zip") as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        labels = dict(json.loads(archive.read("dataset.json"))["labels"])
        assert labels == {f"00000/img{seed:08d}.png": expected["arr_1"][seed] for seed in seeds}
        assert json.loads((tmp_path / "folder" / "dataset.json").read_text())["labels"] == list(
            map(list, labels.items())
        )
        for name in labels:
            assert archive.read(name) == (tmp_path / "folder" / name).read_bytes()


def test_folder_and_zip_are_read_back_as_datasets_with_their_labels(conditional, tmp_path):
    for name in ("folder", "some.zip"):
        assert generate(conditional, tmp_path / name, "--count", 30) == 0
        source = open_source([tmp_path / name], "auto")
        assert len(source) == 30
        assert set(source.labels) == {0, 1, 2}
        assert sum(len(images) for images, _ in survey(source, Options(), 8)) == 30


def test_classes_are_those_named_and_drawn_alike_otherwise(conditional, tmp_path):
    generate(conditional, tmp_path / "named.npz", "--seeds", "5-10", "--classes", "2,0")
    assert arrays(tmp_path / "named.npz")["arr_1"].tolist() == [0, 2, 0, 2, 0, 2]  # seed mod 2
    generate(conditional, tmp_path / "all.npz", "--count", 300)
    assert np.bincount(arrays(tmp_path / "all.npz")["arr_1"]).min() > 70
    generate(conditional, tmp_path / "same.npz", "--count", 300, "--classes", 1)
    made, drawn = arrays(tmp_path / "same.npz"), arrays(tmp_path / "all.npz")
    alike = (made["arr_0"] == drawn["arr_0"]).reshape(300, -1).all(1)
    assert np.array_equal(alike, drawn["arr_1"] == 1)


def test_an_unconditional_generator_writes_no_labels(job, tmp_path):
    generate(job.root, tmp_path / "a.zip", "--count", 2)
    generate(job.root, tmp_path / "a.npz", "--count", 2)
    assert json.loads(zipfile.ZipFile(tmp_path / "a.zip").read("dataset.json")) == {"labels": None}
    assert list(arrays(tmp_path / "a.npz")) == ["arr_0"]


def test_latents_and_labels_come_from_a_file_and_truncation_scales_them(conditional, tmp_path, capsys):
    z, labels = torch.randn(5, 6), torch.tensor([2, 0, 1, 1, 2])
    save_file({"z": z, "labels": labels, "more": z.clone()}, tmp_path / "z.safetensors")
    for name, options in (("a", ()), ("b", ("--truncation", 0.5))):
        generate(conditional, tmp_path / f"{name}.safetensors", "--latents", tmp_path / "z.safetensors", *options)
    assert "left out more" in capsys.readouterr().err
    generator = load_generator(conditional)
    for name, scale in (("a", 1.0), ("b", 0.5)):
        images = load_file(tmp_path / f"{name}.safetensors")["images"].clamp(-1, 1)
        assert torch.allclose(images, generator(scale * z, labels), atol=1e-5)
    weights = torch.full((5, 3), 1 / 3)
    save_file({"z": z, "labels": weights}, tmp_path / "mixed.safetensors")
    generate(conditional, tmp_path / "c.zip", "--latents", tmp_path / "mixed.safetensors")
    assert "mixes classes" in capsys.readouterr().err
    assert json.loads(zipfile.ZipFile(tmp_path / "c.zip").read("dataset.json")) == {"labels": None}


BAD_LATENTS = {
    "z is [5, 7]: [N, 6] was expected": {"z": torch.zeros(5, 7)},
    "z is [0, 6]": {"z": torch.zeros(0, 6)},
    "holds latents: a tensor 'z'": {"latents": torch.zeros(5, 6)},
    "finite floating-point": {"z": torch.full((5, 6), float("nan"))},
    "has no labels, which this generator needs": {"z": torch.zeros(5, 6)},
    "labels are [4]: classes [5] from 0 to 2": {"z": torch.zeros(5, 6), "labels": torch.zeros(4, dtype=torch.int64)},
    "labels are [5]: classes [5] from 0 to 2": {"z": torch.zeros(5, 6), "labels": torch.full((5,), 3)},
}


@pytest.mark.parametrize("message", BAD_LATENTS)
def test_latents_that_do_not_fit_are_refused(conditional, tmp_path, capsys, message):
    save_file(BAD_LATENTS[message], tmp_path / "z.safetensors")
    assert generate(conditional, tmp_path / "a.npz", "--latents", tmp_path / "z.safetensors") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "a.npz").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["a.png", "--classes", "1,3"], "--classes: 3 is no class of this generator, which has 0 to 2"),
        (["a.jpg"], "known endings are .png (one grid), none (a folder of PNGs)"),
        (["a.png", "--count", "5000"], "a grid shows at most 4096 images, not 5000"),
        (["a.png", "--device", "tpu"], "--device tpu: cpu, cuda or cuda:NUMBER was expected"),
        (["a.png", "--device", "cuda:99"], "CUDA devices here"),
        (["there.png"], "there.png exists already"),
        (["a.png", "--weights", "raw"], "holds one generator"),
        (["a.png", "--latents", "nowhere.safetensors"], "nowhere.safetensors cannot be read"),
    ],
)
def test_bad_input_is_one_sentence(conditional, tmp_path, capsys, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    Path("there.png").write_bytes(b"mine")
    assert main(["generate", str(conditional), *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["there.png"]
    assert Path("there.png").read_bytes() == b"mine"


def test_classes_for_an_unconditional_generator_are_refused(job, tmp_path, capsys):
    assert generate(job.root, tmp_path / "a.png", "--classes", "0") == 2
    assert "unconditional" in capsys.readouterr().err


@pytest.mark.parametrize("seeds", ["", "a", "3-1", "1,,2", "-1", "0-99999999999", "1,2,1", "1.5", "²"])
def test_seeds_that_are_none_are_refused_before_anything_is_loaded(seeds, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        generate(tmp_path / "nothing", tmp_path / "a.png", f"--seeds={seeds}")
    assert stopped.value.code == 2
    assert "argument --seeds" in capsys.readouterr().err


def test_more_images_than_one_command_makes_are_refused_with_their_number_and_the_way_out(tmp_path, capsys):
    for option in (("--seeds", "7,0-99999999998"), ("--count", "100000000000")):
        with pytest.raises(SystemExit):
            generate(tmp_path / "nothing", tmp_path / "a.npz", *option)
        told = capsys.readouterr().err
        assert "100,000,000,000 are more than 10,000,000, the most of one command: name a part of them" in told


def test_an_array_for_which_there_is_no_room_is_refused_before_the_work_and_pngs_are_told(
    conditional, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**6, 10**6, 8 * 8 * 3 * 50))
    assert generate(conditional, tmp_path / "a.npz", "--count", 51) == 2
    told = capsys.readouterr().err
    assert "51 images of 8x8 are 0.0 GiB, 0.0 GiB are free: ask for fewer, or write a .zip of PNGs" in told
    assert generate(conditional, tmp_path / "a.safetensors", "--count", 13) == 2
    assert generate(conditional, tmp_path / "a.npz", "--count", 50) == 0
    assert generate(conditional, tmp_path / "a.zip", "--count", 51) == 0
    assert "warning: " in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "a.zip"]


def test_a_discriminators_weights_are_told_apart_from_a_generators(job, tmp_path, capsys):
    path = job.last_checkpoint() / "discriminator.safetensors"
    assert generate(path, tmp_path / "a.png") == 2
    told = capsys.readouterr().err
    assert f"{path} holds the weights of a discriminator, which makes no images: name ema.safetensors" in told


def drawn_batches(count, size, batch):
    for start in range(0, count, batch):
        numbers = range(start, min(start + batch, count))
        yield Batch(numbers, torch.rand(len(numbers), 3, size, size), [0] * len(numbers))


@pytest.mark.parametrize("write", [write_npz, write_tensors, write_zip])
def test_memory_does_not_grow_with_the_number_of_images(write, tmp_path):
    """tracemalloc sees numpy's and Python's memory: 16 MiB of pixels pass through a few."""
    import tracemalloc

    count, size = 1400, 64
    tracemalloc.start()
    write(Whole(drawn_batches(count, size, 10), count, size), tmp_path / "out")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "out").stat().st_size > 16 * 2**20
    assert peak < 4 * 2**20


@pytest.mark.parametrize(("name", "number"), [("out.npz", signal.SIGKILL), ("out", signal.SIGTERM)])
def test_a_killed_run_leaves_nothing_under_the_final_name(conditional, tmp_path, name, number):
    folder = tmp_path / "made"
    command = ["generate", str(conditional), str(folder / name), "--count", "9000000", "--device", "cpu"]
    process = subprocess.Popen([sys.executable, "-m", "r3gan", *command], cwd=ROOT, stderr=subprocess.DEVNULL)
    while not (folder.exists() and any(path.is_file() for path in folder.rglob("*"))):
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, number)
    assert process.wait(60) != 0
    assert not (folder / name).exists()
    assert number == signal.SIGKILL or list(folder.iterdir()) == []

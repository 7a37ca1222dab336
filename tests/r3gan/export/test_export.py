"""`r3gan export`: what other programs read of the written files, and that a file which differs is not left behind."""

import json
import sys

import numpy as np
import pytest
import torch

from r3gan import load_generator
from r3gan.__main__ import main
from r3gan.export import formats
from r3gan.export.formats import FORMATS
from r3gan.export.traced import CHECKED_BATCHES
from r3gan.generation.inputs import latents_of
from r3gan.model.resampling import _kernel
from r3gan.tensor_files import load_tensors
from r3gan.training.numerics import use_tf32

MORE = 5  # a batch that no check saw


def inputs_for(generator, count=MORE):
    z = latents_of(range(100, 100 + count), generator.latent_dim, generator.noise_dim)
    return [z, torch.eye(generator.classes)[torch.arange(count) % generator.classes]] if generator.classes else [z]


def images_of_onnx(path, inputs):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(path))
    names = [value.name for value in session.get_inputs()]
    facts = json.loads(session.get_modelmeta().custom_metadata_map["r3gan"])
    return session.run(["images"], dict(zip(names, map(np.asarray, inputs), strict=True)))[0], names, facts


def images_of_program(path, inputs):
    files = {"r3gan.json": ""}
    program = torch.export.load(path, extra_files=files).module()
    return program(*inputs).numpy(), ["z", "labels"][: len(inputs)], json.loads(files["r3gan.json"])


def images_of_weights(path, inputs):
    return load_generator(path)(*inputs).numpy(), ["z", "labels"][: len(inputs)], load_tensors(path)[1]


READERS = {".onnx": images_of_onnx, ".pt2": images_of_program, ".safetensors": images_of_weights}


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_file_makes_the_generators_images_in_batches_of_any_size(suffix, weights_file, tmp_path, capsys):
    for package in FORMATS[suffix].packages:
        pytest.importorskip(package)
    path = tmp_path / f"small{suffix}"
    _kernel.cache_clear()  # as in a process that has made no image yet
    assert main(["export", str(weights_file), str(path)]) == 0
    generator = load_generator(weights_file)
    inputs = inputs_for(generator)
    images, names, facts = READERS[suffix](path, inputs)
    expected = generator(*inputs).numpy()
    assert np.abs(images - expected).max() < 1e-4
    assert expected.std() > 0.02
    assert (np.abs(expected) < 1).mean() > 0.5  # not all clamped
    assert names == ["z", "labels"][: len(inputs)]
    assert facts["images"] == 5000
    assert facts["config"]["network"]["widths"] == [16, 8]
    assert facts["checked_batches"] == list(CHECKED_BATCHES)
    said = capsys.readouterr().out
    assert f"{facts['largest_difference']:.2g} at most" in said
    assert 0 <= facts["largest_difference"] < 1e-4
    assert "after 5 kimg" in said
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("on", [True, False])
def test_a_program_is_written_after_a_training_in_the_same_process(on, weights_file, tmp_path):
    use_tf32(on)
    try:
        assert main(["export", str(weights_file), str(tmp_path / "small.pt2")]) == 0
        assert torch.backends.cudnn.conv.fp32_precision == ("tf32" if on else "ieee")
    finally:
        use_tf32(False)


@pytest.mark.parametrize("broken", [float("nan"), 0.01])
def test_a_file_that_computes_something_else_is_an_error_and_is_removed(
    broken, weights_file, tmp_path, monkeypatch, capsys
):
    right = formats.open_weights

    def wrong(path):
        run = right(path)
        return lambda inputs: run(inputs) + (broken if len(inputs["z"]) > 2 else 0)

    monkeypatch.setitem(FORMATS, ".safetensors", FORMATS[".safetensors"]._replace(open=wrong))
    assert main(["export", str(weights_file), str(tmp_path / "new.safetensors")]) == 1
    assert f"differs from the generator by {broken:.2g}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_exported_is_one_sentence(weights_file, tmp_path, monkeypatch, capsys):
    (tmp_path / "there.pt2").touch()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    for destination, words in (
        ("model.pth", "model.pth ends in .pth: known endings are .safetensors"),
        ("there.pt2", "there.pt2 exists already"),
        ("model.onnx", "needs the package onnxruntime"),
        ("model.onnx", "pip install 'r3gan-ablations[export]'"),
    ):
        assert main(["export", str(weights_file), str(tmp_path / destination)]) == 2
        assert words in capsys.readouterr().err
    assert main(["export", str(tmp_path), str(tmp_path / "new.pt2")]) == 2
    assert "holds no generator" in capsys.readouterr().err

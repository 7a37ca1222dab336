"""`r3gan card`: a header that Hugging Face's library reads, numbers that were recorded, and five lines that run."""

import re
import sys
from dataclasses import replace

import pytest
import torch
from PIL import Image

from r3gan import load_generator
from r3gan.__main__ import main
from tests.r3gan.small import small_config
from tests.r3gan.training.test_train import run_inside

hub = pytest.importorskip("huggingface_hub")


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    config = small_config(seed=3, total_kimg=0.08)
    evaluation = replace(config.evaluation, keep_best="digits")
    return run_inside(replace(config, evaluation=evaluation), tmp_path_factory.mktemp("runs") / "small")[0]


def run_the_five_lines(card, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", card.read_text(), re.DOTALL)
    assert len(code.strip().splitlines()) == 5
    monkeypatch.chdir(card.parent)
    names = {}
    exec(code, names)
    return names["images"]


@pytest.mark.parametrize("weights", ["ema", "best", "raw"])
def test_a_job_has_its_own_numbers_data_and_settings_in_its_card(job, weights, tmp_path, monkeypatch, capsys):
    card = tmp_path / "README.md"
    assert main(["card", str(job.root), str(card), "--weights", weights]) == 0
    assert "'unknown: fill in': 1" in capsys.readouterr().out  # the licence of the weights
    loaded = hub.ModelCard.load(card)
    header = loaded.data.to_dict()
    assert (header["library_name"], header["pipeline_tag"]) == ("r3gan", "unconditional-image-generation")
    recorded = job.points()[-1]["metrics"]
    prefix = "best_" if weights == "best" else ""
    expected = {} if weights == "raw" else {f"{prefix}{k}": recorded[f"{prefix}{k}"] for k in NUMBERS}
    assert {result.metric_type: result.metric_value for result in loaded.data.eval_results or []} == expected
    text = card.read_text()
    for key, value in expected.items():
        assert f"| {key} | " in text
        assert f"| {value:.6g} | " in text
    assert ("None was recorded" in text) == (weights == "raw")
    for words in (
        "dataset: stacked-digits",
        "licence of the data: CC BY 4.0",
        '"total_kimg": 0.08',
        "after 0.08 thousand",
    ):
        assert words in text
    assert re.search(r"content hash: [0-9a-f]{16}\n", text)
    assert Image.open(tmp_path / "README.samples.png").size == (64, 64)
    assert ("weights=" in text) == (weights != "ema")
    if weights != "raw":
        assert f"| {prefix}d_kl_floor |" in text
        assert f"| {prefix}classifier_test_accuracy |" in text
    torch.manual_seed(0)
    images = run_the_five_lines(card, monkeypatch)
    assert images.shape == (16, 3, 8, 8)
    torch.manual_seed(0)
    generator = load_generator(job.root, weights=weights)
    assert torch.equal(images, generator(torch.randn(16, generator.latent_dim)))


NUMBERS = ("modes", "d_kl", "frechet_distance_digits")


def test_what_is_not_known_is_to_be_filled_in(weights_file, tmp_path, monkeypatch, capsys):
    copy = tmp_path / "model.safetensors"
    copy.write_bytes(weights_file.read_bytes())
    assert main(["card", str(copy), str(tmp_path / "model.md")]) == 0
    text = (tmp_path / "model.md").read_text()
    assert "content hash: unknown: fill in" in text
    assert "'unknown: fill in': 2" in capsys.readouterr().out
    assert "model-index" not in text
    assert run_the_five_lines(tmp_path / "model.md", monkeypatch).shape == (16, 3, 8, 8)


def test_a_card_is_not_written_over_another_or_without_the_library(weights_file, tmp_path, monkeypatch, capsys):
    (tmp_path / "there.samples.png").touch()
    for name, words in (("card.txt", "ends in .md"), ("there.md", "there.samples.png exists already")):
        assert main(["card", str(weights_file), str(tmp_path / name)]) == 2
        assert words in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert main(["card", str(weights_file), str(tmp_path / "new.md")]) == 2
    assert "needs the package huggingface_hub" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["there.samples.png"]

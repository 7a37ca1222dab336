from pathlib import Path

import pytest
import torch
from PIL import Image

from r3gan.classifier import get_classifier
from r3gan.data import load_dataset
from r3gan.distributed import World
from r3gan.evaluation import StackedDigitsEvaluator, evaluate, save_grid
from r3gan.metrics import kl_floor, kl_to_uniform
from r3gan.networks import Generator, initialise
from tests.r3gan.small import small_network

CPU = torch.device("cpu")
ALONE = World(0, 1, CPU)


@pytest.fixture(scope="module")
def data():
    return load_dataset("stacked-digits", Path("nowhere"), CPU)


@pytest.fixture(scope="module")
def evaluator(data):
    return StackedDigitsEvaluator(data, CPU)


def test_classifier_is_accurate_on_held_out_digits_and_cached(data, evaluator, monkeypatch):
    assert evaluator.test_accuracy > 0.98
    monkeypatch.setattr("r3gan.classifier.train_classifier", lambda data: pytest.fail("trained twice"))
    again, accuracy = get_classifier(data, CPU)
    assert accuracy == evaluator.test_accuracy
    assert torch.equal(again.head.weight, evaluator.classifier.head.weight)


def test_real_images_score_perfectly(data, evaluator):
    images, labels = data.gather(data.indices(5, "test", 0, 20_000))
    described = [evaluator.describe(part.float() / 127.5 - 1) for part in images.split(1000)]
    modes, features = (torch.cat(parts) for parts in zip(*described, strict=True))
    metrics = evaluator.measure(modes, features)
    assert (modes == labels).double().mean() > 0.97
    assert metrics["modes"] == 1000
    uneven_digits = 3 * kl_to_uniform(torch.bincount(data.train.labels))
    assert metrics["d_kl"] == pytest.approx(kl_floor(20_000, 1000) + uneven_digits, rel=0.15)
    # The exact reference against a sample of the same distribution: only sampling noise is left.
    assert metrics["frechet_distance_digits"] < 0.005 * features.var(0).sum()


def test_a_collapsed_generator_scores_as_such(evaluator):
    images = torch.zeros(1000, 3, 8, 8)
    metrics = evaluator.measure(*evaluator.describe(images))
    assert metrics["modes"] == 1
    assert metrics["d_kl"] == pytest.approx(torch.tensor(1000.0).log().item())


def test_evaluation_and_grid_use_fixed_latents(evaluator, tmp_path):
    generator = Generator(small_network())
    initialise(generator, 0, "generator")
    first, second = (evaluate(generator, evaluator, seed=4, samples=1000, world=ALONE) for _ in range(2))
    assert first == second
    assert first != evaluate(generator, evaluator, seed=5, samples=1000, world=ALONE)
    for name in ("a.png", "b.png"):
        save_grid(generator, 4, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert Image.open(tmp_path / "a.png").size == (64, 64)

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from r3gan.config import EvaluationConfig
from r3gan.data.catalog import DatasetUnavailable
from r3gan.distributed import World
from r3gan.evaluation import reference
from r3gan.evaluation.classifier import classifier_file, load_classifier
from r3gan.evaluation.evaluator import Evaluator
from r3gan.evaluation.modes import kl_floor, kl_to_uniform
from r3gan.evaluation.protocol import metric_problems, recorded_key
from r3gan.evaluation.sampling import fixed_inputs
from r3gan.model.networks import Generator, initialise
from r3gan.tables.metrics import DIGITS, METRICS
from tests.r3gan.small import small_network

CPU = torch.device("cpu")
ALONE = World(0, 1, CPU)


def small_generator(**changes):
    generator = Generator(small_network(**changes), classes=1000)
    initialise(generator, 0, "generator")
    return generator


def test_classifier_is_accurate_on_held_out_digits_and_cached(digits, digits_evaluator, monkeypatch):
    used = digits_evaluator.networks[DIGITS]
    assert used.about["classifier_test_accuracy"] > 0.98
    monkeypatch.setattr("r3gan.evaluation.classifier.train_classifier", lambda data: pytest.fail("trained twice"))
    again, accuracy = load_classifier(classifier_file(digits))
    assert {"classifier_test_accuracy": accuracy} == used.about
    assert torch.equal(again.head.weight, used.network.classifier.head.weight)


def test_real_images_score_perfectly(digits, digits_evaluator):
    images, labels = digits.gather(digits.indices(5, "test", 0, 20_000))
    features = digits_evaluator.features(images.split(1000), ["digits"])
    metrics = digits_evaluator.measure(features, ["digits"])
    named = features[DIGITS]["digits"] @ torch.tensor([100, 10, 1])
    assert (named == labels).double().mean() > 0.97
    assert metrics["modes"] == 1000
    uneven_digits = 3 * kl_to_uniform(torch.bincount(digits.train.labels))
    assert metrics["d_kl"] == pytest.approx(kl_floor(20_000, 1000) + uneven_digits, rel=0.15)
    # The exact reference against a sample of the same distribution: only sampling noise is left.
    assert metrics["frechet_distance_digits"] < 0.005 * features[DIGITS]["features"].var(0).sum()


def test_the_exact_reference_is_that_of_every_training_digit_once(digits, digits_evaluator):
    classifier = digits_evaluator.networks[DIGITS].network.classifier
    features = classifier.features(digits.train.images.float() / 127.5 - 1).double().numpy()
    exact = digits_evaluator.references["digits"]
    assert exact.mean == pytest.approx(np.tile(features.mean(0), 3), rel=1e-5, abs=1e-6)
    width = features.shape[1]
    assert exact.covariance[:width, :width] == pytest.approx(np.cov(features.T), rel=1e-4, abs=1e-6)
    assert not exact.covariance[:width, width:].any()


def test_a_collapsed_generator_scores_as_such(digits_evaluator):
    images = torch.full((1000, 3, 8, 8), 127, dtype=torch.uint8)
    metrics = digits_evaluator.measure(digits_evaluator.features([images], ["digits"]), ["digits"])
    assert metrics["modes"] == 1
    assert metrics["d_kl"] == pytest.approx(torch.tensor(1000.0).log().item())


def test_evaluation_uses_fixed_latents(digits_evaluator):
    generator = small_generator()
    first, second, other, new = (
        digits_evaluator.evaluate(generator, ["digits"], seed, ALONE, purpose=purpose)
        for seed, purpose in ((4, "evaluation"), (4, "evaluation"), (5, "evaluation"), (4, "best"))
    )
    assert first == second
    assert first != other
    assert first != new


def test_two_ranks_see_the_features_that_one_sees(digits_evaluator, monkeypatch):
    """Each rank's share in its place: the numbers of one rank to 1e-6."""
    generator = small_generator()
    alone = digits_evaluator.evaluate(generator, ["digits"], 0, ALONE)
    parts = {rank: [] for rank in (0, 1)}
    for rank in (1, 0):
        world = World(rank, 2, CPU)
        taken = iter(parts[1]) if rank == 0 else None

        def gather(self, mine, rank=rank, taken=taken):
            parts[rank].append(mine)
            return torch.cat([mine, next(taken)]) if taken else mine

        monkeypatch.setattr(World, "gather", gather)
        metrics = digits_evaluator.evaluate(generator, ["digits"], 0, world)
        assert bool(metrics) == (rank == 0)
    assert metrics == pytest.approx(alone, rel=1e-6)


def test_references_are_computed_once_by_jobs_that_start_together(digits, tmp_path, monkeypatch):
    """Eight at once, each with locks and files of its own, as processes have."""
    shutil.copy(classifier_file(digits), tmp_path)  # trained before
    monkeypatch.setenv("R3GAN_CACHE", str(tmp_path))
    monkeypatch.setattr(reference, "DRAWN_IMAGES", 1000)
    monkeypatch.setitem(METRICS, "fid", replace(METRICS["fid"], extractor=DIGITS, layers=("features",)))
    computed, compute = [], reference.statistics_of
    monkeypatch.setattr(reference, "statistics_of", lambda *parts: computed.append(1) or compute(*parts))
    asked = EvaluationConfig(every_kimg=1.0, metrics=("fid",))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: Evaluator(asked, digits, tmp_path, CPU).references["fid"], range(8)))
    assert len(computed) == 1
    assert all(np.array_equal(one.covariance, found[0].covariance) for one in found)
    assert [path.suffix for path in tmp_path.glob("reference-*") if path.suffix == ".tmp"] == []


def test_classes_of_samples_follow_the_dataset_or_are_balanced():
    generator = Generator(small_network(conditional=True), classes=3)
    histogram = torch.tensor([700, 0, 300])
    _, labels = fixed_inputs(generator, histogram, 0, "evaluation", 30_000)
    assert labels.sum(0) / 30_000 == pytest.approx([0.7, 0.0, 0.3], abs=0.01)
    _, labels = fixed_inputs(generator, histogram, 0, "evaluation", 30_000, "balanced")
    assert labels.sum(0).tolist() == [10_000] * 3


def test_the_digit_metrics_are_refused_for_other_data(digits):
    class Photographs:
        name, label_histogram = "photographs", torch.zeros(0)

    with pytest.raises(DatasetUnavailable, match="which photographs is not"):
        Evaluator(EvaluationConfig(every_kimg=1.0), Photographs(), Path("nowhere"), CPU)


@pytest.mark.parametrize(
    ("name", "samples", "weights", "key"),
    [
        ("fid", 50_000, "ema", "fid50k"),
        ("fid", 1500, "raw", "fid1500_raw"),
        ("kid_std", 10_000, "ema", "kid10k_std"),
        ("fd_dinov2", 50_000, "ema", "fd_dinov2_50k"),
        ("modes", 26_000, "ema", "modes"),
        ("modes", 26_000, "raw", "modes_raw"),
    ],
)
def test_the_protocol_is_in_the_name(name, samples, weights, key):
    assert recorded_key(name, replace(EvaluationConfig(every_kimg=1.0), samples=samples, weights=weights)) == key


def test_what_cannot_be_measured_on_a_dataset_is_told_before_training():
    asked = EvaluationConfig(every_kimg=1.0, metrics=("digits", "fid"), at_end=("kid", "inception-score"))
    assert [problem.path[1:] for problem in metric_problems(asked, kind="images", images=999)] == [
        ("metrics", 0),
        ("metrics", 1),
        ("at_end", 0),
    ]
    assert metric_problems(asked, kind="stacked digits", images=None) == []


def test_without_metrics_no_samples_are_made(digits, monkeypatch):
    evaluator = Evaluator(EvaluationConfig(every_kimg=1.0, samples=50_000, metrics=()), digits, Path("nowhere"), CPU)
    monkeypatch.setattr("r3gan.evaluation.evaluator.generate", None)
    assert evaluator.evaluate(Generator(small_network()), (), 0, World(0, 1, CPU)) == {}

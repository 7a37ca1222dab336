import numpy as np
import pytest
import scipy.linalg
import torch
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

from r3gan.evaluation.scores import Reference, density_and_coverage, frechet_distance
from r3gan.tables.metrics import METRICS


def statistics(features):
    return Reference(mean=features.mean(0), covariance=np.cov(features.T))


def test_frechet_distance_equals_scipys_matrix_root():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(60, 7)), rng.normal(size=(50, 7)) @ rng.normal(size=(7, 7)) + 0.3
    root = scipy.linalg.sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root)
    assert frechet_distance(torch.from_numpy(a), statistics(b)) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(torch.from_numpy(a), statistics(a)) == pytest.approx(0, abs=1e-6)


def test_frechet_distance_is_torch_fidelitys_bit_for_bit():
    draws = torch.Generator().manual_seed(0)
    features, others = torch.randn(300, 40, generator=draws), torch.randn(200, 40, generator=draws).double() + 0.1
    theirs = fid_features_to_statistics(others)
    own = fid_statistics_to_metric(fid_features_to_statistics(features.double()), theirs, verbose=False)
    reference = Reference(mean=theirs["mu"], covariance=theirs["sigma"])
    assert frechet_distance(features, reference) == own["frechet_inception_distance"]


def test_kid_is_within_its_spread_of_zero_for_one_distribution_and_not_for_two():
    draws = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(3000, 16, generator=draws) for _ in range(2))
    reference = Reference(features=real)
    same = METRICS["kid"].scorer({"2048": fake}, reference)
    other = METRICS["kid"].scorer({"2048": fake + 0.5}, reference)
    assert abs(same["kid"]) < 2 * same["kid_std"]
    assert other["kid"] > 10 * other["kid_std"]


def test_kid_equals_the_unbiased_estimator_written_out():
    """One subset that holds everything is the plain estimate of arXiv 1801.01401, eq. 3, with its cubic kernel."""
    draws = torch.Generator().manual_seed(0)
    fake, real = (torch.randn(1000, 8, generator=draws).double() + shift for shift in (0, 0.2))

    def kernel(a, b):
        return (a @ b.T / 8 + 1) ** 3

    m = len(fake)
    within = sum((kernel(x, x).sum() - kernel(x, x).trace()) / (m * (m - 1)) for x in (fake, real))
    expected = within - 2 * kernel(fake, real).mean()
    assert METRICS["kid"].scorer({"2048": fake}, Reference(features=real))["kid"] == pytest.approx(
        expected.item(), rel=1e-6
    )


def test_inception_score_of_sure_and_even_classes_is_their_number():
    logits = 100.0 * torch.eye(5)[torch.arange(2000) % 5]
    assert METRICS["inception-score"].scorer({"logits_unbiased": logits}, Reference())["is"] == pytest.approx(
        5, rel=0.02
    )


def test_precision_and_recall_of_half_a_distribution():
    """All samples lie in one of two distant real clusters: every sample is real, half of the real is reached."""
    draws = torch.Generator().manual_seed(0)
    real = torch.randn(400, 4, generator=draws) + 100 * (torch.arange(400) % 2)[:, None]
    fake = torch.randn(300, 4, generator=draws)
    scores = METRICS["precision-recall"].scorer({"fc2_relu": fake}, Reference(features=real))
    assert scores["precision"] > 0.85
    assert scores["recall"] == pytest.approx(0.5, abs=0.07)


def test_density_and_coverage_equal_a_hand_count():
    # Balls up to the first neighbour: radius 1, 1 and 3 around 0, 1 and 4.
    real, fake = torch.tensor([[0.0], [1.0], [4.0]]), torch.tensor([[0.5], [1.5], [9.0], [9.5]])
    # 0.5 lies in the balls of 0 and 1; 1.5 in those of 1 and 4; the others in none.
    assert density_and_coverage(fake, real, neighbours=1) == {"density": 4 / 4, "coverage": 1.0}
    assert density_and_coverage(fake[2:], real, neighbours=1) == {"density": 0.0, "coverage": 0.0}

"""From features to numbers: torch-fidelity's metrics, density and coverage, and the modes of stacked digits.

torch-fidelity takes seconds to load, so that it is loaded where it computes. Frechet distances are written out here
as it computes them: the quick profile needs one, and nothing else of it.

Each scorer takes the features of N samples by layer, what they are compared with, and a device; a row of
r3gan/tables/metrics.py names it.

Shapes: N generated samples, M training images, F features.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from r3gan.data.digits import digits_of, stacked_label
from r3gan.evaluation.modes import covered_modes, kl_floor, kl_to_uniform

SEED = 2020  # torch-fidelity's own, for the subsets of KID and the splits of the Inception score
NEIGHBOURS_PRECISION, NEIGHBOURS_DENSITY = 3, 5  # as in the papers
ROWS_AT_ONCE = 1000  # of a matrix of distances


@dataclass(frozen=True)
class Reference:
    """What samples are compared with: float64 statistics of all training images, or features of some."""

    mean: np.ndarray | None = None  # [F]
    covariance: np.ndarray | None = None  # [F, F]
    features: Tensor | None = None  # [M, F]
    shares: Tensor | None = None  # probabilities of modes and, last, of none: float64 [M + 1]


Features = dict[str, Tensor]  # layer -> [N, F]


def score_fid(features: Features, reference: Reference, device: torch.device | None = None) -> dict[str, float]:
    """Frechet inception distance."""
    return {"fid": frechet_distance(only_layer(features), reference)}


def score_fd_dinov2(features: Features, reference: Reference, device: torch.device | None = None) -> dict[str, float]:
    """Frechet distance of DINOv2 features."""
    return {"fd_dinov2": frechet_distance(only_layer(features), reference)}


def score_inception(features: Features, reference: Reference, device: torch.device | None = None) -> dict[str, float]:
    """Inception score, and its deviation over the splits."""
    from torch_fidelity.metric_isc import isc_features_to_metric

    scores = isc_features_to_metric(only_layer(features), rng_seed=SEED)
    return {"is": scores["inception_score_mean"], "is_std": scores["inception_score_std"]}


def score_kid(features: Features, reference: Reference, device: torch.device | None = None) -> dict[str, float]:
    """Kernel inception distance, and its deviation over the subsets."""
    from torch_fidelity.metric_kid import kid_features_to_metric

    assert reference.features is not None
    scores = kid_features_to_metric(only_layer(features), reference.features, rng_seed=SEED, verbose=False)
    return {"kid": scores["kernel_inception_distance_mean"], "kid_std": scores["kernel_inception_distance_std"]}


def score_precision_recall(
    features: Features, reference: Reference, device: torch.device | None = None
) -> dict[str, float]:
    """Improved precision and recall. device: where distances between all pairs are computed (default: the CPU)."""
    from torch_fidelity.metric_prc import prc_features_to_metric

    assert reference.features is not None
    options: dict[str, Any] = {"save_cpu_ram": True, "prc_batch_size": ROWS_AT_ONCE, "verbose": False}
    options["prc_neighborhood"] = NEIGHBOURS_PRECISION
    found, real = only_layer(features).to(device), reference.features.to(device)
    scores = prc_features_to_metric(found, real, **options)
    return {"precision": scores["precision"], "recall": scores["recall"]}


def score_density_coverage(
    features: Features, reference: Reference, device: torch.device | None = None
) -> dict[str, float]:
    """Density and coverage. device: where distances between all pairs are computed (default: the CPU)."""
    assert reference.features is not None
    found, real = only_layer(features).to(device), reference.features.to(device)
    return density_and_coverage(found, real, NEIGHBOURS_DENSITY)


def score_digits(features: Features, reference: Reference, device: torch.device | None = None) -> dict[str, float]:
    """Modes and D_KL from `digits`, the named digits int64 [N, 3]; Frechet distance from `features` [N, 3F]."""
    counts = count_stacked_digits(features)
    return {
        "modes": float(covered_modes(counts)),
        "d_kl": kl_to_uniform(counts),
        "d_kl_floor": kl_floor(int(counts.sum()), len(counts)),
        "frechet_distance_digits": frechet_distance(features["features"], reference),
    }


def score_class_accuracy(
    features: Features, reference: Reference, device: torch.device | None = None
) -> dict[str, float]:
    """Of `digits` int64 [N, 3] and `asked` [N], the modes 0..999 that the samples were made for."""
    right = features["digits"] == digits_of(features["asked"])
    return {"class_accuracy": right.all(dim=1).double().mean().item(), "right_digits": right.double().mean().item()}


def count_stacked_digits(features: Features) -> Tensor:
    """How many samples show each of the 1000 modes, int64 [1000], from `digits` as `score_digits` takes them."""
    return torch.bincount(stacked_label(features["digits"]), minlength=1000)


def only_layer(features: Features) -> Tensor:
    """The features of a metric that needs one layer."""
    (found,) = features.values()
    return found


def frechet_distance(features: Tensor, reference: Reference) -> float:
    """Of features [N, F] to the reference's statistics, by torch-fidelity's arithmetic (arXiv 1706.08500, eq. 6)."""
    assert reference.mean is not None
    assert reference.covariance is not None
    ours = features.double().numpy()
    mean, covariance = np.mean(ours, axis=0), np.cov(ours, rowvar=False)
    apart = mean - reference.mean
    roots = np.sqrt(np.linalg.eigvals(covariance.dot(reference.covariance)).astype("complex128")).real
    return float(apart.dot(apart) + np.trace(covariance) + np.trace(reference.covariance) - 2 * np.sum(roots))


def density_and_coverage(fake: Tensor, real: Tensor, neighbours: int) -> dict[str, float]:
    """arXiv 2002.09797, eq. 3 and 4: fake [N, F], real [M, F].

    Density: how many balls around real images (up to their k-th neighbour) hold a sample, over k. Coverage: the share
    of the real images whose ball holds a sample.
    """
    nearest = (torch.cdist(part, real).topk(neighbours + 1, largest=False).values for part in real.split(ROWS_AT_ONCE))
    radii = torch.cat([distances[:, -1] for distances in nearest])  # the nearest is the image itself
    inside, covered = 0.0, 0
    for part, radius in zip(real.split(ROWS_AT_ONCE), radii.split(ROWS_AT_ONCE), strict=True):
        holds = torch.cdist(part, fake) < radius[:, None]
        inside += holds.sum().item()
        covered += int(holds.any(dim=1).sum())
    return {"density": inside / (neighbours * len(fake)), "coverage": covered / len(real)}

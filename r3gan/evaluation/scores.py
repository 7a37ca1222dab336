"""From features to numbers: torch-fidelity's metrics, density and coverage, and the modes of stacked digits.

Shapes: N generated samples, M training images, F features.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

from r3gan.config import MetricName
from r3gan.data.digits import stacked_label
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


def score(
    name: MetricName, features: dict[str, Tensor], reference: Reference, device: torch.device | None = None
) -> dict[str, float]:
    """The numbers of one metric for N samples: features by layer, [N, F]. Keys as in `recorded_key`, without count.

    device: where distances between all pairs are computed (default: the CPU).
    """
    if name == "digits":
        return score_digits(features["features"], features["digits"], reference)
    (found,) = features.values()
    if name == "inception-score":
        scores = isc_features_to_metric(found, rng_seed=SEED)
        return {"is": scores["inception_score_mean"], "is_std": scores["inception_score_std"]}
    if name in ("fid", "fd-dinov2"):
        return {name.replace("-", "_"): frechet_distance(found, reference)}
    assert reference.features is not None
    if name == "kid":
        scores = kid_features_to_metric(found, reference.features, rng_seed=SEED, verbose=False)
        return {"kid": scores["kernel_inception_distance_mean"], "kid_std": scores["kernel_inception_distance_std"]}
    found, real = found.to(device), reference.features.to(device)
    if name == "precision-recall":
        options: dict[str, Any] = {"save_cpu_ram": True, "prc_batch_size": ROWS_AT_ONCE, "verbose": False}
        options["prc_neighborhood"] = NEIGHBOURS_PRECISION
        scores = prc_features_to_metric(found, real, **options)
        return {"precision": scores["precision"], "recall": scores["recall"]}
    return density_and_coverage(found, real, NEIGHBOURS_DENSITY)


def frechet_distance(features: Tensor, reference: Reference) -> float:
    """Of features [N, F] to the reference's statistics, by torch-fidelity, in float64."""
    ours = fid_features_to_statistics(features.double())
    theirs = {"mu": reference.mean, "sigma": reference.covariance}
    return float(fid_statistics_to_metric(ours, theirs, verbose=False)["frechet_inception_distance"])


def score_digits(features: Tensor, digits: Tensor, reference: Reference) -> dict[str, float]:
    """Modes and D_KL from the named digits int64 [N, 3]; Frechet distance from the classifier's features [N, 3F]."""
    counts = torch.bincount(stacked_label(digits), minlength=1000)
    return {
        "modes": float(covered_modes(counts)),
        "d_kl": kl_to_uniform(counts),
        "d_kl_floor": kl_floor(len(digits), len(counts)),
        "frechet_distance_digits": frechet_distance(features, reference),
    }


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

"""Features of the training set, computed once per content, network and protocol, and kept for all jobs.

Shapes: M images, F features.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import torch
from torch import Tensor

from r3gan.data.dataset import Dataset
from r3gan.data.digits import StackedDigits
from r3gan.data.progress import progress_bar
from r3gan.evaluation.cache import cached
from r3gan.evaluation.extractors import FeatureNetwork
from r3gan.evaluation.scores import Reference
from r3gan.streams import stream

VERSION = 2  # of what is cached
MAX_REFERENCE_FEATURES = 50_000  # KID, precision and so on compare with as many training images as samples, at most
DRAWN_IMAGES = 50_000  # that stand for a set of endless combinations
AT_ONCE = 100


def no_reference(network: FeatureNetwork, layer: str, data: Dataset, samples: int) -> Reference:
    """Nothing."""
    return Reference()


def statistics_reference(network: FeatureNetwork, layer: str, data: Dataset, samples: int) -> Reference:
    """Mean and covariance of all training images."""
    found = cached_reference(partial(statistics_of, network, layer, data), "statistics", network, layer, data)
    return Reference(mean=found["mean"].numpy(), covariance=found["covariance"].numpy())


def features_reference(network: FeatureNetwork, layer: str, data: Dataset, samples: int) -> Reference:
    """Features of as many training images as samples."""
    count = min(samples, MAX_REFERENCE_FEATURES)
    compute = partial(features_of, network, layer, data, count)
    return Reference(features=cached_reference(compute, f"features-{count}", network, layer, data)["features"])


def cached_reference(
    compute: Callable[[], dict[str, Tensor]], what: str, network: FeatureNetwork, layer: str, data: Dataset
) -> dict[str, Tensor]:
    """The tensors from the cache, computed if they are not there. The cache's key is all that decides them."""
    parts = [VERSION, what, data.content_hash, network.name, network.identity, layer]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    name = f"reference-{data.name}-{network.name}-{what}-{key}"
    _, (tensors, _) = cached(name, lambda: (compute(), {}))
    return tensors


def statistics_of(network: FeatureNetwork, layer: str, data: Dataset) -> dict[str, Tensor]:
    """Mean [F] and unbiased covariance [F, F] over all training images, in float64."""
    return mean_and_covariance(extract(network, layer, data, all_indices(data)))


def mean_and_covariance(batches: Iterable[Tensor]) -> dict[str, Tensor]:
    """Mean [F] and unbiased covariance [F, F] over features in batches [B, F], in float64."""
    count, total, products = 0, torch.zeros(()), torch.zeros(())
    for features in batches:
        features = features.double()
        count, total, products = count + len(features), total + features.sum(0), products + features.T @ features
    mean = total / count
    return {"mean": mean, "covariance": (products - count * torch.outer(mean, mean)) / (count - 1)}


def features_of(network: FeatureNetwork, layer: str, data: Dataset, count: int) -> dict[str, Tensor]:
    """Features [M, F] of all training images, or of `count` drawn among them."""
    indices = all_indices(data)
    return {"features": torch.cat(list(extract(network, layer, data, indices[drawn_rows(len(indices), count)])))}


def drawn_rows(total: int, count: int) -> Tensor:
    """Which `count` of so many images stand for all, in order: int64; all of them if there are no more."""
    if total <= count:
        return torch.arange(total)
    return torch.randperm(total, generator=stream(0, "reference"))[:count].sort().values


def reference_from(kind: str, features: Tensor, samples: int) -> Reference:
    """The same as a row of REFERENCES computes, from the features [M, F] of images that are no dataset."""
    if kind == "features":
        return Reference(features=features[drawn_rows(len(features), min(samples, MAX_REFERENCE_FEATURES))])
    assert kind == "statistics", kind
    found = mean_and_covariance(features.split(AT_ONCE))
    return Reference(mean=found["mean"].numpy(), covariance=found["covariance"].numpy())


def all_indices(data: Dataset) -> Tensor:
    """Every training image in order; of stacked digits, whose combinations are endless, as many as are drawn."""
    if isinstance(data, StackedDigits):
        return data.indices(0, "reference", 0, DRAWN_IMAGES)
    return torch.arange(len(data))


def extract(network: FeatureNetwork, layer: str, data: Dataset, indices: Tensor) -> Iterator[Tensor]:
    """The features of these images in batches [<=100, F], with a progress bar."""
    done, on_device = 0, data.is_on(network.device)
    with progress_bar(f"{network.name} features of {data.name}") as progress:
        for part in indices.split(AT_ONCE):
            yield network(data.gather(part.to(network.device) if on_device else part)[0])[layer]
            done += len(part)
            progress(done, len(indices))


def exact_reference(network: FeatureNetwork, layer: str, data: Dataset, samples: int) -> Reference:
    """Of stacked digits: the channels of a real image are independent draws of the training digits.

    Their features therefore have the digits' mean three times and a block-diagonal covariance.
    """
    assert isinstance(data, StackedDigits)
    images = data.train.images
    stacked = torch.cat([images, images[: -len(images) % 3]]).unflatten(0, (-1, 3))  # three to an image, none twice
    features = torch.cat([network(part)[layer] for part in stacked.split(1000)]).double()
    digits = features.view(3 * len(stacked), -1)[: len(images)]
    covariance = torch.cov(digits.T)
    return Reference(digits.mean(0).repeat(3).numpy(), torch.block_diag(covariance, covariance, covariance).numpy())

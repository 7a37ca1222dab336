"""Real and generated images on one map.

Shapes: N samples, M real images, F features.
"""

import numpy as np
import torch
from torch import Tensor

from r3gan.exploration.charts import clouds
from r3gan.exploration.parts import Parts, Text
from r3gan.exploration.subject import Subject

PERPLEXITY, SEED = 30.0, 0
MOST = 1000  # of each kind


def real_against_generated(subject: Subject) -> Parts:
    """t-SNE of features, and how often the nearest image is of the own kind."""
    if subject.real is None:
        yield Text(f"Left out: {subject.missing}")
        return
    real, made = subject.real_features[:MOST], subject.sample_features[:MOST]
    count = min(len(real), len(made))
    real, made = real[:count], made[:count]
    places = embedded(torch.cat([real, made]))
    caption = f"t-SNE (perplexity {perplexity_of(2 * count):g}) of {count} real and {count} generated images"
    groups = {"real": places[:count], "generated": places[count:]}
    yield clouds(groups, f"{caption}, by {subject.space.name}. Distances between groups mean little.")
    yield Text(
        f"Of {own_kind(real, made):.1%} of these images the nearest other one is of their own kind: 50% if the two "
        "cannot be told apart, more if they can, less if samples are copies."
    )


def embedded(features: Tensor) -> np.ndarray:
    """Places [N, 2] of features [N, F]."""
    from sklearn.manifold import TSNE  # takes a second to load

    method = TSNE(perplexity=perplexity_of(len(features)), init="pca", random_state=SEED)
    return method.fit_transform(features.numpy())


def perplexity_of(count: int) -> float:
    """The usual one, less for few points."""
    return min(PERPLEXITY, (count - 1) / 3)


def own_kind(real: Tensor, made: Tensor) -> float:
    """The share of rows of both whose nearest other row is of their own kind (1-NN two-sample test, 1610.06545)."""
    distances = torch.cdist(*2 * (torch.cat([real, made]),))
    distances.fill_diagonal_(torch.inf)
    is_made = torch.arange(len(distances)) >= len(real)
    return (is_made[distances.argmin(1)] == is_made).double().mean().item()

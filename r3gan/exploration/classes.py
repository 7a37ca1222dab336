"""The classes of a conditional generator: the same latents in each, and where their embeddings lie.

Shapes: K classes, Z latent dimension.
"""

import torch
from torch import Tensor

from r3gan.exploration.charts import named_points
from r3gan.exploration.parts import Parts, Text
from r3gan.exploration.pictures import grid
from r3gan.exploration.principal import sample_components
from r3gan.exploration.subject import Subject
from r3gan.generation.inputs import as_one_hot

GRID, NAMED = 20, 100  # classes that are shown at most
UNCONDITIONAL = "Left out: this generator is unconditional and has no classes."


def class_names(subject: Subject) -> list[str]:
    """The names of the classes, or their numbers where those are not known."""
    names = subject.real.class_names if subject.real is not None and subject.knows_classes else ()
    return list(names) or [str(i) for i in range(subject.loaded.classes)]


def class_grid(subject: Subject) -> Parts:
    """One row a class, one column a seed."""
    classes, names = subject.loaded.classes, class_names(subject)
    if not classes:
        yield Text(UNCONDITIONAL)
        return
    shown = spread(classes, GRID)
    z, _ = subject.shown
    rows = [subject.images(z, as_one_hot(torch.full((len(z),), number), classes)) for number in shown.tolist()]
    listed = ", ".join(names[number] for number in shown.tolist())
    which = f"{len(shown)} of {classes} classes" if len(shown) < classes else f"All {classes} classes"
    yield grid(rows, f"{which}, from above: {listed}. Columns: seeds, the same latents in every row.")


def embedding_map(subject: Subject) -> Parts:
    """The two first principal components of the embeddings."""
    embedding = subject.loaded.network.embedding
    if embedding is None:
        yield Text(UNCONDITIONAL)
        return
    if subject.loaded.classes < 3:
        yield Text("Left out: fewer than three classes need no map.")
        return
    names, vectors = class_names(subject), embedding.weight.detach().cpu().T.contiguous()
    places, shares = mapped(vectors)
    shown = spread(len(names), NAMED)
    caption = f"{len(shown)} of the {len(names)} classes" if len(shown) < len(names) else f"The {len(names)} classes"
    labels = (f"first component ({shares[0]:.0%})", f"second component ({shares[1]:.0%})")
    caption = (
        f"{caption} by the first two principal components of their embeddings, {shares.sum():.0%} of the variance."
    )
    yield named_points(places[shown].numpy(), [names[number] for number in shown.tolist()], labels, caption)


def mapped(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Places [K, 2] of vectors [K, Z] by their first two principal components, and their shares of the variance."""
    found = sample_components(vectors, 2)
    return (vectors - found.mean) @ found.vectors.T, found.shares


def spread(total: int, most: int) -> Tensor:
    """At most so many of the numbers below `total`, evenly spread."""
    return torch.linspace(0, total - 1, min(total, most)).long()

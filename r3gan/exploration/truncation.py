"""Latents scaled up and down: what it does to images, and what it trades of precision for recall."""

import torch
from torch import Tensor

from r3gan.evaluation.scores import NEIGHBOURS_PRECISION, Reference, score_precision_recall
from r3gan.exploration.charts import lines
from r3gan.exploration.parts import Parts, Table, Text
from r3gan.exploration.pictures import grid
from r3gan.exploration.subject import Subject

SCALES = (0.3, 0.5, 0.7, 0.85, 1.0, 1.2)


def truncation(subject: Subject) -> Parts:
    """Strips over the scale and, with real images, precision and recall at each."""
    z, labels = subject.shown
    yield Text(
        "R3GAN has no mapping network, and so no mean to truncate towards: truncation is the scale of z. Columns: "
        f"{', '.join(map(str, SCALES))}; rows: the seeds."
    )
    columns = torch.stack([subject.images(scale * z, labels) for scale in SCALES])
    yield grid(list(columns.transpose(0, 1)), "The same latents at every scale.")
    if subject.real is None:
        yield Text(f"Precision and recall are left out: {subject.missing}")
        return
    scores = trade(subject, subject.real_features)
    few = f"{subject.samples} samples against {len(subject.real_features)} real images, k = {NEIGHBOURS_PRECISION}"
    caption = f"Precision and recall over the scale: {few}, by {subject.space.name}."
    names = list(scores[0])
    yield lines(SCALES, {name: [score[name] for score in scores] for name in names}, "scale of z", caption)
    cells = [
        (f"{scale:g}", *(f"{score[name]:.3f}" for name in names)) for scale, score in zip(SCALES, scores, strict=True)
    ]
    yield Table(("scale", *names), cells)
    yield Text("So few images, and these features, give other numbers than r3gan evaluate: compare the columns alone.")


def trade(subject: Subject, real: Tensor) -> list[dict[str, float]]:
    """Precision and recall at every scale, of the same latents and classes."""
    z, labels = subject.drawn
    scores = []
    for scale in SCALES:
        found = subject.sample_features if scale == 1 else subject.features(subject.images(scale * z, labels))
        scores.append(score_precision_recall({"": found}, Reference(features=real)))
    return scores

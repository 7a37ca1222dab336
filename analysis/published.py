"""Published results of R3GAN, and which of ours they may stand beside."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.metrics import Column
from r3gan.evaluation.protocol import Recorded, read_key
from r3gan.tables.metrics import numbers

SOURCE = "Huang et al., NeurIPS 2024, arXiv 2501.05441"
OWN_CLASSIFIER = "with another digit classifier than this one"


@dataclass(frozen=True, kw_only=True)
class Published:
    """One number, as its authors measured it."""

    dataset: str  # as r3gan/data/catalog.py names it
    number: str  # key of a number in r3gan/tables/metrics.py
    value: str  # as printed
    count: str = ""  # of samples, as a recorded name has it; empty: the name does not say
    protocol: str  # in words
    differs: str = ""  # what is never the same here; empty: nothing


def _fid(dataset: str, value: str) -> Published:
    text = "50k samples of the EMA generator, against all training images"
    return Published(dataset=dataset, number="fid", value=value, count="50k", protocol=text)


def _digits(number: str, value: str) -> Published:
    return Published(dataset="stacked-mnist", number=number, value=value, protocol="full model", differs=OWN_CLASSIFIER)


PUBLISHED = (
    _fid("cifar10", "1.96"),
    _fid("ffhq64", "1.95"),
    _fid("ffhq256", "2.75"),
    _fid("imagenet32", "1.27"),
    _fid("imagenet64", "2.09"),
    _digits("modes", "1000"),
    _digits("d_kl", "0.029"),
)


def published_for(dataset: str, metrics: Sequence[Column]) -> tuple[dict[str, Published], list[str]]:
    """By key of a recorded metric the published number of the same protocol; and a sentence for each published number
    that was measured here by another protocol alone."""
    same, notes = {}, []
    for row in PUBLISHED:
        if row.dataset != dataset:
            continue
        ours = {metric: recorded for metric in metrics if (recorded := read_key(metric.key))}
        ours = {metric: recorded for metric, recorded in ours.items() if recorded.number.key == row.number}
        alike = [metric for metric, recorded in ours.items() if _is_alike(row, recorded)]
        if alike:
            same[alike[0].key] = row
        elif ours:
            here = f"{row.differs}, here" if row.differs else "here"
            labels = ", ".join(metric.label for metric in ours)
            name = numbers()[row.number].label
            what = f"{name} {row.value} ({row.protocol}; {SOURCE})"
            notes.append(f"Published, not to be compared: {what}; {here}: {labels}.")
    return same, notes


def published_sentence(dataset: str, metrics: Sequence[Column]) -> str:
    """For a caption: what of the same protocol is published; empty if nothing is."""
    same, _ = published_for(dataset, metrics)
    texts = ", ".join(f"{metric.label} {same[metric.key].value}" for metric in metrics if metric.key in same)
    return f"Published for R3GAN ({SOURCE}): {texts}." if texts else ""


def _is_alike(row: Published, ours: Recorded) -> bool:
    return not (row.differs or ours.raw or ours.best) and ours.count == row.count

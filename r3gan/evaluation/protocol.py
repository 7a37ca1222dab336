"""What an evaluation measures, under which names its numbers are recorded, and what cannot be measured. Needs no torch.

A recorded name says how many samples were scored, and `_raw` if they were not of the moving average: fid50k,
kid10k_raw.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from r3gan.config import EvaluationConfig, MetricName, TrainConfig
from r3gan.network_checks import Problem
from r3gan.tables.lookup import row_of
from r3gan.tables.metrics import FEWEST, METRICS, Kind, Metric, Number, numbers
from r3gan.tables.references import REFERENCES

RAW, BEST, DEVIATION = "_raw", "best_", "_std"
COUNT = re.compile(r"_?\d+k?")


@dataclass(frozen=True)
class Recorded:
    """What a recorded name says."""

    number: Number
    count: str  # of samples, as the name has it: 50k; empty if the name does not say
    raw: bool  # of the generator itself, not of its moving average
    best: bool  # of the best weights, from fresh samples


def recorded_key(key: str, evaluation: EvaluationConfig) -> str:
    """The name under which a number is recorded: fid with 50,000 samples is fid50k. Raises UnknownChoice."""
    raw = RAW if evaluation.weights == "raw" else ""
    if not row_of(numbers(), "number", key).counted:
        return key + raw
    thousands, rest = divmod(evaluation.samples, 1000)
    count = str(evaluation.samples) if rest else f"{thousands}k"
    base = key.removesuffix(DEVIATION)
    between = "_" if base[-1].isdigit() else ""  # fd_dinov2_50k
    return base + between + count + key[len(base) :] + raw


def read_key(name: str) -> Recorded | None:
    """The inverse of `recorded_key`, for the names of best weights too; None for a name of something else."""
    rest, best = name.removeprefix(BEST), name.startswith(BEST)
    rest, raw = rest.removesuffix(RAW), rest.endswith(RAW)
    for number in sorted(numbers().values(), key=lambda n: -len(n.key)):  # d_kl_floor before d_kl
        base = number.key.removesuffix(DEVIATION)
        deviation = number.key[len(base) :]
        if not (rest.startswith(base) and rest.endswith(deviation)):
            continue
        count = rest[len(base) : len(rest) - len(deviation)]
        if COUNT.fullmatch(count) if number.counted else not count:
            return Recorded(number, count.strip("_"), raw, best)
    return None


def wanted(evaluation: EvaluationConfig) -> list[MetricName]:
    """Every metric of a job, once."""
    return list(dict.fromkeys([*evaluation.metrics, *evaluation.at_end]))


def need_of(config: TrainConfig) -> str:
    """What `r3gan prepare` is asked for, ahead of a job."""
    return f"{config.dataset}={','.join(wanted(config.evaluation))}@{config.evaluation.samples}"


def progress_text(evaluation: EvaluationConfig, recorded: dict[str, float]) -> str:
    """The numbers of the metrics on the way, as far as they were recorded: "D_KL 0.345, 989 modes"."""
    shown = []
    for name in evaluation.metrics:
        metric = METRICS[name]
        by_key = {number.key: number for number in metric.numbers}
        for number in (by_key[key] for key in metric.progress):
            value = recorded.get(recorded_key(number.key, evaluation))
            if value is not None:
                text = value if "{value:" in number.progress else f"{value:{number.spec}}"
                shown.append(number.progress.format(label=number.label, value=text))
    return ", ".join(shown)


def metric_problems(evaluation: EvaluationConfig, kind: Kind, images: int | None) -> list[Problem]:
    """What cannot be measured on a dataset of a kind, of so many images (None: as many as are drawn)."""
    problems = []
    for key in ("metrics", "at_end"):
        for i, name in enumerate(getattr(evaluation, key)):
            message = _misfit(name, METRICS[name], kind, images)
            if message:
                problems.append(Problem(("evaluation", key, i), message))
    return problems


def _misfit(name: str, metric: Metric, kind: Kind, images: int | None) -> str:
    if kind not in metric.kinds:
        (instead, *_) = (other for other, row in METRICS.items() if kind in row.kinds)
        return f"{name} is of {' and '.join(metric.kinds)}, which these are not: choose {instead}, say"
    if REFERENCES[metric.reference].of_images and images is not None and images < FEWEST:
        return f"{name} needs {FEWEST} training images at least, not {images}"
    return ""


def side_problems(metrics: Iterable[MetricName], dataset: bool, reference: bool, generated: bool = True) -> list[str]:
    """Which metrics cannot be measured apart from training, by whether a dataset or other images are compared with, and
    whether samples of a generator are."""
    problems = []
    for name in metrics:
        if METRICS[name].of_classes and not generated:
            problems.append(f"{name} is of samples that a generator makes for classes, which images do not tell")
        elif METRICS[name].needs_dataset and not dataset:
            problems.append(f"{name} {METRICS[name].needs_dataset}: --dataset names it")
        elif METRICS[name].compares and not (dataset or reference):
            problems.append(f"{name} compares with other images: --reference or --dataset names them")
    return problems


def extractors_of(names: Iterable[MetricName]) -> list[str]:
    """The feature networks that these metrics need, each once."""
    return list(dict.fromkeys(METRICS[name].extractor for name in names))

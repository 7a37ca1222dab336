"""Which metrics there are, what each needs, and under which name its numbers are recorded. Needs no torch.

Sources: FID arXiv 1706.08500, KID 1801.01401, Inception score 1606.03498, precision and recall 1904.06991, density and
coverage 2002.09797, Frechet distance of DINOv2 features 2306.04675. All but density and coverage, which torch-fidelity
does not have, are computed by it, from the features of its own networks.

A key says how many samples were scored, and `_raw` if they were not of the moving average: fid50k, kid10k_raw.
"""

from typing import Literal, NamedTuple

from r3gan.config import EvaluationConfig, MetricName
from r3gan.config_checks import Problem

Need = Literal["statistics", "features", "exact", "nothing"]


class Metric(NamedTuple):
    """One metric, as `evaluation.metrics` names it."""

    extractor: str  # torch-fidelity's name of the feature network
    layers: tuple[str, ...]  # of its features
    reference: Need  # of the training set: mean and covariance of all images, features of some, ...
    best: str = ""  # the number that `evaluation.keep_best` goes by


INCEPTION, VGG, DINO, DIGITS = "inception-v3-compat", "vgg16", "dinov2-vit-l-14", "stacked-digits-classifier"

METRICS: dict[MetricName, Metric] = {
    "digits": Metric(DIGITS, ("features", "digits"), "exact", "d_kl"),
    "fid": Metric(INCEPTION, ("2048",), "statistics", "fid"),
    "kid": Metric(INCEPTION, ("2048",), "features", "kid"),
    "inception-score": Metric(INCEPTION, ("logits_unbiased",), "nothing", "is"),
    "precision-recall": Metric(VGG, ("fc2_relu",), "features"),
    "density-coverage": Metric(VGG, ("fc2_relu",), "features"),
    "fd-dinov2": Metric(DINO, ("dinov2",), "statistics", "fd_dinov2"),
}


class Number(NamedTuple):
    """One number that a metric yields and that is better in one direction."""

    metric: MetricName
    better: Literal["lower", "higher"]


NUMBERS: dict[str, Number] = {
    "modes": Number("digits", "higher"),
    "d_kl": Number("digits", "lower"),
    "frechet_distance_digits": Number("digits", "lower"),
    "fid": Number("fid", "lower"),
    "kid": Number("kid", "lower"),
    "is": Number("inception-score", "higher"),
    "precision": Number("precision-recall", "higher"),
    "recall": Number("precision-recall", "higher"),
    "density": Number("density-coverage", "higher"),
    "coverage": Number("density-coverage", "higher"),
    "fd_dinov2": Number("fd-dinov2", "lower"),
}
UNCOUNTED = ("modes", "d_kl", "d_kl_floor", "frechet_distance_digits", "classifier_test_accuracy")
MAX_REFERENCE_FEATURES = 50_000  # KID, precision and so on compare with as many training images as samples, at most
FEWEST_IMAGES = 1000  # in the training set, for all but `digits` and the Inception score: KID draws subsets of as many


def recorded_key(name: str, evaluation: EvaluationConfig) -> str:
    """The key under which a number is recorded: fid with 50,000 samples is fid50k."""
    raw = "_raw" if evaluation.weights == "raw" else ""
    if name in UNCOUNTED:
        return name + raw
    thousands, rest = divmod(evaluation.samples, 1000)
    count = str(evaluation.samples) if rest else f"{thousands}k"
    base = name.removesuffix("_std")
    between = "_" if base[-1].isdigit() else ""  # fd_dinov2_50k
    return base + between + count + name[len(base) :] + raw


def wanted(evaluation: EvaluationConfig) -> list[MetricName]:
    """Every metric of a job, once."""
    return list(dict.fromkeys([*evaluation.metrics, *evaluation.at_end]))


def metric_problems(evaluation: EvaluationConfig, stacked: bool, images: int | None) -> list[Problem]:
    """What cannot be measured on a dataset: stacked digits or not, of so many images (None: as many as are drawn)."""
    problems = []
    for key in ("metrics", "at_end"):
        for i, name in enumerate(getattr(evaluation, key)):
            path = ("evaluation", key, i)
            if name == "digits" and not stacked:
                problems.append(Problem(path, "digits counts stacked digits, which these are not: choose fid, say"))
            elif (
                METRICS[name].reference in ("statistics", "features") and images is not None and images < FEWEST_IMAGES
            ):
                problems.append(Problem(path, f"{name} needs {FEWEST_IMAGES} training images at least, not {images}"))
    return problems

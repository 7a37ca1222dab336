"""Metrics: what each needs, the numbers it yields, and how they are shown.

Sources: FID arXiv 1706.08500, KID 1801.01401, Inception score 1606.03498, precision and recall 1904.06991, density and
coverage 2002.09797, Frechet distance of DINOv2 features 2306.04675. All but density and coverage, which torch-fidelity
does not have, are computed as it does, from the features of its own networks.
"""

import math
from dataclasses import dataclass
from typing import Literal

from r3gan.deferred import Deferred
from r3gan.tables.lookup import row_of

Better = Literal["lower", "higher"]
Kind = Literal["images", "stacked digits", "points"]  # of a dataset
OF_PICTURES: tuple[Kind, ...] = ("images", "stacked digits")


@dataclass(frozen=True, kw_only=True)
class Number:
    """One number of a metric, recorded at an evaluation."""

    key: str  # its recorded name, without the number of samples (r3gan/evaluation/protocol.py)
    better: Better | None = None  # None: says something about the others, and is not judged itself
    constant: bool = False  # the same at every evaluation of a job
    counted: bool = True  # whether the recorded name says how many samples were scored
    label: str = ""  # in tables; empty: neither in tables nor in figures
    unit: str = ""
    spec: str = ".3f"  # format of one value
    plot_label: str = ""  # in figures, if other than `label`
    log: bool = False  # draw on a log axis where the values span it
    floor: str = ""  # the number, not `counted`, that says what a perfect generator would get with as many samples
    ceiling: float | None = None  # the most that a count can be
    largest: float | None = None  # the largest possible value, of a number that is no count and at least 0
    negligible: float = 0.0  # a seed that is worse than it was by no more has not collapsed, whatever the factor
    note: str = ""  # a sentence under the table
    progress: str = "{label} {value}"  # while a job runs


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric, as `evaluation.metrics` names it."""

    extractor: str  # a row of r3gan/tables/extractors.py
    layers: tuple[str, ...]  # of its features
    reference: str  # what samples are compared with: a row of r3gan/tables/references.py
    scorer: Deferred  # (features by layer, Reference, device) -> the numbers, by key
    numbers: tuple[Number, ...]
    best: str | None  # the number that `evaluation.keep_best` goes by; None: the metric is more than one
    progress: tuple[str, ...]  # the numbers that are shown while a job runs
    counts: Deferred | None = None  # (features by layer) -> samples per mode, int64 [M]; None: no modes are counted
    kinds: tuple[Kind, ...] = OF_PICTURES  # of datasets that it applies to
    needs_dataset: str = ""  # what of the dataset is needed beside images, in words; empty: nothing
    of_classes: bool = False  # its scorer also gets the classes that samples were made for: `asked`, int64 [N]
    features_text: str  # for documentation

    @property
    def compares(self) -> bool:
        """Whether samples are compared with anything."""
        return self.reference != "nothing"


INCEPTION, VGG, DINO = "inception-v3-compat", "vgg16", "dinov2-vit-l-14"
DIGITS, PLANE = "stacked-digits-classifier", "plane"
LOST_KL = 0.05  # nats: one in twenty of equally frequent modes is lost, -log(19 / 20)
FEWEST = 1000  # samples, and training images that they are compared with: KID draws subsets of as many

METRICS: dict[str, Metric] = {
    "digits": Metric(
        extractor=DIGITS,
        layers=("features", "digits"),
        reference="exact",
        scorer=Deferred("r3gan.evaluation.scores:score_digits"),
        counts=Deferred("r3gan.evaluation.scores:count_stacked_digits"),
        numbers=(
            Number(
                key="modes", better="higher", counted=False, label="Modes", unit="of 1000", spec=".1f", ceiling=1000,
                note="Modes: classes hit at least once.", progress="{value:.0f} modes",
            ),
            Number(
                key="d_kl", better="lower", counted=False, label="D_KL", unit="nats", plot_label=r"$D_\mathrm{KL}$",
                log=True, floor="d_kl_floor", largest=math.log(1000), negligible=LOST_KL, note="D_KL is KL(histogram "
                "of hard labels || uniform); its floor is what a perfect generator would show.",
            ),
            Number(key="d_kl_floor", counted=False, constant=True),
            Number(
                key="frechet_distance_digits", better="lower", counted=False, label="Fréchet distance", unit="digits",
                spec=".2f", log=True, note="The Fréchet distance is taken on features of the digit classifier and "
                "cannot be compared with FID.",
            ),
            Number(key="classifier_test_accuracy", counted=False, constant=True),
        ),
        best="d_kl",
        progress=("d_kl", "modes"),
        kinds=("stacked digits",),
        needs_dataset="needs a dataset's digits, of which its classifier is made",
        features_text="digit classifier, channel by channel",
    ),
    "class-accuracy": Metric(
        extractor=DIGITS,
        layers=("digits",),
        reference="nothing",
        scorer=Deferred("r3gan.evaluation.scores:score_class_accuracy"),
        numbers=(
            Number(
                key="class_accuracy", better="higher", label="Class accuracy", largest=1, note="Class accuracy: the "
                "share of samples whose three digits are those of the class that was asked for; right digits: of "
                "single digits. Without classes both are chance.",
            ),
            Number(key="right_digits", better="higher", label="Right digits", largest=1),
        ),
        best="class_accuracy",
        progress=("right_digits",),
        kinds=("stacked digits",),
        needs_dataset="needs a dataset's digits, of which its classifier is made",
        of_classes=True,
        features_text="digit classifier, channel by channel",
    ),
    "points": Metric(
        extractor=PLANE,
        layers=("mode",),
        reference="shares",
        scorer=Deferred("r3gan.evaluation.point_modes:score_points"),
        counts=Deferred("r3gan.evaluation.point_modes:count_point_modes"),
        numbers=(
            Number(
                key="points_modes", better="higher", counted=False, label="Modes of points", unit="of 25", spec=".1f",
                ceiling=25, note="Modes of points: Gaussians, or equal parts of the line or circle, that one sample at "
                "least is near, which is within 3 standard deviations.", progress="{value:.0f} modes",
            ),
            Number(
                key="points_d_kl", better="lower", counted=False, label="D_KL of points", unit="nats",
                plot_label=r"$D_\mathrm{KL}$ of points", log=True, floor="points_d_kl_floor", negligible=LOST_KL,
                note="D_KL of points is KL(histogram of 25 modes and of near none || that of the data's distribution); "
                "its floor is what a perfect generator would show.", progress="D_KL {value}",
            ),
            Number(key="points_d_kl_floor", counted=False, constant=True),
            Number(
                key="points_near", better="higher", counted=False, label="Near a mode", unit="share", largest=1,
                note="Near a mode: the share of samples within 3 standard deviations of one; of the data 0.989 "
                "(25-gaussians) or 0.997.",
            ),
        ),
        best="points_d_kl",
        progress=("points_d_kl", "points_modes"),
        kinds=("points",),
        needs_dataset="counts the modes of a dataset's shape",
        features_text="the mode that a point is near",
    ),
    "fid": Metric(
        extractor=INCEPTION,
        layers=("2048",),
        reference="statistics",
        scorer=Deferred("r3gan.evaluation.scores:score_fid"),
        numbers=(
            Number(
                key="fid", better="lower", label="FID", spec=".2f", log=True,
                note="FID: Inception features, against all training images; fewer samples mean a higher value.",
            ),
        ),
        best="fid",
        progress=("fid",),
        features_text="Inception, pool 3 (2048)",
    ),
    "kid": Metric(
        extractor=INCEPTION,
        layers=("2048",),
        reference="features",
        scorer=Deferred("r3gan.evaluation.scores:score_kid"),
        numbers=(
            Number(
                key="kid", better="lower", label="KID", spec=".5f",
                note="KID: Inception features, 100 subsets of 1000, against as many training images (50,000 at most).",
            ),
            Number(key="kid_std"),
        ),
        best="kid",
        progress=("kid",),
        features_text="the same; 100 subsets of 1000",
    ),
    "inception-score": Metric(
        extractor=INCEPTION,
        layers=("logits_unbiased",),
        reference="nothing",
        scorer=Deferred("r3gan.evaluation.scores:score_inception"),
        numbers=(
            Number(key="is", better="higher", label="Inception score", spec=".2f"),
            Number(key="is_std"),
        ),
        best="is",
        progress=("is",),
        features_text="Inception, logits; 10 splits",
    ),
    "precision-recall": Metric(
        extractor=VGG,
        layers=("fc2_relu",),
        reference="features",
        scorer=Deferred("r3gan.evaluation.scores:score_precision_recall"),
        numbers=(
            Number(
                key="precision", better="higher", label="Precision", largest=1,
                note="Precision, recall: VGG16 features, k = 3.",
            ),
            Number(key="recall", better="higher", label="Recall", largest=1),
        ),
        best=None,
        progress=("precision", "recall"),
        features_text="VGG16, fc2; k = 3",
    ),
    "density-coverage": Metric(
        extractor=VGG,
        layers=("fc2_relu",),
        reference="features",
        scorer=Deferred("r3gan.evaluation.scores:score_density_coverage"),
        numbers=(
            Number(
                key="density", better="higher", label="Density", note="Density and coverage: VGG16 features, k = 5."
            ),
            Number(key="coverage", better="higher", label="Coverage", largest=1),
        ),
        best=None,
        progress=("density", "coverage"),
        features_text="VGG16, fc2; k = 5",
    ),
    "fd-dinov2": Metric(
        extractor=DINO,
        layers=("dinov2",),
        reference="statistics",
        scorer=Deferred("r3gan.evaluation.scores:score_fd_dinov2"),
        numbers=(
            Number(
                key="fd_dinov2", better="lower", label="Fréchet distance", unit="DINOv2", spec=".1f", log=True,
                note="The Fréchet distance (DINOv2) is taken on features of ViT-L/14 and cannot be compared with FID.",
                progress="FD-DINOv2 {value}",
            ),
        ),
        best="fd_dinov2",
        progress=("fd_dinov2",),
        features_text="DINOv2 ViT-L/14",
    ),
}  # fmt: skip


def numbers() -> dict[str, Number]:
    """Every number by its key, in the order of the metrics."""
    return {number.key: number for metric in METRICS.values() for number in metric.numbers}


def judged() -> dict[str, Number]:
    """The numbers that are better in one direction: what tables compare, and what a search may optimise."""
    return {key: number for key, number in numbers().items() if number.better}


def metric_of(key: str) -> str:
    """The name of the metric that yields a number. Raises UnknownChoice."""
    return row_of({number.key: name for name, metric in METRICS.items() for number in metric.numbers}, "number", key)

"""What the recorded metrics mean to a reader: one line per metric, and nothing about a metric anywhere else.

A new metric gets its column, its panel and its statistics by one more line in METRICS. A metric that depends on the
number of samples carries it in its recorded name (fid50k); `shown_metrics` finds what a study has recorded, each under
its own name, so that numbers of different protocols never share a column.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

ARROWS = {"higher": "↑", "lower": "↓", None: ""}

FigureName = Literal["quality", "losses", "penalties"]


@dataclass(frozen=True)
class Metric:
    """One metric as MLflow has it (`key`) and as tables and figures show it."""

    key: str
    label: str  # in tables
    figure: FigureName  # where its curve is drawn; `quality` metrics are the columns of the table too
    better: Literal["higher", "lower"] | None = None
    unit: str = ""
    spec: str = ".3f"  # format of one value
    plot_label: str = ""  # in figures, if other than `label`
    floor: str = ""  # the metric that says what a perfect generator would get with as many samples
    log: bool = False  # draw on a log axis where the values span it
    note: str = ""  # a sentence under the table
    at_end: bool = False  # recorded once: in tables only

    @property
    def heading(self) -> str:
        """Label, direction and unit, for a table."""
        return _join(self.label, ARROWS[self.better], self.unit and f"({self.unit})")

    @property
    def axis_title(self) -> str:
        """Label, direction and unit, for a figure."""
        return _join(self.plot_label or self.label, ARROWS[self.better], self.unit and f"({self.unit})")


def _join(*parts: str) -> str:
    return " ".join(part for part in parts if part)


METRICS = (
    Metric("modes", "Modes", "quality", "higher", "of 1000", ".1f", note="Modes: classes hit at least once."),
    Metric(
        "d_kl", "D_KL", "quality", "lower", "nats", ".3f", r"$D_\mathrm{KL}$", floor="d_kl_floor", log=True,
        note="D_KL is KL(histogram of hard labels || uniform); its floor is what a perfect generator would show.",
    ),
    Metric(
        "frechet_distance_digits", "Fréchet distance", "quality", "lower", "digits", ".2f", log=True,
        note="The Fréchet distance is taken on features of the digit classifier and cannot be compared with FID.",
    ),
    Metric(
        "fid", "FID", "quality", "lower", "", ".2f", log=True,
        note="FID: Inception features, against all training images; fewer samples mean a higher value.",
    ),
    Metric(
        "kid", "KID", "quality", "lower", "", ".5f",
        note="KID: Inception features, 100 subsets of 1000, against as many training images (50,000 at most).",
    ),
    Metric("is", "Inception score", "quality", "higher", "", ".2f"),
    Metric("precision", "Precision", "quality", "higher", "", ".3f", note="Precision, recall: VGG16 features, k = 3."),
    Metric("recall", "Recall", "quality", "higher", "", ".3f"),
    Metric("density", "Density", "quality", "higher", "", ".3f", note="Density and coverage: VGG16 features, k = 5."),
    Metric("coverage", "Coverage", "quality", "higher", "", ".3f"),
    Metric(
        "fd_dinov2", "Fréchet distance", "quality", "lower", "DINOv2", ".1f", log=True,
        note="The Fréchet distance (DINOv2) is taken on features of ViT-L/14 and cannot be compared with FID.",
    ),
    Metric("loss_d", "Loss of D", "losses"),
    Metric("loss_g", "Loss of G", "losses"),
    Metric("r1", "R1", "penalties", plot_label=r"R1: $\|\nabla_{\!x} D(x)\|^2$, real", log=True),
    Metric("r2", "R2", "penalties", plot_label=r"R2: $\|\nabla_{\!x} D(x)\|^2$, generated", log=True),
)  # fmt: skip
FLOORS = tuple(metric.floor + raw for metric in METRICS if metric.floor for raw in ("", "_raw"))
CLASSIFIER_ACCURACY = "classifier_test_accuracy"  # 0..1: how far the digit classifier itself can be trusted

FIGURES: dict[FigureName, str] = {
    "quality": "Quality of samples of the EMA generator.",
    "losses": "Adversarial losses of D and G, without penalties. Values of different losses cannot be compared.",
    "penalties": "Gradient penalties before their weight gamma / 2. One that is off is 0 and not seen on a log axis.",
}  # captions, in the order of the report


BEST_NOTE = (
    "best: of the weights that had the best evaluation on the way, scored on samples that this choice has not seen."
)
RECORDED = re.compile(r"(?P<best>best_)?(?P<key>.+?)(?P<count>_?\d+k?)?(?P<raw>_raw)?")


def shown_metrics(columns: Iterable[str], figure: FigureName = "quality") -> tuple[Metric, ...]:
    """The metrics of a figure that are among the recorded names, in the order of METRICS. The table shows `quality`."""
    known = {metric.key: (i, metric) for i, metric in enumerate(METRICS) if metric.figure == figure}
    found = []
    for column in columns:
        parts = RECORDED.fullmatch(column)
        if column in known:
            found.append((*known[column], ""))
        elif parts and parts["key"] in known:
            order, metric = known[parts["key"]]
            found.append((order, _variety(metric, column, parts), column))
    return tuple(metric for _, metric, _ in sorted(found, key=lambda entry: (entry[0], entry[2])))


def _variety(metric: Metric, column: str, parts: re.Match[str]) -> Metric:
    count = (parts["count"] or "").strip("_")
    label = _join("best" if parts["best"] else "", metric.label, count, "raw" if parts["raw"] else "")
    notes = _join(metric.note, BEST_NOTE if parts["best"] else "")
    plot_label = label.replace(metric.label, metric.plot_label) if metric.plot_label else ""
    floor = metric.floor + (parts["raw"] or "") if metric.floor and not parts["best"] else ""  # best: said already
    shown = replace(metric, key=column, label=label, plot_label=plot_label, floor=floor)
    return replace(shown, note=notes, at_end=bool(parts["best"]))

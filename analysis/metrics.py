"""What the recorded metrics mean to a reader: one line per metric, and nothing about a metric anywhere else.

A new metric (fid, kid ...) gets its column, its panel and its statistics by one more line in METRICS.
"""

from dataclasses import dataclass
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
    Metric("loss_d", "Loss of D", "losses"),
    Metric("loss_g", "Loss of G", "losses"),
    Metric("r1", "R1", "penalties", plot_label=r"R1: $\|\nabla_{\!x} D(x)\|^2$, real", log=True),
    Metric("r2", "R2", "penalties", plot_label=r"R2: $\|\nabla_{\!x} D(x)\|^2$, generated", log=True),
)  # fmt: skip
TABLE = tuple(metric for metric in METRICS if metric.figure == "quality")
FLOORS = tuple(metric.floor for metric in METRICS if metric.floor)
CLASSIFIER_ACCURACY = "classifier_test_accuracy"  # 0..1: how far the digit classifier itself can be trusted

FIGURES: dict[FigureName, str] = {
    "quality": "Quality of samples of the EMA generator.",
    "losses": "Adversarial losses of D and G, without penalties. Values of different losses cannot be compared.",
    "penalties": "Gradient penalties before their weight gamma / 2. One that is off is 0 and not seen on a log axis.",
}  # captions, in the order of the report


def metrics_of(figure: FigureName) -> tuple[Metric, ...]:
    """The panels of one figure."""
    return tuple(metric for metric in METRICS if metric.figure == figure)

"""What tables and figures show: a column for each number that a metric records, and the curves of losses and penalties.

Everything known of a metric's numbers stands in its row (r3gan/tables/metrics.py); what only the analysis shows stands
here. `shown_columns` finds what a study has recorded, each under its own name, so that numbers of different protocols
never share a column.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from r3gan.evaluation.protocol import RAW, Recorded, read_key
from r3gan.tables.metrics import Better, Number, numbers

ARROWS = {"higher": "↑", "lower": "↓", None: ""}

FigureName = Literal["quality", "losses", "penalties", "schedules"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One number as MLflow has it (`key`) and as tables and figures show it."""

    key: str
    label: str  # in tables
    figure: FigureName  # where its curve is drawn; `quality` columns are those of the table too
    better: Better | None = None
    unit: str = ""
    spec: str = ".3f"  # format of one value
    plot_label: str = ""  # in figures, if other than `label`
    floor: str = ""  # the key that says what a perfect generator would get with as many samples
    log: bool = False  # draw on a log axis where the values span it
    ceiling: float | None = None  # the most that a count can be
    largest: float | None = None  # the largest possible value of another number
    negligible: float = 0.0  # a difference that is no collapse
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

    @property
    def largest_difference(self) -> float:
        """The most that two values can differ by."""
        return next((most for most in (self.ceiling, self.largest) if most is not None), math.inf)


def _join(*parts: str) -> str:
    return " ".join(part for part in parts if part)


CURVES = (
    Column(key="loss_d", label="Loss of D", figure="losses"),
    Column(key="loss_g", label="Loss of G", figure="losses"),
    Column(key="logit_gap", label="Logit gap", figure="losses", plot_label="Logit gap: real − generated"),
    Column(key="r1", label="R1", figure="penalties", plot_label=r"R1: $\|\nabla_{\!x} D(x)\|^2$, real", log=True),
    Column(key="r2", label="R2", figure="penalties", plot_label=r"R2: $\|\nabla_{\!x} D(x)\|^2$, generated", log=True),
    Column(key="lr", label="learning rate", figure="schedules", log=True),
    Column(key="beta2", label="Adam's β2", figure="schedules"),
    Column(key="gamma", label="γ", figure="schedules", plot_label="γ of R1 and R2", log=True),
    Column(key="loss_phase", label="phase of the loss", figure="schedules"),
    Column(key="augment_p", label="augmentation p", figure="schedules"),
    Column(key="instance_noise", label="instance noise", figure="schedules"),
    Column(key="ema_half_life_img", label="EMA half-life in images", figure="schedules", log=True),
)
CLASSIFIER_ACCURACY = "classifier_test_accuracy"  # 0..1: how far the digit classifier itself can be trusted

FIGURES: dict[FigureName, str] = {
    "quality": "Quality of samples of the EMA generator.",
    "losses": "Adversarial losses of D and G, without penalties (values of different losses cannot be compared), and "
    "the mean difference of D's logits of real and generated images.",
    "penalties": "Gradient penalties before their weight gamma / 2. One that is off is 0 and not seen on a log axis.",
    "schedules": "Schedules as they really were, recorded during training.",
}  # captions, in the order of the report

BEST_NOTE = (
    "best: of the weights that had the best evaluation on the way, scored on samples that this choice has not seen."
)


def floors() -> tuple[str, ...]:
    """The keys of all floors, of moving averages and of generators themselves."""
    return tuple(number.floor + raw for number in numbers().values() if number.floor for raw in ("", RAW))


def shown_columns(keys: Iterable[str], figure: FigureName = "quality") -> tuple[Column, ...]:
    """The columns of a figure that are among the recorded keys, in the order of tables, which show `quality`."""
    keys = list(keys)
    if figure != "quality":
        return tuple(column for column in CURVES if column.figure == figure and column.key in keys)
    order = list(numbers())
    found = [(key, recorded) for key in keys if (recorded := read_key(key)) and recorded.number.label]
    found.sort(key=lambda entry: (order.index(entry[1].number.key), entry[0]))
    return tuple(column_of(key, recorded) for key, recorded in found)


def column_of(key: str, recorded: Recorded) -> Column:
    """How a recorded number is shown, with its protocol in the label."""
    number, raw = recorded.number, RAW if recorded.raw else ""
    label = _label(recorded, number.label)
    return Column(
        key=key,
        label=label,
        figure="quality",
        better=number.better,
        unit=number.unit,
        spec=number.spec,
        plot_label=_label(recorded, number.plot_label) if number.plot_label else "",
        floor=_floor(number, raw) if not recorded.best else "",  # for the best weights it has been said already
        log=number.log,
        ceiling=number.ceiling,
        largest=number.largest,
        negligible=number.negligible,
        note=_join(number.note, BEST_NOTE if recorded.best else ""),
        at_end=recorded.best,
    )


def _label(recorded: Recorded, label: str) -> str:
    return _join("best" if recorded.best else "", label, recorded.count, "raw" if recorded.raw else "")


def _floor(number: Number, raw: str) -> str:
    return number.floor + raw if number.floor else ""

"""A searched key: what it may be, how Optuna knows it, and what it sets. Each way to search a key is a row of KINDS."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from experiments.tuning.value_checks import choice_problems, range_problems
from r3gan.config import TrainConfig
from r3gan.settings.leaves import leaves
from r3gan.settings.values import KeyPath


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One searched key."""

    key: str
    kind: str  # a row of KINDS
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: dict[str | float | bool, Any] = field(default_factory=dict)  # Optuna's value -> the configuration's
    when: dict[str, tuple[Any, ...]] = field(default_factory=dict)  # other key -> values under which this is searched
    value: Any = None  # of kind `value`
    place: KeyPath = ()  # in the study file

    @property
    def row(self) -> "Kind":
        """What is known of its kind."""
        return KINDS[self.kind]

    @property
    def distribution(self) -> BaseDistribution | None:
        """The parameter as Optuna knows it; None for a fixed value."""
        return self.row.distribution(self)

    def is_active(self, chosen: dict[str, Any]) -> bool:
        """Whether it is searched, given the parameters that come before it."""
        return all(chosen.get(key) in values for key, values in self.when.items())

    def suggest(self, trial: Any) -> Any:
        """Let a trial choose a value, as Optuna knows it."""
        return self.row.suggest(self, trial)

    def setting(self, chosen: Any) -> Any:
        """The configuration's value for a value that Optuna knows."""
        return self.row.setting(self, chosen)

    def corners(self) -> list[Any]:
        """The values at the edges of what it may be."""
        return self.row.corners(self)

    def own(self, config: TrainConfig, keeps: Callable[[Any], bool]) -> Any:
        """What it is in a configuration, as Optuna knows it; None if it cannot be that.

        keeps: whether a value, once set, leaves the configuration as it is.
        """
        return self.row.own(self, config, keeps)

    @property
    def whole_values(self) -> Iterable[Any]:
        """What it may set, where that can only be whole numbers."""
        return self.row.whole_values(self)

    @property
    def text(self) -> str:
        """What it may be, for people."""
        return self.row.text(self)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A way to search a key."""

    section_key: str  # in the study file
    problems: Callable[[Any, float | None], Iterable[str]]  # what is wrong with the study file's value and step
    fields: Callable[[Any], dict[str, Any]]  # the study file's value -> fields of Parameter
    distribution: Callable[[Parameter], BaseDistribution | None]
    suggest: Callable[[Parameter, Any], Any]
    corners: Callable[[Parameter], list[Any]]
    whole_values: Callable[[Parameter], Iterable[Any]]  # see Parameter.whole_values
    own: Callable[[Parameter, TrainConfig, Callable[[Any], bool]], Any]  # see Parameter.own
    text: Callable[[Parameter], str]  # what it may be, for people
    setting: Callable[[Parameter, Any], Any] = lambda p, chosen: chosen  # Optuna's value -> the configuration's
    is_searched: bool = True  # not the same in all trials
    has_conditions: bool = False  # other keys can be searched under some of its values only
    is_log: bool = False
    takes_step: bool = False


def number_text(value: Any) -> str:
    """A number with five digits, anything else as it is."""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _bounds(p: Parameter) -> tuple[float, float]:
    assert p.low is not None
    assert p.high is not None
    return p.low, p.high


def _float_distribution(p: Parameter) -> BaseDistribution:
    return FloatDistribution(*_bounds(p), p.row.is_log, p.step)


def _int_distribution(p: Parameter) -> BaseDistribution:
    low, high = _bounds(p)
    return IntDistribution(int(low), int(high), p.row.is_log, int(p.step or 1))


def _suggest_float(p: Parameter, trial: Any) -> Any:
    return trial.suggest_float(p.key, *_bounds(p), step=p.step, log=p.row.is_log)


def _suggest_int(p: Parameter, trial: Any) -> Any:
    low, high = _bounds(p)
    return trial.suggest_int(p.key, int(low), int(high), step=int(p.step or 1), log=p.row.is_log)


def _whole_in_range(p: Parameter) -> Iterable[int]:
    low, high = _bounds(p)
    return range(int(low), int(high) + 1, int(p.step or 1))


def _range_text(p: Parameter) -> str:
    step = f", in steps of {p.step:g}" if p.step else ""
    return f"{p.kind} {number_text(p.low)} to {number_text(p.high)}{step}"


def _own_in_range(p: Parameter, config: TrainConfig, keeps: Callable[[Any], bool]) -> Any:
    """A constant schedule counts as one number, or as one that decays from a value to the same value."""
    low, high = _bounds(p)
    schedule = getattr(config.schedules, p.key.split(".")[1], None) if p.key.startswith("schedules.") else None
    if schedule is not None and schedule.start == schedule.end and p.key.endswith(".decay_img"):
        return high
    constant = schedule.end if schedule is not None and schedule.start == schedule.end else None
    value = leaves(config).get(p.key, constant if p.key.count(".") == 1 else None)
    if not isinstance(value, (int, float)) or not low <= value <= high:
        return None
    steps = (value - low) / p.step if p.step else 0.0
    return value if abs(steps - round(steps)) < 1e-9 else None


def _range(
    section_key: str,
    *,
    distribution: Callable[[Parameter], BaseDistribution],
    suggest: Callable[[Parameter, Any], Any],
    is_whole: bool = False,
    is_log: bool = False,
    takes_step: bool = False,
) -> Kind:
    return Kind(
        section_key=section_key,
        problems=partial(range_problems, section_key, is_whole=is_whole, is_log=is_log),
        fields=lambda value: dict(zip(("low", "high"), value, strict=True)),
        distribution=distribution,
        suggest=suggest,
        corners=lambda p: list(_bounds(p)),
        whole_values=_whole_in_range,
        own=_own_in_range,
        text=_range_text,
        is_log=is_log,
        takes_step=takes_step,
    )


_float_range = partial(_range, distribution=_float_distribution, suggest=_suggest_float)
_whole_range = partial(_range, distribution=_int_distribution, suggest=_suggest_int, is_whole=True)

KINDS = {
    "uniform": _float_range("uniform", takes_step=True),
    "log": _float_range("log", is_log=True),
    "int": _whole_range("int", takes_step=True),
    "log-int": _whole_range("log_int", is_log=True),
    "choice": Kind(
        section_key="choice",
        problems=choice_problems,
        fields=lambda value: {"choices": value if isinstance(value, dict) else {item: item for item in value}},
        distribution=lambda p: CategoricalDistribution(tuple(p.choices)),
        suggest=lambda p, trial: trial.suggest_categorical(p.key, tuple(p.choices)),
        setting=lambda p, chosen: p.choices[chosen],
        corners=lambda p: list(p.choices),
        whole_values=lambda p: p.choices.values(),
        own=lambda p, config, keeps: next((name for name, value in p.choices.items() if keeps(value)), None),
        text=lambda p: " | ".join(map(str, p.choices)),
        has_conditions=True,
    ),
    "value": Kind(
        section_key="value",
        problems=lambda value, step: (),
        fields=lambda value: {"value": value},
        distribution=lambda p: None,
        suggest=lambda p, trial: p.value,
        setting=lambda p, chosen: p.value,
        corners=lambda p: [],
        whole_values=lambda p: [p.value],
        own=lambda p, config, keeps: p.value,
        text=lambda p: f"always {number_text(p.value)}",
        is_searched=False,
    ),
}

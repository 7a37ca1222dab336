"""Search spaces: what each searched key may be, how Optuna knows it, and what a trial then sets."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from experiments.study.yamlfile import KeyPath


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


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How a key can be searched."""

    section_key: str  # in the study file
    distribution: Callable[[Parameter], BaseDistribution | None]
    suggest: Callable[[Parameter, Any], Any]
    corners: Callable[[Parameter], list[Any]]
    setting: Callable[[Parameter, Any], Any] = lambda p, chosen: chosen  # Optuna's value -> the configuration's
    is_range: bool = True  # a pair [low, high]
    is_log: bool = False
    takes_step: bool = False


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


def _ends(p: Parameter) -> list[Any]:
    return list(_bounds(p))


FLOAT: dict[str, Any] = {"distribution": _float_distribution, "suggest": _suggest_float, "corners": _ends}
WHOLE: dict[str, Any] = {"distribution": _int_distribution, "suggest": _suggest_int, "corners": _ends}

KINDS = {
    "uniform": Kind(section_key="uniform", **FLOAT, takes_step=True),
    "log": Kind(section_key="log", **FLOAT, is_log=True),
    "int": Kind(section_key="int", **WHOLE, takes_step=True),
    "log-int": Kind(section_key="log_int", **WHOLE, is_log=True),
    "choice": Kind(
        section_key="choice",
        distribution=lambda p: CategoricalDistribution(tuple(p.choices)),
        suggest=lambda p, trial: trial.suggest_categorical(p.key, tuple(p.choices)),
        setting=lambda p, chosen: p.choices[chosen],
        corners=lambda p: list(p.choices),
        is_range=False,
    ),
    "value": Kind(
        section_key="value",
        distribution=lambda p: None,
        suggest=lambda p, trial: p.value,
        setting=lambda p, chosen: p.value,
        corners=lambda p: [],
        is_range=False,
    ),
}


@dataclass(frozen=True)
class Space:
    """All searched keys, each after those that it depends on."""

    parameters: tuple[Parameter, ...]

    def suggest(self, trial: Any) -> dict[str, Any]:
        """Let a trial choose. Returns the value of every active parameter, as Optuna knows it, fixed values too."""
        chosen: dict[str, Any] = {}
        for p in self.parameters:
            if p.is_active(chosen):
                chosen[p.key] = p.suggest(trial)
        return chosen

    def settings(self, chosen: dict[str, Any]) -> list[tuple[Parameter, Any]]:
        """What the chosen values set in the configuration, in the order in which it is to be set."""
        found = [(p, p.setting(chosen[p.key])) for p in self.parameters if p.key in chosen]
        return sorted(found, key=lambda entry: entry[0].key.count("."))  # a whole list before its entries

    def activating(self, p: Parameter) -> dict[str, Any]:
        """Choices of other parameters under which a parameter is searched."""
        by_key = {other.key: other for other in self.parameters}
        chosen: dict[str, Any] = {}
        for key, values in p.when.items():
            chosen |= self.activating(by_key[key]) | {key: values[0]}
        return chosen

    @property
    def searched(self) -> tuple[Parameter, ...]:
        """The parameters that Optuna knows."""
        return tuple(p for p in self.parameters if p.kind != "value")

"""The search space: all searched keys together, and what a trial chooses from them."""

from dataclasses import dataclass
from typing import Any

from experiments.tuning.parameter import Parameter


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
        return tuple(p for p in self.parameters if p.row.is_searched)

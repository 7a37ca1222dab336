"""A variant's own values in a search space: the trial that all others are compared with."""

from dataclasses import replace
from functools import partial
from typing import Any

from experiments.study.plan import differences
from experiments.tuning.parameter import Parameter
from experiments.tuning.search import Search, origin_of
from r3gan.config import Schedules, TrainConfig
from r3gan.identity import canonical, plain_schedule
from r3gan.settings.layers import override
from r3gan.settings.typed import validate, whole_preset


def own_setting(search: Search) -> dict[str, Any]:
    """The variant's own values of the searched parameters; without those that the space cannot express."""
    config, chosen = search.config, dict[str, Any]()
    for p in search.space.parameters:
        if p.is_active(chosen):
            value = p.own(config, partial(_is_own, search, p, config))
            if value is not None:
                chosen[p.key] = value
    return chosen


def own_setting_is_within(search: Search) -> bool:
    """Whether a trial can be the variant's own setting."""
    chosen = own_setting(search)
    if not all(p.key in chosen for p in search.space.parameters if p.is_active(chosen)):
        return False
    configured = {name: search.configured(name, chosen) for name in search.configs}
    return all(canonical(configured[name]) == canonical(config) for name, config in search.configs.items())


def _is_own(search: Search, p: Parameter, config: TrainConfig, value: Any) -> bool:
    """Whether a choice leaves the first variant as it is, but for what other parameters set."""
    variant = next(iter(search.configs))
    node = override(search.bases[variant], p.key, value, origin_of(search.study, p))
    chosen, problems = validate(node, whole_preset(search.study.datasets[search.dataset]), search.dataset, 0)
    if chosen is None or problems:
        return False
    others = {other.key for other in search.space.parameters if other is not p}
    changed = set(differences(_plain(chosen), _plain(replace(config, seed=0)))) - others
    return not any(key == p.key or key.startswith(f"{p.key}.") for key in changed)


def _plain(config: TrainConfig) -> TrainConfig:
    """The same training, with no decay where a schedule is constant."""
    schedules = {name: plain_schedule(schedule) for name, schedule in vars(config.schedules).items()}
    return replace(config, schedules=Schedules(**schedules))

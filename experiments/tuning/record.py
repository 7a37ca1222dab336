"""A search as plain data: what `analysis` reads, and what stays readable when the storage is gone."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any

import optuna
from optuna.distributions import distribution_to_json
from optuna.trial import FrozenTrial, TrialState

from experiments.tuning.budget import repeated
from experiments.tuning.search import Search
from experiments.tuning.space import Parameter
from experiments.tuning.trial_attributes import (
    COST,
    DIVERGED,
    FAILED,
    INTERRUPTED,
    IS_DEFAULT,
    OUTCOME,
    PRUNED,
    REASON,
    RETRIES,
    RUNGS,
    SURPLUS,
    WORKER,
)
from r3gan.config import IMG_PER_KIMG


def search_record(search: Search, study: optuna.Study) -> dict[str, Any]:
    """Everything about a search and its trials, as JSON can hold it."""
    trials = study.get_trials(deepcopy=False)
    taken_over = repeated(trials)
    default = search.default()
    return {
        "study": search.study.name,
        "tuning": search.identity,
        "name": search.name,
        "profile": search.profile,
        "dataset": search.dataset,
        "variant": search.variant,
        "variants": list(search.configs),
        "sampler": search.sampler.kind,
        "pruner": search.pruner.kind,
        "comparison": search.comparison,
        "objectives": [
            {"metric": objective.key, "direction": objective.direction, "at": objective.at}
            for objective in search.objectives
        ],
        "seeds": list(search.seeds),
        "trial_kimg": search.trial_img / IMG_PER_KIMG,
        "budget": asdict(search.budget),
        "space": {p.key: _parameter(p) for p in search.space.searched},
        "distributions": {p.key: distribution_to_json(p.distribution) for p in search.space.searched if p.distribution},
        "default": {p.key: default[p.key] for p in search.space.searched if p.key in default},
        "best": [trial.number for trial in best_trials(study)],
        "trials": [_trial(trial, state_of(trial, taken_over)) for trial in trials],
    }


def best_trials(study: optuna.Study) -> list[FrozenTrial]:
    """The best complete trial, or the Pareto front of several objectives; empty while none is complete."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(study.directions) > 1:
        return study.best_trials if complete else []
    return [study.best_trial] if complete else []


def state_of(trial: FrozenTrial, taken_over: Collection[int]) -> str:
    """What has become of a trial, in one word: Optuna knows no diverged trials, and none that others took over."""
    if trial.state in (TrialState.WAITING, TrialState.RUNNING, TrialState.COMPLETE):
        return trial.state.name.lower()
    if SURPLUS in trial.user_attrs:
        return "surplus"
    if trial.user_attrs.get(OUTCOME) == DIVERGED:
        return DIVERGED
    if trial.state == TrialState.PRUNED:
        return PRUNED
    return INTERRUPTED if trial.number in taken_over else FAILED


def rungs_of(trial: FrozenTrial) -> list[tuple[int, list[float]]]:
    """Images and the objectives' values at each evaluation so far."""
    if RUNGS in trial.user_attrs:
        return [(images, list(values)) for images, values in trial.user_attrs[RUNGS]]
    return [(images, [value]) for images, value in sorted(trial.intermediate_values.items())]


def reason_of(trial: FrozenTrial) -> str:
    """Why a trial has no value."""
    return str(trial.user_attrs.get(REASON) or "its worker was killed, again and again")


def _parameter(p: Parameter) -> dict[str, Any]:
    choices = list(p.choices) or None
    when = {key: list(values) for key, values in p.when.items()}
    return {"kind": p.kind, "low": p.low, "high": p.high, "step": p.step, "choices": choices, "when": when}


def _trial(trial: FrozenTrial, state: str) -> dict[str, Any]:
    cost = trial.user_attrs.get(COST, {"kimg": 0.0, "seconds": 0.0})
    history = trial.system_attrs.get(RETRIES)
    return {
        "number": trial.number,
        "state": state,
        "params": trial.params,
        "values": trial.values if trial.state == TrialState.COMPLETE else None,
        "rungs": rungs_of(trial),
        "kimg": cost["kimg"],
        "seconds": cost["seconds"],
        "started": _milliseconds(trial.datetime_start),
        "ended": _milliseconds(trial.datetime_complete),
        "worker": trial.user_attrs.get(WORKER),
        "is_default": bool(trial.user_attrs.get(IS_DEFAULT)),
        "retry_of": history[0] if history else None,
        "reason": reason_of(trial) if state in (FAILED, DIVERGED) else "",
    }


def _milliseconds(time: datetime | None) -> int | None:
    return None if time is None else round(time.timestamp() * 1000)

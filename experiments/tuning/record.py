"""The record of a search, from Optuna's storage: what stays readable when the storage is gone."""

from collections.abc import Collection
from datetime import datetime

import optuna
from optuna.distributions import distribution_to_json
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from experiments.tracking.search_record import (
    BudgetRecord,
    ObjectiveRecord,
    ParameterRecord,
    Rung,
    SearchRecord,
    TrialRecord,
    TrialState,
    Worker,
)
from experiments.tuning.budget import repeated
from experiments.tuning.own_setting import own_setting
from experiments.tuning.parameter import Parameter
from experiments.tuning.search import Search
from experiments.tuning.trial_attributes import (
    COST,
    INHERITED,
    IS_DEFAULT,
    OUTCOME,
    REASON,
    RETRIES,
    RUNGS,
    SURPLUS,
    WORKER,
)
from r3gan.config import IMG_PER_KIMG


def search_record(search: Search, study: optuna.Study) -> SearchRecord:
    """Everything about a search and its trials."""
    trials = study.get_trials(deepcopy=False)
    taken_over = repeated(trials)
    default = own_setting(search)
    return SearchRecord(
        study=search.study.name,
        tuning=search.identity,
        name=search.name,
        profile=search.profile,
        dataset=search.dataset,
        variant=search.variant,
        variants=tuple(search.configs),
        sampler=search.sampler.kind,
        pruner=search.pruner.kind,
        comparison=search.comparison,
        objectives=tuple(ObjectiveRecord(o.key, o.direction, o.at) for o in search.objectives),
        seeds=search.seeds,
        trial_kimg=search.trial_img / IMG_PER_KIMG,
        budget=BudgetRecord(**vars(search.budget)),
        space={p.key: _parameter(p) for p in search.space.searched},
        distributions={p.key: distribution_to_json(p.distribution) for p in search.space.searched if p.distribution},
        default={p.key: default[p.key] for p in search.space.searched if p.key in default},
        best=tuple(trial.number for trial in best_trials(study)),
        trials=tuple(_trial(trial, state_of(trial, taken_over)) for trial in trials),
    )


def best_trials(study: optuna.Study) -> list[FrozenTrial]:
    """The best complete trial, or the Pareto front of several objectives; empty while none is complete."""
    complete = study.get_trials(deepcopy=False, states=(OptunaState.COMPLETE,))
    if len(study.directions) > 1:
        return study.best_trials if complete else []
    return [study.best_trial] if complete else []


def state_of(trial: FrozenTrial, taken_over: Collection[int]) -> TrialState:
    """What has become of a trial: Optuna knows no diverged trials, and none that others took over."""
    if trial.state in (OptunaState.WAITING, OptunaState.RUNNING, OptunaState.COMPLETE):
        return TrialState(trial.state.name.lower())
    if SURPLUS in trial.user_attrs:
        return TrialState.SURPLUS
    if trial.user_attrs.get(OUTCOME) == TrialState.DIVERGED:
        return TrialState.DIVERGED
    if trial.state == OptunaState.PRUNED:
        return TrialState.PRUNED
    return TrialState.INTERRUPTED if trial.number in taken_over else TrialState.FAILED


def rungs_of(trial: FrozenTrial) -> tuple[Rung, ...]:
    """Images and the objectives' values at each evaluation so far."""
    if RUNGS in trial.user_attrs:
        return tuple((images, tuple(values)) for images, values in trial.user_attrs[RUNGS])
    return tuple((images, (value,)) for images, value in sorted(trial.intermediate_values.items()))


def worker_of(trial: FrozenTrial) -> Worker | None:
    """Who runs or ran a trial, if it has signed."""
    signature = trial.user_attrs.get(WORKER)
    return Worker(**signature) if signature else None


def reason_of(trial: FrozenTrial) -> str:
    """Why a trial has no value."""
    return str(trial.user_attrs.get(REASON) or "its worker was killed, again and again")


def _parameter(p: Parameter) -> ParameterRecord:
    when = {key: list(values) for key, values in p.when.items()}
    choices = list(p.choices) or None
    return ParameterRecord(kind=p.kind, low=p.low, high=p.high, step=p.step, choices=choices, when=when)


def _trial(trial: FrozenTrial, state: TrialState) -> TrialRecord:
    nothing = {"kimg": 0.0, "seconds": 0.0}
    cost, inherited = (nothing | trial.user_attrs.get(name, {}) for name in (COST, INHERITED))
    history = trial.system_attrs.get(RETRIES)
    return TrialRecord(
        number=trial.number,
        state=state,
        params=trial.params,
        values=tuple(trial.values) if trial.state == OptunaState.COMPLETE else None,
        rungs=rungs_of(trial),
        kimg=cost["kimg"],
        seconds=cost["seconds"] - inherited["seconds"],
        started=_milliseconds(trial.datetime_start),
        ended=_milliseconds(trial.datetime_complete),
        worker=worker_of(trial),
        is_default=bool(trial.user_attrs.get(IS_DEFAULT)),
        retry_of=history[0] if history else None,
        reason=reason_of(trial) if state in (TrialState.FAILED, TrialState.DIVERGED) else "",
        starts_from=inherited.get("starts_from", ""),
        inherited_kimg=inherited["kimg"],
        inherited_seconds=inherited["seconds"],
    )


def _milliseconds(time: datetime | None) -> int | None:
    return None if time is None else round(time.timestamp() * 1000)

"""A trial of a search as a variant of the study: `--apply NAME`."""

from collections.abc import Collection, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from optuna.storages import BaseStorage
from optuna.trial import FixedTrial, FrozenTrial, TrialState

from experiments.cli import console, errors
from experiments.names import BASELINE
from experiments.study.insert import apply_variant, check_name
from experiments.study.problems import StudyError, StudyProblem
from experiments.study.study import Study
from experiments.study.tune_section import Tuned
from experiments.tuning.display import seeds_text
from experiments.tuning.optuna_study import open_study
from experiments.tuning.record import best_trials
from experiments.tuning.search import Search
from experiments.tuning.trial_attributes import IS_DEFAULT
from r3gan.config import IMG_PER_KIMG
from r3gan.settings.layers import split_key
from r3gan.settings.typed import Tree
from r3gan.settings.values import KeyPath


def apply_problems(
    study: Study, searches: list[Search], name: str | None, trial: int | None, changed: Collection[str] = ()
) -> Iterator[StudyProblem]:
    """Why trials could not be written into the study file, so that a long search is not begun in vain.

    changed: the keys that the command line sets.
    """
    if name is None:
        return
    datasets = {search.dataset for search in searches}
    if len(datasets) > 1:
        message = f"parameters of {len(datasets)} datasets do not go into one variant: choose with --dataset"
        yield StudyProblem("--apply", name, message)
    if changed:
        message = (
            f"--set changes {', '.join(changed)}, which the variant would not hold: set it in the study file instead"
        )
        yield StudyProblem("--apply", name, message)
    if trial is not None and len(searches) > 1:
        message = f"is of which of the {len(searches)} searches? Choose with --variant and --dataset"
        yield StudyProblem("--trial", str(trial), message)
    for search in searches:
        yield from check_name(study, variant_name(searches, search, name))


def variant_name(searches: list[Search], search: Search, name: str) -> str:
    """NAME itself, or VARIANT-NAME where several variants are tuned."""
    return name if len({other.variant for other in searches}) == 1 else f"{search.variant}-{name}"


def apply_trials(
    file: Path, study: Study, searches: list[Search], storage: BaseStorage, name: str, number: int | None
) -> int:
    """Write the best trial of each search, or the one with a number, into the study file. Returns the exit code."""
    for search in searches:
        optuna_study = open_study(search, storage)
        best = best_trials(optuna_study)
        if number is not None:
            complete = optuna_study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            best = [trial for trial in complete if trial.number == number]
        if len(best) != 1:
            found = f"no trial is complete{'' if number is None else f' with the number {number}'}"
            if best:
                front = ", ".join(str(trial.number) for trial in best)
                found = f"none of the trials {front} is best in every objective: choose one with --trial"
            errors.print(f"error: --apply: {search.name}: {found}", markup=False)
            return 1
        if best[0].user_attrs.get(IS_DEFAULT):
            text = f"{search.name}: nothing is better than {search.variant}'s own setting: nothing is written"
            console.print(text, markup=False, soft_wrap=True)
            continue
        target = variant_name(searches, search, name)
        is_plain = search.variant == BASELINE or search.variant not in search.configs  # the latter: a shared search
        include = [] if is_plain else [search.variant]
        tuned = Tuned(search=search.identity, trial=best[0].number, seeds=list(search.seeds))
        try:
            apply_variant(file, target, include, variant_tree(search, best[0]), tuned, provenance(search, best[0]))
        except StudyError as error:
            for problem in error.problems:
                errors.print(f"error: {problem}", markup=False)
            return 2
        console.print(f"{file}: variant {target} holds the parameters of trial {best[0].number}", markup=False)
    return 0


def variant_tree(search: Search, trial: FrozenTrial) -> Tree:
    """The configuration keys that a trial sets, as a study file has them. A list is written whole."""
    chosen = search.space.suggest(FixedTrial(trial.params))
    config = asdict(search.configured(next(iter(search.configs)), chosen))
    tree: Tree = {}
    for parameter, value in search.space.settings(chosen):
        path = split_key(parameter.key)
        first_position = next((i for i, key in enumerate(path) if isinstance(key, int)), None)
        path = path[:first_position]
        if first_position is not None or isinstance(value, (list, tuple)):
            value = _without_none(_at(config, path))
        _put(tree, path, value)
    return tree


def provenance(search: Search, trial: FrozenTrial) -> str:
    """Where the values come from, for the reader of the file."""
    pairs = zip(search.objectives, trial.values, strict=True)
    values = ", ".join(f"{objective.key} {value:.4g}" for objective, value in pairs)
    length = search.job_img / IMG_PER_KIMG
    where = f"{search.dataset}, {search.method}"
    return (
        f"trial {trial.number} of search {search.identity} ({where}): {values} on {seeds_text(search)}, {length:g} kimg"
    )


def _at(tree: Any, path: KeyPath) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def _put(tree: Tree, path: KeyPath, value: Any) -> None:
    for key in path[:-1]:
        tree = tree.setdefault(str(key), {})
    tree[str(path[-1])] = value


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, (list, tuple)) else value

"""Searches for parameters, as `experiments.tune` records them, and what can be read off their trials."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
import pandas as pd
from optuna.distributions import CategoricalDistribution, json_to_distribution
from optuna.importance import get_param_importances
from optuna.trial import TrialState as OptunaState

from analysis.metrics import Column, shown_columns
from experiments.tracking.search_record import SearchRecord, TrialRecord, TrialState

ENOUGH_TRIALS = 10  # complete ones, for what is fitted to them
ABOUT_THE_SAME = 0.05  # budgets that differ by more than this share are not the same

optuna.logging.set_verbosity(optuna.logging.ERROR)


@dataclass(frozen=True, kw_only=True)
class SearchResult(SearchRecord):
    """A search, with what can be read off its trials one by one."""

    @property
    def method(self) -> str:
        """Sampler and pruner."""
        return self.sampler + ("" if self.pruner == "none" else f"+{self.pruner}")

    @property
    def group(self) -> tuple[str, str, str]:
        """Equal for searches whose values may be compared."""
        return self.dataset, self.variant, self.comparison

    @property
    def spent(self) -> list[TrialRecord]:
        """The trials that cost something, in order."""
        return [trial for trial in self.trials if trial.state.has_cost]

    @property
    def complete(self) -> list[TrialRecord]:
        """The trials that were run to their end."""
        return [trial for trial in self.trials if trial.state is TrialState.COMPLETE]

    @property
    def metrics(self) -> list[Column]:
        """The objectives as tables and figures show them."""
        return [column_named(objective.metric) for objective in self.objectives]

    def sign(self, objective: int) -> int:
        """1 if the objective is better when lower, else -1."""
        return 1 if self.objectives[objective].direction == "minimize" else -1

    def cost(self, unit: str) -> float:
        """Of all trials: kimg (with what they had from others), trained_kimg, or seconds (of training them)."""
        return float(sum(getattr(trial, unit) for trial in self.spent))

    def best_in(self, objective: int) -> TrialRecord | None:
        """The trial that is best in one objective."""
        sign = self.sign(objective)
        return min(self.complete, key=lambda trial: sign * trial.scores[objective], default=None)

    def default_value(self, objective: int) -> float | None:
        """What the variant's own setting reached, if it was a trial that was run to its end."""
        return next((trial.scores[objective] for trial in self.complete if trial.is_default), None)

    def has_enough(self, key: str) -> bool:
        """Whether enough complete trials have a parameter, which some choices may leave out."""
        return sum(key in trial.params for trial in self.complete) >= ENOUGH_TRIALS

    def is_numeric(self, key: str) -> bool:
        """Whether a parameter is a number."""
        return self.space[key].kind != "choice"

    def is_log(self, key: str) -> bool:
        """Whether a parameter is searched on a logarithmic scale."""
        return self.space[key].kind.startswith("log")


def column_named(key: str) -> Column:
    """The metric under a recorded name."""
    return next(iter(shown_columns([key])), Column(key=key, label=key, figure="quality"))


def short(key: str) -> str:
    """A parameter's name without what all have in common."""
    return key.removeprefix("schedules.")


def history(search: SearchResult, objective: int) -> pd.DataFrame:
    """A row per spent trial: number, state, value (its last one, NaN without any), best (so far, of complete ones)."""
    rows = []
    for trial in search.spent:
        values = trial.values or (trial.rungs[-1][1] if trial.rungs else None)
        rows.append((trial.number, trial.state, values[objective] if values else float("nan")))
    table = pd.DataFrame(rows, columns=["number", "state", "value"])
    complete = table["value"].where(table["state"] == "complete")
    best = complete.cummin() if search.sign(objective) > 0 else complete.cummax()
    return table.assign(best=best.ffill())


def best_so_far(search: SearchResult, objective: int, unit: str) -> pd.DataFrame:
    """A row per ended trial, by the time of its end: cost (of all trials ended until then, kimg or seconds), best."""
    ended = sorted((t for t in search.spent if t.ended is not None), key=lambda trial: trial.ended or 0)
    rows = [(getattr(trial, unit), trial.scores[objective] if trial.values else float("nan")) for trial in ended]
    table = pd.DataFrame(rows, columns=["cost", "value"])
    best = table["value"].cummin() if search.sign(objective) > 0 else table["value"].cummax()
    return pd.DataFrame({"cost": table["cost"].cumsum(), "best": best.ffill()})


def survival(search: SearchResult) -> pd.DataFrame:
    """A row per rung: kimg (of a trial), reached (trials that were evaluated there), pruned (there)."""
    rungs = sorted({images for trial in search.spent for images, _ in trial.rungs})
    rows = []
    for rung in rungs:
        last = [
            trial.rungs[-1][0] == rung for trial in search.spent if trial.rungs and trial.state is TrialState.PRUNED
        ]
        reached = sum(any(images == rung for images, _ in trial.rungs) for trial in search.spent)
        rows.append((rung / 1000, reached, sum(last)))
    return pd.DataFrame(rows, columns=["kimg", "reached", "pruned"])


def importances(search: SearchResult, objective: int) -> dict[str, float] | str:
    """Parameter -> share of the importance, largest first; or why it cannot be said."""
    complete = len(search.complete)
    if complete < ENOUGH_TRIALS:
        return f"{complete} complete trials are too few to say which parameters matter ({ENOUGH_TRIALS} are needed)."
    values = {trial.scores[objective] for trial in search.complete}
    if len(values) == 1:
        return "All complete trials have the same value: no parameter mattered."
    sign = search.sign(objective)  # PED-ANOVA asks what makes the target low
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of conditional parameters that few trials have
        found = get_param_importances(as_optuna(search), target=lambda trial: sign * trial.values[objective])
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def as_optuna(search: SearchResult) -> optuna.Study:
    """The complete trials as an Optuna study in memory."""
    directions: list[Any] = [objective.direction for objective in search.objectives]
    study = optuna.create_study(directions=directions)
    distributions = {key: json_to_distribution(text) for key, text in search.distributions.items()}
    for trial in search.complete:
        study.add_trial(
            optuna.create_trial(
                state=OptunaState.COMPLETE,
                params=trial.params,
                distributions={key: distributions[key] for key in trial.params},
                values=trial.values,
            )
        )
    return study


def most_important(search: SearchResult, objective: int, count: int, numeric: bool = False) -> list[str]:
    """The parameters that matter most, or, where that cannot be said, the first ones of the space."""
    found = importances(search, objective)
    keys = list(search.space) if isinstance(found, str) else list(found)
    return [key for key in keys if search.is_numeric(key) or not numeric][:count]


def choices(search: SearchResult, key: str) -> list[Any]:
    """The values of a choice, in the order of the file."""
    distribution = json_to_distribution(search.distributions[key])
    assert isinstance(distribution, CategoricalDistribution)
    return list(distribution.choices)


def grouped(searches: Iterable[SearchResult]) -> dict[tuple[str, str, str], list[SearchResult]]:
    """Searches by what may be compared, each group in the order of its methods' names."""
    groups: dict[tuple[str, str, str], list[SearchResult]] = {}
    for search in sorted(searches, key=lambda search: (*search.group, search.method, search.tuning)):
        groups.setdefault(search.group, []).append(search)
    return groups


def budget_notes(searches: Sequence[SearchResult]) -> list[str]:
    """What makes a comparison of these searches unfair, or says that they are not over."""
    notes = []
    unequal = unequal_amounts(searches)
    if unequal:
        notes.append(f"The searches spent different amounts ({unequal}): compare them at equal cost.")
    for search in searches:
        running = sum(trial.state.is_open for trial in search.trials)
        trials = search.budget.trials
        counted = sum(trial.state.is_counted for trial in search.trials)
        if running or (trials is not None and counted < trials):
            wanted = f" of {trials}" if trials else ""
            notes.append(f"{label(search, searches)} is not over: {counted}{wanted} trials, {running} unfinished.")
    return notes


def fairness_notes(searches: Iterable[SearchResult]) -> list[str]:
    """Variants of one dataset whose searches by one method spent different amounts."""
    alike: dict[tuple[str, str], list[SearchResult]] = {}
    for search in searches:
        alike.setdefault((search.dataset, search.method), []).append(search)
    amounts = {place: unequal_amounts(group) for place, group in alike.items()}
    return [
        f"Not the same for every variant of {dataset} ({method}): {unequal}. What got more looks better for it."
        for (dataset, method), unequal in amounts.items()
        if unequal
    ]


def unequal_amounts(searches: Sequence[SearchResult]) -> str:
    """What each search spent, if that is not about the same; else nothing."""
    spent = {label(search, searches): search.cost("kimg") for search in searches}
    if max(spent.values()) <= (1 + ABOUT_THE_SAME) * min(spent.values()):
        return ""
    return ", ".join(f"{name} {kimg_text(kimg)} kimg" for name, kimg in spent.items())


def kimg_text(kimg: float) -> str:
    """Thousands of images, whole ones where they are many."""
    return f"{kimg:,.0f}" if kimg >= 10 else f"{kimg:.3g}"


def label(search: SearchResult, among: Sequence[SearchResult]) -> str:
    """What a search is called among others: by its method, and by its identity if that is not enough."""
    if sum(other.method == search.method and other.variant == search.variant for other in among) > 1:
        name = f"{search.method} ({search.tuning[:4]})"
    else:
        name = search.method
    return name if len({other.variant for other in among}) == 1 else f"{search.variant}, {name}"

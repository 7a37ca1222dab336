"""What the terminal shows of searches: the plan as tables, a bar for the search, and a line for each trial."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.launch.plan_tables import cost_text
from experiments.launch.progress import Display
from experiments.tracking.search_record import SearchRecord, TrialState
from experiments.tuning.budget import Budget
from experiments.tuning.own_setting import own_setting, own_setting_is_within
from experiments.tuning.parameter import number_text
from experiments.tuning.search import Search
from experiments.tuning.sharing_text import sharing_text
from r3gan.config import IMG_PER_KIMG
from r3gan.training.cost import Cost


def search_table(search: Search, record: SearchRecord | None, costs: dict[str, Cost], *, sharing: bool = True) -> Table:
    """What a search looks for, beside the variant's own values, and what it may cost: by the identity of its jobs.

    sharing: whether trials begin in the states of others.
    """
    table = Table(title=escape(search.name), title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("parameter", no_wrap=True)
    for column in ("searched", "if", f"{search.variant} has"):
        table.add_column(column, overflow="fold")
    default = own_setting(search)
    for p in search.space.parameters:
        when = ", ".join(f"{key} = {' or '.join(map(str, values))}" for key, values in p.when.items())
        table.add_row(
            escape(p.key.removeprefix("schedules.")),
            escape(p.text),
            escape(when),
            escape(number_text(default.get(p.key, "-"))),
        )
    jobs = search.jobs({})
    lines = [
        " and ".join(f"{o.direction} {o.key} at {o.at}" for o in search.objectives) + f" on {seeds_text(search)}",
        f"a trial: {len(jobs)} job{'s' * (len(jobs) > 1)}, {search.trial_img / IMG_PER_KIMG:g} kimg; budget: "
        + budget_text(search.budget),
        *{cost_text(costs[job.identity]) for job in jobs if job.identity in costs},
        *([sharing_text(search, next(iter(costs.values()), None))] if sharing else []),
        f"so far: {progress_text(record)}" if record else "new",
    ]
    if not own_setting_is_within(search):
        lines.append(f"{search.variant}'s own setting is not in the space: it is no trial")
    table.caption, table.caption_justify = escape("\n".join(lines)), "left"
    return table


def budget_text(budget: Budget) -> str:
    """All limits that there are."""
    limits = {"trial": budget.trials, "kimg": budget.kimg, "minute": budget.minutes}
    plural = {unit: "" if unit == "kimg" or limit == 1 else "s" for unit, limit in limits.items()}
    return ", ".join(f"{limit:g} {unit}{plural[unit]}" for unit, limit in limits.items() if limit is not None)


def seeds_text(search: Search) -> str:
    """The seeds of a trial."""
    return f"seed{'s' * (len(search.seeds) > 1)} {' '.join(map(str, search.seeds))}"


def progress_text(record: SearchRecord) -> str:
    """Trials by state, and the best value."""
    states = [trial.state for trial in record.trials]
    counted = ", ".join(f"{states.count(state)} {state}" for state in TrialState if state in states)
    spent = [trial for trial in record.trials if trial.state.has_cost]
    kimg, trained = sum(trial.kimg for trial in spent), sum(trial.trained_kimg for trial in spent)
    shared = f"; {trained:g} of {kimg:g} kimg trained, the rest begun in other trials" if trained < kimg else ""
    return f"{counted or 'no trials'}{f'; best {best_text(record)}' if record.best else ''}{shared}"


def best_text(record: SearchRecord) -> str:
    """The best value and its trial, or how many trials are on the front."""
    if len(record.best) > 1:
        return f"front of {len(record.best)} trials"
    (number,) = record.best
    values = next(trial.values for trial in record.trials if trial.number == number)
    return f"{values_text(record, values or ())} (trial {number})"


def values_text(record: SearchRecord, values: Sequence[float]) -> str:
    """The value of each objective, with its name."""
    return " ".join(f"{o.metric} {value:.4g}" for o, value in zip(record.objectives, values, strict=False))


def trial_lines(before: SearchRecord | None, record: SearchRecord) -> Iterator[str]:
    """One line for each trial that has ended since."""
    known = {trial.number: trial.state for trial in before.trials} if before else {}
    for trial in record.trials:
        if trial.state.is_open or known.get(trial.number) is trial.state:
            continue
        shown = values_text(record, trial.values or (trial.rungs[-1][1] if trial.rungs else ()))
        mark = " (default)" if trial.is_default else ""
        best = ", the best so far" if record.best == (trial.number,) else ""
        value = shown or trial.reason or "no value"
        begun = f", {trial.trained_kimg:g} of them trained" if trial.inherited_kimg else ""
        yield f"trial {trial.number}{mark} {trial.state}: {value} at {trial.kimg:g} kimg{begun}{best}"


class SearchDisplay(Display):
    """A display with one more bar, for the search as a whole."""

    def __init__(self, console: Console, search: Search):
        super().__init__(console)
        self.search = search
        self._before: SearchRecord | None = None
        self._whole = self.bars.add_task(self.shown(search.name), total=search.budget.trials or 1, **self._fields(None))

    def show(self, record: SearchRecord, quiet: bool = False) -> None:
        """Show the search's state, and, if not `quiet`, a line for each trial that has ended since the last time."""
        for line in () if quiet else trial_lines(self._before, record):
            self.say(line)
        self._before = record
        self.bars.update(self._whole, completed=self._counted(record), **self._fields(record))

    def _counted(self, record: SearchRecord | None) -> int:
        return sum(trial.state.is_counted and not trial.state.is_open for trial in record.trials) if record else 0

    def _fields(self, record: SearchRecord | None) -> dict[str, Any]:
        trials = self.search.budget.trials
        done = f"{self._counted(record)}{f'/{trials}' if trials else ''} trials,"
        kimg = sum(trial.kimg for trial in record.trials) if record else 0
        best = f"best {best_text(record)}" if record and record.best else ""
        return {"kimg": f"{done} {kimg:g}", "rate": "", "left": "", "metric": best}

"""The report of a study's searches: tables and figures in a folder, and tune.md that shows them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich import box
from rich.markup import escape
from rich.table import Table

from analysis import search_figures as draw
from analysis.figures.style import Look, looks, save_figure
from analysis.markdown import DASH, bullets, markdown_table, plural
from analysis.metrics import Column
from analysis.searches import (
    ENOUGH_TRIALS,
    SearchResult,
    best_so_far,
    budget_notes,
    fairness_notes,
    grouped,
    history,
    importances,
    kimg_text,
    label,
    most_important,
    short,
    survival,
)
from analysis.sections.figures import FIGURES_FOLDER
from experiments.tracking.search_record import ParameterRecord, TrialState

SLICES = 6  # parameters that get a slice
STATES = [state for state in TrialState if state.has_cost and not state.is_open]  # in which trials end
FRONT_ROWS = 12
CHOSEN = (
    "This value is the best of {count} noisy ones on the seeds that chose it, and so too good to be true. "
    "`experiments.tune --apply NAME` writes these parameters into the study, and `experiments.run` compares them on "
    "other seeds."
)
IMPORTANCE_CAPTION = (
    "Importance of each parameter by PED-ANOVA (arXiv 2304.10255, in its conditional form 2601.20800), over the "
    "{count} complete trials; shares of 1."
)


def write_search_report(study: str, searches: Sequence[SearchResult], out: Path) -> pd.DataFrame:
    """Write searches.csv, tune.md and figures/ to `out`. Returns what each search got, a row per search."""
    got = budget_table(searches)
    got.to_csv(out / "searches.csv", index=False)
    sections = [f"# {study}: searches\n", "## What each search got\n", markdown_table(*shown_budgets(got, searches))]
    meaning = "Device time is training time, summed over the ranks; evaluations are not in it."
    if (got["trained_kimg"] < got["kimg"]).any():
        meaning += " Nor is what trials began in: of kimg, the rest was trained by others of the same search."
    sections.append(bullets([meaning, *fairness_notes(searches)]))
    for (dataset, variant, comparison), group in grouped(searches).items():
        sections.append(f"## {dataset}, {variant}\n")
        sections.append(bullets([*protocol(group[0]), f"Comparison `{comparison}`.", *budget_notes(group)]))
        sections += list(group_sections(group, out / FIGURES_FOLDER))
        for search in group:
            sections += list(search_sections(search, group, out / FIGURES_FOLDER))
    (out / "tune.md").write_text("\n".join(sections), encoding="utf-8")
    return got


def budget_table(searches: Sequence[SearchResult]) -> pd.DataFrame:
    """A row per search: names, trials by state, kimg, seconds, and for each objective default, best and its trial."""
    rows = []
    for search in [search for group in grouped(searches).values() for search in group]:
        states = [trial.state for trial in search.spent]
        row: dict[str, Any] = {"dataset": search.dataset, "variant": search.variant, "method": search.method}
        row |= {"search": search.tuning, "trials": len(states)} | {state: states.count(state) for state in STATES}
        row |= {unit: search.cost(unit) for unit in ("kimg", "trained_kimg", "seconds")}
        for i, metric in enumerate(search.metrics):
            best = search.best_in(i)
            row[f"{metric.key}_default"] = search.default_value(i)
            row[f"{metric.key}_best"] = best.scores[i] if best else None
            row[f"{metric.key}_best_trial"] = best.number if best else None
        rows.append(row)
    return pd.DataFrame(rows)


def shown_budgets(got: pd.DataFrame, searches: Sequence[SearchResult]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the table of what each search got, as text."""
    metrics = {metric.key: metric for search in searches for metric in search.metrics}
    names = {column: column.capitalize() for column in ("dataset", "variant", "method", "search")}
    header = [*names.values(), "Trials", "kimg", "Device time"]
    for metric in metrics.values():
        header += [f"{metric.heading}: own setting", "Best"]
    rows = []
    for _, row in got.iterrows():
        states = states_text(row, ", ")
        cells = [*(str(row[name]) for name in names), f"{row['trials']} ({states})" if states else str(row["trials"])]
        cells += [spent_text(row), clock(row["seconds"])]
        for metric in metrics.values():
            cells += [own_text(row, metric), best_text(row, metric)]
        rows.append(cells)
    return header, rows


def budgets_terminal(got: pd.DataFrame, searches: Sequence[SearchResult]) -> Table:
    """What each search got, for the terminal, which is narrower than a page."""
    metrics = {metric.key: metric for search in searches for metric in search.metrics}
    table = Table(title="what each search got", title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("SearchResult", "Trials", "kimg", "Device time", *(metric.heading for metric in metrics.values())):
        table.add_column(escape(name))
    for _, row in got.iterrows():
        cells = [f"{row['dataset']}\n{row['variant']}\n{row['method']}", states_text(row, "\n")]
        cells += [spent_text(row), clock(row["seconds"])]
        cells += [f"own  {own_text(row, metric)}\nbest {best_text(row, metric)}" for metric in metrics.values()]
        table.add_row(*(escape(cell) for cell in cells))
    return table


def spent_text(row: pd.Series) -> str:
    """The kimg of all trials; and how many of them were trained, if some were begun in others."""
    kimg, trained = row["kimg"], row["trained_kimg"]
    return f"{kimg_text(kimg)} ({kimg_text(trained)} trained)" if trained < kimg else kimg_text(kimg)


def states_text(row: pd.Series, between: str) -> str:
    """How the trials of a search ended."""
    return between.join(f"{row[state]} {state}" for state in STATES if row[state])


def own_text(row: pd.Series, metric: Column) -> str:
    """What the variant's own setting reached."""
    return number(row.get(f"{metric.key}_default"), metric)


def best_text(row: pd.Series, metric: Column) -> str:
    """The best value and its trial."""
    best, trial = row.get(f"{metric.key}_best"), row.get(f"{metric.key}_best_trial")
    return DASH if missing(best) else f"{number(best, metric)} (trial {trial:.0f})"


def protocol(search: SearchResult) -> Iterator[str]:
    """What a trial of these searches is."""
    wanted = " and ".join(
        f"{metric.label} at {'its best' if objective.at == 'best' else 'the end'}"
        for metric, objective in zip(search.metrics, search.objectives, strict=True)
    )
    seeds = " ".join(map(str, search.seeds))
    variants = f" of {' and '.join(search.variants)}" if len(search.variants) > 1 else ""
    yield f"Profile {search.profile}; objective: {wanted}, mean over seeds {seeds}{variants}."
    yield f"A trial that is run to its end costs {search.trial_kimg:g} kimg."


def group_sections(group: Sequence[SearchResult], folder: Path) -> Iterator[str]:
    """The figures in which the searches of a group stand beside each other."""
    styles = looks([label(search, group) for search in group])
    prefix = file_prefix(group[0])
    panels = [
        (label(search, group), metric, history(search, i), search.default_value(i))
        for search in group
        for i, metric in enumerate(search.metrics)
    ]
    caption = "Every trial in order, and the best complete one so far. Crosses at the top: no value."
    yield figure(folder, f"{prefix}-history", caption, draw.draw_history(panels))

    if any(search.complete for search in group):
        yield _progress_figure(group, styles, folder)

    tables = [(label(search, group), survival(search)) for search in group]
    rows = [
        [name, f"{row.kimg:g}", f"{row.reached:.0f}", f"{row.pruned:.0f}"]
        for name, table in tables
        for row in table.itertuples()
    ]
    if rows:
        yield "### Rungs\n"
        caption = "How many trials were trained up to each evaluation."
        yield figure(folder, f"{prefix}-rungs", caption, draw.draw_survival(tables, styles))
        yield markdown_table(["Search", "kimg of a trial", "Trials that got there", "Pruned there"], rows)


def _progress_figure(group: Sequence[SearchResult], styles: Mapping[str, Look], folder: Path) -> str:
    shown = []
    for i, metric in enumerate(group[0].metrics):
        unit, scale = time_unit(max(search.cost("seconds") for search in group))
        for title, column, factor in ((f"device time ({unit})", "seconds", scale), ("kimg", "kimg", 1.0)):
            for search in group:
                table = best_so_far(search, i, column)
                shown.append((label(search, group), metric, title, table.assign(cost=table["cost"] / factor)))
    defaults = {m.key: v for i, m in enumerate(group[0].metrics) if (v := group[0].default_value(i)) is not None}
    caption = "The best complete trial so far against what all trials that had ended by then have cost."
    return figure(folder, f"{file_prefix(group[0])}-cost", caption, draw.draw_progress(shown, styles, defaults))


def search_sections(search: SearchResult, group: Sequence[SearchResult], folder: Path) -> Iterator[str]:
    """One search by itself: the best parameters, and what mattered."""
    name, prefix = label(search, group), f"{file_prefix(search)}-{search.tuning}"
    yield f"### {name}: best parameters\n"
    yield best_parameters(search)
    if len(search.objectives) > 1 and search.complete:
        caption = "All complete trials; those that no other beats in both are joined."
        yield figure(folder, f"{prefix}-front", caption, draw.draw_front(search))
    if not search.complete:
        return
    yield f"### {name}: what mattered\n"
    for i, metric in enumerate(search.metrics):
        yield from _importance_sections(search, i, metric, folder, prefix)


def _importance_sections(search: SearchResult, i: int, metric: Column, folder: Path, prefix: str) -> Iterator[str]:
    suffix = "" if len(search.objectives) == 1 else f"-{metric.key}"
    found = importances(search, i)
    if isinstance(found, str):
        yield f"{found}\n"
    else:
        caption = IMPORTANCE_CAPTION.format(count=len(search.complete))
        yield figure(folder, f"{prefix}-importances{suffix}", caption, draw.draw_importances(found))
    keys = most_important(search, i, SLICES)
    caption = f"{metric.label} of the complete trials against single parameters; the ring marks the best trial."
    yield figure(folder, f"{prefix}-slices{suffix}", caption, draw.draw_slices(search, keys, i))
    pair = [key for key in most_important(search, i, len(search.space), numeric=True) if search.has_enough(key)][:2]
    both = [trial for trial in search.complete if all(key in trial.params for key in pair)]
    if len(pair) == 2 and len(both) >= ENOUGH_TRIALS:
        caption = f"{metric.label} over the two most important numbers, linear between the complete trials (dots)."
        yield figure(folder, f"{prefix}-contour{suffix}", caption, draw.draw_contour(search, (pair[0], pair[1]), i))
    else:
        yield f"No contour: {ENOUGH_TRIALS} complete trials that share two numeric parameters are needed.\n"


def best_parameters(search: SearchResult) -> str:
    """The best trial's parameters, or those of the front, beside the variant's own and the ranges."""
    if not search.best:
        return "No trial is complete.\n"
    chosen = [trial for trial in search.trials if trial.number in search.best][:FRONT_ROWS]
    header = ["Parameter", "Searched", "Own setting", *(f"Trial {trial.number}" for trial in chosen)]
    rows = []
    for key, spec in search.space.items():
        values = [trial.params.get(key) for trial in chosen]
        rows.append([short(key), searched(spec), value_text(search.default.get(key)), *map(value_text, values)])
    for i, metric in enumerate(search.metrics):
        scores = [number(trial.scores[i], metric) for trial in chosen]
        rows.append([f"**{metric.heading}**", "", number(search.default_value(i), metric), *scores])
    seeds = " ".join(map(str, search.seeds))
    where = f"Search `{search.tuning}`, seeds {seeds}, {search.trial_kimg:g} kimg a trial. "
    left_out = len(search.best) - len(chosen)
    more = f"{plural(left_out, 'further trial')} of the front not shown. " if left_out else ""
    return markdown_table(header, rows) + f"\n{where}{more}{CHOSEN.format(count=len(search.complete))}\n"


def searched(spec: ParameterRecord) -> str:
    """The range or the choices of a parameter."""
    if spec.choices:
        return ", ".join(map(str, spec.choices))
    log = " (log)" if spec.kind.startswith("log") else ""
    return f"{value_text(spec.low)} to {value_text(spec.high)}{log}"


def value_text(value: Any) -> str:
    """A parameter's value, with four digits where it is a number."""
    if value is None:
        return DASH
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(value)


def number(value: float | None, metric: Column) -> str:
    """A metric's value, or a dash."""
    return DASH if missing(value) else f"{value:{metric.spec}}"


def missing(value: float | None) -> bool:
    """Whether a table has no number there."""
    return value is None or math.isnan(value)


def clock(seconds: float) -> str:
    """h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def time_unit(longest: float) -> tuple[str, float]:
    """The unit in which so many seconds are best read, and its seconds."""
    return ("h", 3600.0) if longest >= 3 * 3600 else ("min", 60.0) if longest >= 180 else ("s", 1.0)


def file_prefix(search: SearchResult) -> str:
    """What a group's files are called."""
    return f"{search.dataset}-{search.variant}-{search.comparison[:4]}"


def figure(folder: Path, name: str, caption: str, drawn: Any) -> str:
    """Save a figure. Returns the Markdown that shows it."""
    save_figure(drawn, folder, name)
    return f"![{name}]({FIGURES_FOLDER}/{name}.png)\n\n*{caption}*\n"

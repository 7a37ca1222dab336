"""The report of a study: tables and figures in a folder, and report.md that shows them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import figures, tables
from analysis.metrics import FIGURES, Column, shown_columns
from analysis.selection import GROUP, Selection
from analysis.statistics.curves import over_seeds
from analysis.statistics.interval import CONFIDENCE
from experiments import names

GRID_SEEDS = 2  # how many seeds the sample figure shows
FIGURES_FOLDER = "figures"
LISTED = (*GROUP, names.VARIANT, names.SEED, names.IDENTITY)

INTERVAL_NOTES = (
    f"A value is the mean over seeds ± the half width of its {CONFIDENCE:.0%} Student-t interval (none: one seed).",
    f"Δ is the mean of the differences to the baseline within each seed, with the {CONFIDENCE:.0%} interval of a "
    + "paired t-test: variants with the same seed share their random streams.",
    "A difference is bold where its interval excludes 0. Intervals are not corrected for the number of comparisons.",
    "The t quantile is 12.7 with 2 seeds, 4.3 with 3 and 2.8 with 5: intervals of two seeds say little.",
)
CURVE_CAPTION = (
    "Line: mean over seeds; band: range (lowest to highest) over seeds; a variant with one seed has no band."
)
SAMPLES_CAPTION = "Last samples of the EMA generator. A seed's latents are the same in all columns."
FLOOR_CAPTION = "Dotted: what a perfect generator shows with as many samples."


@dataclass(frozen=True)
class Drawn:
    """A figure in the folder: its file name without suffix, and its caption."""

    name: str
    caption: str


def write_report(
    study: str,
    selection: Selection,
    variants: Sequence[str],
    points: pd.DataFrame,
    load_grid: Callable[["pd.Series[Any]"], np.ndarray | None],
    out: Path,
) -> pd.DataFrame:
    """Write table.csv, table.md, figures/ and report.md to `out`, and return the summary (see `tables.summarise`).

    variants: all of the study, in order. points: long form (see `load.load_points`). load_grid: from a row of the
    jobs to its last sample grid.
    """
    summary = tables.summarise(selection.compared, variants)
    drawn = draw_all(selection.compared, variants, points, load_grid, out / FIGURES_FOLDER)
    table = tables.results_markdown(summary)
    notes = bullets(result_notes(summary))
    summary.to_csv(out / "table.csv", index=False)
    (out / "table.md").write_text(f"{table}\n{notes}", encoding="utf-8")
    (out / "report.md").write_text(report_text(study, selection, variants, table, notes, drawn), encoding="utf-8")
    return summary


def draw_all(
    compared: pd.DataFrame,
    variants: Sequence[str],
    points: pd.DataFrame,
    load_grid: Callable[["pd.Series[Any]"], np.ndarray | None],
    folder: Path,
) -> list[Drawn]:
    """Draw every figure for every profile and dataset that has data for it."""
    drawn = []
    for _, group in compared.groupby(GROUP):
        drawn += draw_curves(group, variants, points, folder)
        drawn += draw_samples(group, variants, load_grid, folder)
    return drawn


def draw_curves(group: pd.DataFrame, variants: Sequence[str], points: pd.DataFrame, folder: Path) -> list[Drawn]:
    """The figures over training of one profile and dataset."""
    drawn = []
    for key, caption in FIGURES.items():
        panels = curve_panels(shown_columns(group.columns, key), group, points)
        if panels:
            floors = {m.key: group[m.floor].mean() for m, _ in panels if m.floor in group and group[m.floor].any()}
            figure = figures.draw_curves(panels, figures.looks(variants), floors)
            parts = [place(group), caption, CURVE_CAPTION, FLOOR_CAPTION if floors else ""]
            drawn.append(Drawn(file_name(group, key), " ".join(filter(None, parts))))
            figures.save_figure(figure, folder, drawn[-1].name)
    return drawn


def draw_samples(
    group: pd.DataFrame,
    variants: Sequence[str],
    load_grid: Callable[["pd.Series[Any]"], np.ndarray | None],
    folder: Path,
) -> list[Drawn]:
    """The sample figure of one profile and dataset; none if no run has samples."""
    grids = sample_grids(group, load_grid)
    if all(grid is None for grid in grids.values()):
        return []
    present = [variant for variant in variants if variant in set(group[names.VARIANT])]
    lacking = [f"{variant}/{seed}" for (variant, seed), grid in grids.items() if grid is None]
    lack = f" No samples were found of {', '.join(lacking)}." if lacking else ""
    drawn = Drawn(file_name(group, "samples"), f"{place(group)} {SAMPLES_CAPTION}{lack}")
    figures.save_figure(figures.draw_samples(grids, present, sorted({s for _, s in grids})), folder, drawn.name)
    return [drawn]


def curve_panels(
    metrics: Sequence[Column], group: pd.DataFrame, points: pd.DataFrame
) -> list[tuple[Column, pd.DataFrame]]:
    """The metrics that this group of runs has points of, each with its curves over seeds."""
    labelled = points.merge(group[["run_id", names.VARIANT]], on="run_id")
    available = set(labelled["metric"])
    shown = [metric for metric in metrics if metric.key in available and not metric.at_end]
    return [(metric, over_seeds(labelled[labelled["metric"] == metric.key])) for metric in shown]


def sample_grids(
    group: pd.DataFrame, load_grid: Callable[["pd.Series[Any]"], np.ndarray | None]
) -> dict[tuple[str, int], np.ndarray | None]:
    """The last grids of the first GRID_SEEDS seeds, by (variant, seed)."""
    seeds = sorted(group[names.SEED].unique())[:GRID_SEEDS]
    shown = group[group[names.SEED].isin(seeds)]
    return {(row[names.VARIANT], row[names.SEED]): load_grid(row) for _, row in shown.iterrows()}


def place(group: pd.DataFrame) -> str:
    """Dataset and profile of a group, to begin a caption with."""
    return f"{group[names.DATASET].iloc[0]} (profile {group[names.PROFILE].iloc[0]})."


def file_name(group: pd.DataFrame, figure: str) -> str:
    """dataset-profile-figure, with nothing that a file system or a Markdown link could stumble over."""
    parts = (group[names.DATASET].iloc[0], group[names.PROFILE].iloc[0], figure)
    return "-".join(re.sub(r"[^A-Za-z0-9_.]+", "-", part) for part in parts)


def result_notes(summary: pd.DataFrame) -> list[str]:
    """What a reader of the table has to know: the protocol, the metrics, the intervals."""
    notes = dict.fromkeys(metric.note for metric in tables.metrics_of(summary) if metric.note)
    return [*tables.protocol_notes(summary), *notes, *INTERVAL_NOTES]


def left_out_line(selection: Selection) -> str:
    """How much was compared, set aside (and why) and is unfinished, in one line."""
    reasons = selection.set_aside.value_counts()
    why = "; ".join(f"{count} {reason}" for reason, count in reasons.items())
    return (
        f"{plural(len(selection.compared), 'run')} compared, {plural(reasons.sum(), 'other run')} set aside"
        f"{f' ({why})' if why else ''}, {plural(selection.unfinished, 'job')} unfinished."
    )


def plural(count: int, word: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def bullets(lines: Sequence[str]) -> str:
    """A Markdown list."""
    return "".join(f"- {line}\n" for line in lines)


def report_text(
    study: str, selection: Selection, variants: Sequence[str], table: str, notes: str, drawn: Sequence[Drawn]
) -> str:
    """report.md, whole."""
    images = [f"![{d.name}]({FIGURES_FOLDER}/{d.name}.png)\n\n*{d.caption}*\n" for d in drawn]
    sections = [
        f"# {study}: comparison of variants\n",
        "## What is compared\n",
        bullets([*compared_lines(selection.compared, variants), left_out_line(selection), *source_lines(selection)]),
        "## Results\n",
        table,
        "## Notes\n",
        notes,
        "## Figures\n",
        *(images or ["No curves or samples were recorded.\n"]),
        *([] if any(d.name.endswith("samples") for d in drawn) else ["No samples were found.\n"]),
        "## Runs\n",
        "### Compared\n",
        runs_table(selection.compared, "run_id"),
        "### Set aside or unfinished\n",
        runs_table(selection.left_out, names.COMPARISON, "status", "reason") if len(selection.left_out) else "None.\n",
    ]
    if selection.absent:
        sections.append(f"Without a run in MLflow: {', '.join(selection.absent)}.\n")
    return "\n".join(sections)


def compared_lines(compared: pd.DataFrame, variants: Sequence[str]) -> list[str]:
    """One sentence per profile and dataset: which variants, how many seeds each, under which baseline."""
    lines = []
    for _, group in compared.groupby(GROUP):
        seeds = group.groupby(names.VARIANT)[names.SEED].nunique()
        counts = ", ".join(f"{variant} ({seeds[variant]})" for variant in variants if variant in seeds)
        line = f"{place(group)} Variants (seeds): {counts}. Comparison `{group[names.COMPARISON].iloc[0]}`."
        missing = " The baseline has no finished run: there are no differences to it."
        lines.append(line if names.BASELINE in seeds else line + missing)
    return lines


def source_lines(selection: Selection) -> list[str]:
    """Which code has trained what is compared, if it is not one."""
    known = sorted(set(selection.compared[names.SOURCES]) - {""}) if names.SOURCES in selection.compared else []
    if len(known) < 2:
        return []
    return [
        f"The runs were trained by {len(known)} versions of r3gan's sources ({', '.join(known)}; + stands between "
        "those of one run): each is compared by itself."
    ]


def runs_table(jobs: pd.DataFrame, *columns: str) -> str:
    """A Markdown table that identifies runs."""
    ordered = jobs.sort_values([*LISTED[:-1], "start_time"])
    header = [*LISTED, *columns]
    return tables.markdown_table(
        [column.capitalize().replace("_", " ") for column in header], ordered[header].astype(str).to_numpy().tolist()
    )

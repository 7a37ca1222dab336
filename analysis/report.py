"""The report of a study: tables and figures in a folder, and report.md that shows them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import figures, tables
from analysis.metrics import FIGURES, TABLE, Metric, metrics_of
from analysis.selection import GROUP, Selection
from analysis.statistics import CONFIDENCE, over_seeds
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
    load_grid: Callable[[str], np.ndarray | None],
    out: Path,
) -> pd.DataFrame:
    """Write table.csv, table.md, figures/ and report.md to `out`, and return the summary (see `tables.summarise`).

    variants: all of the study, in order. points: long form (see `load.load_points`). load_grid: from a run_id to its
    last sample grid.
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
    load_grid: Callable[[str], np.ndarray | None],
    folder: Path,
) -> list[Drawn]:
    """Draw every figure for every profile and dataset that has data for it."""
    styles = figures.looks(variants)
    drawn = []
    for (profile, dataset), group in compared.groupby(GROUP):
        place = f"{dataset} (profile {profile})"
        for key, caption in FIGURES.items():
            panels = curve_panels(metrics_of(key), group, points)
            if panels:
                floors = {m.key: group[m.floor].mean() for m, _ in panels if m.floor in group and group[m.floor].any()}
                name = file_name(dataset, profile, key)
                figures.save_figure(figures.draw_curves(panels, styles, floors), folder, name)
                text = f"{place}. {caption} {CURVE_CAPTION}"
                drawn.append(Drawn(name, f"{text} {FLOOR_CAPTION}" if floors else text))
        grids = sample_grids(group, load_grid)
        if any(grid is not None for grid in grids.values()):
            present = [variant for variant in variants if variant in set(group[names.VARIANT])]
            seeds = sorted({seed for _, seed in grids})
            name = file_name(dataset, profile, "samples")
            figures.save_figure(figures.draw_samples(grids, present, seeds), folder, name)
            drawn.append(
                Drawn(
                    name, f"{place}. Last samples of the EMA generator. A seed's latents are the same in all columns."
                )
            )
    return drawn


def curve_panels(
    metrics: Sequence[Metric], group: pd.DataFrame, points: pd.DataFrame
) -> list[tuple[Metric, pd.DataFrame]]:
    """The metrics that this group of runs has points of, each with its curves over seeds."""
    labelled = points.merge(group[["run_id", names.VARIANT]], on="run_id")
    available = set(labelled["metric"])
    return [(m, over_seeds(labelled[labelled["metric"] == m.key])) for m in metrics if m.key in available]


def sample_grids(
    group: pd.DataFrame, load_grid: Callable[[str], np.ndarray | None]
) -> dict[tuple[str, int], np.ndarray | None]:
    """The last grids of the first GRID_SEEDS seeds, by (variant, seed)."""
    seeds = sorted(group[names.SEED].unique())[:GRID_SEEDS]
    shown = group[group[names.SEED].isin(seeds)]
    return {(row[names.VARIANT], row[names.SEED]): load_grid(row["run_id"]) for _, row in shown.iterrows()}


def file_name(*parts: str) -> str:
    """Parts joined by dashes, with nothing that a file system or a Markdown link could stumble over."""
    return "-".join(re.sub(r"[^A-Za-z0-9_.]+", "-", part) for part in parts)


def result_notes(summary: pd.DataFrame) -> list[str]:
    """What a reader of the table has to know: the protocol, the metrics, the intervals."""
    shown = [metric for metric in TABLE if summary[f"{metric.key}_count"].any()]
    return [*tables.protocol_notes(summary), *(metric.note for metric in shown if metric.note), *INTERVAL_NOTES]


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
        bullets([*compared_lines(selection.compared, variants), left_out_line(selection)]),
        "## Results\n",
        table,
        "## Notes\n",
        notes,
        "## Figures\n",
        *(images or ["No curves or samples were recorded.\n"]),
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
    """One sentence per profile and dataset: which variants, how many seeds, how long, under which baseline."""
    lines = []
    for (profile, dataset), group in compared.groupby(GROUP):
        seeds = group.groupby(names.VARIANT)[names.SEED].nunique()
        counts = ", ".join(f"{variant} ({seeds[variant]})" for variant in variants if variant in seeds)
        lines.append(
            f"{dataset}, profile {profile}: variants (seeds) {counts}; comparison `{group[names.COMPARISON].iloc[0]}`."
        )
        if names.BASELINE not in seeds:
            lines.append(
                f"{dataset}, profile {profile}: the baseline has no finished run, so there are no differences to it."
            )
    return lines


def runs_table(jobs: pd.DataFrame, *columns: str) -> str:
    """A Markdown table that identifies runs."""
    ordered = jobs.sort_values([*LISTED[:-1], "start_time"])
    header = [*LISTED, *columns]
    return tables.markdown_table(
        [column.capitalize().replace("_", " ") for column in header], ordered[header].astype(str).to_numpy().tolist()
    )

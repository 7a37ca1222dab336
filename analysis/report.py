"""The report of a study: tables and figures in a folder, and report.md that shows them."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis import tables
from analysis.drawing.drawn import Drawn, place
from analysis.drawing.samples import LoadGrids
from analysis.drawing.study import draw_all
from analysis.selection import GROUP, Selection
from analysis.statistics.interval import CONFIDENCE
from experiments import names

FIGURES_FOLDER = "figures"
LISTED = (*GROUP, names.VARIANT, names.SEED, names.IDENTITY)

INTERVAL_NOTES = (
    f"A value is the mean over seeds ± the half width of its {CONFIDENCE:.0%} Student-t interval (none: one seed).",
    f"Δ is the mean of the differences to the baseline within each seed, with the {CONFIDENCE:.0%} interval of a "
    + "paired t-test: variants with the same seed share their random streams.",
    "A difference is bold where its interval excludes 0. Intervals are not corrected for the number of comparisons.",
    "The t quantile is 12.7 with 2 seeds, 4.3 with 3 and 2.8 with 5: intervals of two seeds say little.",
)


def write_report(
    study: str,
    selection: Selection,
    variants: Sequence[str],
    points: pd.DataFrame,
    load_grids: LoadGrids,
    out: Path,
) -> pd.DataFrame:
    """Write table.csv, table.md, figures/ and report.md to `out`, and return the summary (see `tables.summarise`).

    variants: all of the study, in order. points: long form (see `load.load_points`). load_grids: see
    `load.load_grids`.
    """
    summary = tables.summarise(selection.compared, variants)
    drawn = draw_all(selection.compared, variants, points, load_grids, out / FIGURES_FOLDER)
    table = tables.results_markdown(summary)
    notes = bullets(result_notes(summary))
    summary.to_csv(out / "table.csv", index=False)
    (out / "table.md").write_text(f"{table}\n{notes}", encoding="utf-8")
    (out / "report.md").write_text(report_text(study, selection, variants, table, notes, drawn), encoding="utf-8")
    return summary


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

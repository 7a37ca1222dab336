"""The report of a study: tables and figures in a folder, report.md that shows them, and report.html that holds them."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis import tables
from analysis.comparison import Comparison, compare_all
from analysis.drawing.drawn import Drawn, Omitted
from analysis.drawing.study import draw_all
from analysis.latex import write_latex
from analysis.learning import learning_of
from analysis.markdown import bullets
from analysis.page import as_page
from analysis.reported import Reported
from analysis.sections.answer import answer_sections
from analysis.sections.compared import compared_lines, left_out_line, source_lines
from analysis.sections.cost import cost_parts
from analysis.sections.figures import FIGURES_FOLDER, figures_parts
from analysis.sections.learning import learning_parts
from analysis.sections.over_datasets import over_datasets
from analysis.sections.reproduce import reproduce_parts
from analysis.sections.results import result_parts
from analysis.sections.runs import runs_parts
from analysis.stale import LEARNING, figure_files, remove_stale
from r3gan.files import write_text


def write_report(reported: Reported, out: Path) -> list[Comparison]:
    """Write the tables, the figures, report.md and report.html to `out`, and return the comparisons.

    Each file replaces an earlier one as a whole; tables and figures that only an earlier report had are removed.
    """
    comparisons = compare_all(reported.selection, reported.variants, reported.points)
    drawn = draw_all(comparisons, reported.variants, reported.points, reported.artifacts, out / FIGURES_FOLDER)
    write_text(out / "table.csv", tables.summarise(comparisons).to_csv(index=False))
    written = figure_files(out, drawn) | set(write_latex(comparisons, out))
    learning = [(c, learning_of(c, reported.points, reported.progress)) for c in comparisons if c.primary]
    if learning:
        write_text(out / LEARNING, pd.concat([of_runs for _, of_runs in learning]).to_csv(index=False))
        written.add(out / LEARNING)
    text = report_text(reported, comparisons, learning, drawn)
    write_text(out / "report.md", text)
    write_text(out / "report.html", as_page(text, f"{reported.study}: comparison of variants", out))
    remove_stale(out, written, drawn)
    return comparisons


def report_text(
    reported: Reported,
    comparisons: Sequence[Comparison],
    learning: Sequence[tuple[Comparison, pd.DataFrame]],
    drawn: Sequence[Drawn | Omitted],
) -> str:
    """report.md, whole. It begins with the answer. learning: of each comparison that has a primary metric."""
    selection = reported.selection
    compared = compared_lines(selection.compared, reported.variants)
    sections = [
        f"# {reported.study}: comparison of variants\n",
        *answer_sections(comparisons),
        "## What is compared\n",
        bullets([*compared, left_out_line(selection), *source_lines(selection)]),
        "## Results\n",
        *(part for comparison in comparisons for part in result_parts(comparison)),
        *over_datasets(comparisons),
        *figures_parts(drawn),
        *learning_parts(learning),
        *cost_parts(comparisons, selection, reported.costs),
        *reproduce_parts(comparisons),
        *runs_parts(selection),
    ]
    return "\n".join(sections)

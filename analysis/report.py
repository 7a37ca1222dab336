"""The report of a study: tables and figures in a folder, report.md that shows them, and report.html that holds them."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis import tables
from analysis.comparison import Comparison, compare_all
from analysis.drawing.drawn import Drawn, Omitted
from analysis.drawing.save import begin_saving
from analysis.drawing.study import draw_all
from analysis.errors import ReportError
from analysis.latex import write_latex
from analysis.learning import learning_of
from analysis.markdown import bullets
from analysis.page import as_page
from analysis.reported import Reported
from analysis.sections.answer import answer_sections
from analysis.sections.claims import claims_parts
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


def write_report(
    reported: Reported, out: Path, notice: str = "", refresh_seconds: int | None = None
) -> list[Comparison]:
    """Write the tables, the figures, report.md and report.html to `out`, and return the comparisons.

    Each file replaces an earlier one as a whole; tables and figures that only an earlier report had are removed.
    notice: stands above all, if not empty. refresh_seconds: see `page.as_page`.
    """
    comparisons = compare_all(reported.selection, reported.variants, reported.points)
    described = draw_all(comparisons, reported.variants, reported.points, reported.artifacts)
    saving = begin_saving(described, out / FIGURES_FOLDER)
    write_text(out / "table.csv", tables.summarise(comparisons).to_csv(index=False))
    written = figure_files(out, saving.drawn) | set(write_latex(comparisons, out))
    learning = [(c, learning_of(c, reported.points, reported.progress)) for c in comparisons if c.primary]
    if learning:
        write_text(out / LEARNING, pd.concat([of_runs for _, of_runs in learning]).to_csv(index=False))
        written.add(out / LEARNING)
    text = report_text(reported, comparisons, learning, saving.drawn, notice)
    saving.wait()
    write_text(out / "report.md", text)
    write_page(reported.study, out, refresh_seconds)
    remove_stale(out, written, saving.drawn)
    return comparisons


def write_page(study: str, out: Path, refresh_seconds: int | None = None) -> None:
    """report.html, from report.md and the figures in the folder."""
    text = (out / "report.md").read_text(encoding="utf-8")
    write_text(out / "report.html", as_page(text, f"{study}: comparison of variants", out, refresh_seconds))


def make_folder(path: Path) -> None:
    """Raises ReportError if nothing can be written there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReportError(f"--out {path} cannot be a folder to write to: {error.strerror}") from error


def report_text(
    reported: Reported,
    comparisons: Sequence[Comparison],
    learning: Sequence[tuple[Comparison, pd.DataFrame]],
    drawn: Sequence[Drawn | Omitted],
    notice: str = "",
) -> str:
    """report.md, whole. It begins with the notice, if any, and the answer.

    learning: of each comparison that has a primary metric.
    """
    selection = reported.selection
    compared = compared_lines(selection.compared, reported.variants)
    sections = [
        f"# {reported.study}: comparison of variants\n",
        *([f"{notice}\n"] if notice else []),
        *answer_sections(comparisons),
        *claims_parts(comparisons),
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

"""The tables of a comparison as LaTeX, for a paper: `\\usepackage{booktabs}` is all that they need."""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis import adaptive_text, tables
from analysis.comparison import Comparison, good_values
from analysis.markdown import DASH
from analysis.metrics import Column
from analysis.published import published_sentence
from analysis.statistics.best import not_worse_than_best
from analysis.statistics.interval import CONFIDENCE
from r3gan.files import write_text

TABLES_FOLDER = "tables"
FIRST_LINE = r"% needs \usepackage{booktabs}"
METRICS_ABREAST = 3  # secondary ones, in the width of a page
WRITTEN = {
    "\\": r"\textbackslash{}", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "−": "$-$", "<": "$<$", ">": "$>$", "|": r"\textbar{}",
    DASH: "--", "Δ": r"$\Delta$", "↓": r"$\downarrow$", "↑": r"$\uparrow$", "×": r"$\times$",
}  # fmt: skip
MEANS = f"Means of the seeds that neither collapsed nor diverged, with {CONFIDENCE:.0%} intervals."
FIXED = (
    "Δ is the difference to the baseline, with an interval that holds for all differences together. Bold: p, corrected "
    f"by Holm's method for all of them, is at most {tables.LEVEL:g}."
)
NEAR_BEST = (
    "Underlined: not shown to be worse than the best mean (Welch's test, Holm's correction over all pairs of variants)."
)
SECONDARY = "Secondary metrics are described, not concluded from."


def write_latex(comparisons: Sequence[Comparison], out: Path) -> list[Path]:
    """A file for each profile and dataset, in a folder of their own; which ones. Raises OSError."""
    shown = {out / TABLES_FOLDER / f"{table_name(c)}.tex": c for c in comparisons if c.metrics}
    for path, comparison in shown.items():
        write_text(path, latex_table(comparison))
    return list(shown)


def is_ours(path: Path) -> bool:
    """Whether a file is a table that `write_latex` has written under this name."""
    text = path.read_bytes()
    return text.startswith(FIRST_LINE.encode()) and rf"\label{{tab:{path.stem}}}".encode() in text


def latex_table(comparison: Comparison) -> str:
    """A float with the primary metric, then the secondary ones below it; the protocol is in its caption."""
    secondary = [metric for metric in comparison.metrics if metric != comparison.primary]
    bodies = [_primary(comparison)] if comparison.primary else []
    bodies += [
        _secondary(comparison, secondary[i : i + METRICS_ABREAST]) for i in range(0, len(secondary), METRICS_ABREAST)
    ]
    caption = [
        tables.protocol_note(comparison),
        meaning(comparison) if comparison.primary else "",
        SECONDARY if secondary else "",
    ]
    caption.append(published_sentence(comparison.dataset, comparison.metrics))
    return "\n".join([
        FIRST_LINE,
        r"\begin{table}[t]",
        r"\centering",
        r"\footnotesize",
        r"\setlength{\tabcolsep}{2.5pt}",
        rf"\caption{{{latex_text(' '.join(filter(None, caption)))}}}",
        rf"\label{{tab:{table_name(comparison)}}}",
        "\\par\\medskip\n".join(bodies) + r"\end{table}",
        "",
    ])  # fmt: skip


def meaning(comparison: Comparison) -> str:
    """What the columns and the type faces mean."""
    return " ".join([MEANS, adaptive_text.PRIMARY_NOTE if comparison.conclusions else FIXED, NEAR_BEST])


def table_name(comparison: Comparison) -> str:
    """dataset-profile, with nothing that a file system or a label could stumble over."""
    return "-".join(re.sub(r"[^A-Za-z0-9.]+", "-", part) for part in (comparison.dataset, comparison.profile))


def latex_text(text: str) -> str:
    """Text as LaTeX prints it. A cell that begins with a bracket or a star would belong to the line end before it."""
    written = "".join(WRITTEN.get(character, character) for character in text)
    return f"{{}}{written}" if written.startswith(("[", "*")) else written


def _primary(comparison: Comparison) -> str:
    metric = comparison.primary
    assert metric is not None
    good = {variant: own.to_numpy() for variant, own in good_values(comparison.runs, metric).items()}
    near_best = not_worse_than_best(good, metric.better or "lower")
    rows = []
    for variant in comparison.variants:
        cell = comparison.cells[variant, metric.key]
        found = cell.difference
        mean = latex_text(tables.format_average(cell.mean, metric.spec))
        delta = latex_text(tables.format_difference(found, metric.spec, simultaneous=True))
        rows.append([
            latex_text(variant), tables.seeds_of(comparison, variant),
            rf"\underline{{{mean}}}" if variant in near_best else mean,
            rf"\textbf{{{delta}}}" if tables.is_shown(found) else delta,
            latex_text(tables.format_p(found.p_holm) if found else DASH),
            latex_text(tables.collapsed_count(comparison, variant)),
        ])  # fmt: skip
    return _tabular(
        ["Variant", "Seeds", metric.heading, "Δ to baseline", tables.p_heading(comparison), "Collapsed"], rows
    )


def _secondary(comparison: Comparison, metrics: Sequence[Column]) -> str:
    rows = [
        [latex_text(text) for text in (variant, *(
            tables.format_average(comparison.cells[variant, metric.key].mean, metric.spec) for metric in metrics
        ))]
        for variant in comparison.variants
    ]  # fmt: skip
    return _tabular(["Variant", *(metric.heading for metric in metrics)], rows)


def _tabular(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    frame = pd.DataFrame(rows, columns=range(len(header)))
    styler = frame.style.hide(axis="index").format_index(lambda place: latex_text(header[place]), axis="columns")
    return str(styler.to_latex(hrules=True, column_format="l" * len(header)))

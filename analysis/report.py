"""The report of a study: tables and figures in a folder, report.md that shows them, and report.html that holds them."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis import adaptive_text, tables
from analysis.answer import answer, effect_name, effect_text
from analysis.comparison import Comparison, compare_all, shown_differences
from analysis.drawing.drawn import Drawn, place
from analysis.drawing.samples import LoadGrids
from analysis.drawing.study import draw_all
from analysis.markdown import DASH, bullets, markdown_table, plural
from analysis.over_datasets import over_datasets
from analysis.page import as_page
from analysis.selection import GROUP, Selection
from analysis.statistics.interval import CONFIDENCE
from experiments import names

FIGURES_FOLDER = "figures"
LISTED = (*GROUP, names.VARIANT, names.SEED, names.IDENTITY)

PRIMARY_NOTES = (
    "The mean is of the seeds that neither collapsed nor diverged, with its interval; the median is of all seeds, a "
    "diverged one counting as worse than any number.",
    f"Δ is the difference of means. Its interval is simultaneous: all of them together hold at {CONFIDENCE:.0%} "
    "(Bonferroni). p is of Welch's test unless it says paired, corrected for all differences shown by Holm's method; "
    f"what is at most {tables.LEVEL:g} is bold. Holm's method finds a little more than the intervals show.",
    "P(better) is the probability that a seed of the variant is better than one of the baseline, of all seeds "
    "(Newcombe 2006, method 5).",
    "Collapsed: seeds that collapsed or diverged, of those with an outcome (Clopper and Pearson's exact interval).",
)
SECONDARY_NOTE = (
    f"They are described, not concluded from: each interval holds at {CONFIDENCE:.0%}, and of several one excludes 0 "
    "now and then without any effect."
)
PAIRING_NOTE = (
    "Variants with the same seed share their random streams. What that buys is measured: the correlation with the "
    "baseline over seeds, and the variance of the paired difference as a multiple of the unpaired one. The paired test "
    "is used where the lower limit of the correlation pays for the degrees of freedom that pairing costs, which does "
    "not look at the difference."
)


def write_report(
    study: str,
    selection: Selection,
    variants: Sequence[str],
    points: pd.DataFrame,
    load_grids: LoadGrids,
    out: Path,
) -> list[Comparison]:
    """Write table.csv, figures/, report.md and report.html to `out`, and return the comparisons.

    variants: all of the study, in order. points: long form (see `load.load_points`). load_grids: see
    `load.load_grids`.
    """
    comparisons = compare_all(selection, variants, points)
    runs = pd.concat([comparison.runs for comparison in comparisons])
    drawn = draw_all(runs, variants, points, load_grids, out / FIGURES_FOLDER)
    tables.summarise(comparisons).to_csv(out / "table.csv", index=False)
    text = report_text(study, selection, variants, comparisons, drawn)
    (out / "report.md").write_text(text, encoding="utf-8")
    (out / "report.html").write_text(as_page(text, f"{study}: comparison of variants", out), encoding="utf-8")
    return comparisons


def report_text(
    study: str,
    selection: Selection,
    variants: Sequence[str],
    comparisons: Sequence[Comparison],
    drawn: Sequence[Drawn],
) -> str:
    """report.md, whole. It begins with the answer."""
    images = [f"![{d.name}]({FIGURES_FOLDER}/{d.name}.png)\n\n*{d.caption}*\n" for d in drawn]
    sections = [
        f"# {study}: comparison of variants\n",
        *answer_sections(comparisons),
        "## What is compared\n",
        bullets([*compared_lines(selection.compared, variants), left_out_line(selection), *source_lines(selection)]),
        "## Results\n",
        *(part for comparison in comparisons for part in result_parts(comparison)),
        *over_datasets(comparisons),
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


def answer_sections(comparisons: Sequence[Comparison]) -> list[str]:
    """What was found, in sentences."""
    sections, corrected_for = ["## The answer\n"], shown_differences(comparisons)
    for comparison in comparisons:
        sections += [f"{title(comparison)}\n", bullets(answer(comparison, corrected_for))]
    return sections


def title(comparison: Comparison) -> str:
    """Dataset and profile, and by what it is judged."""
    primary = comparison.primary.label if comparison.primary else "nothing"
    return f"{comparison.dataset} (profile {comparison.profile}), judged by {primary}:"


def result_parts(comparison: Comparison) -> list[str]:
    """The tables of one profile and dataset, each with what a reader has to know of it."""
    metric = comparison.primary
    notes = dict.fromkeys(column.note for column in comparison.metrics if column.note)
    parts = [f"### {comparison.dataset} (profile {comparison.profile})\n"]
    if metric is None:
        return [*parts, bullets(comparison.judgement.sentences)]
    said = [*comparison.judgement.sentences, *primary_notes(comparison)]
    parts += [tables.primary_markdown(comparison), bullets(said)]
    parts += adaptive_text.looks_parts(comparison.conclusions, comparison.judgement.design.seed_rule, metric)
    secondary = tables.secondary_markdown(comparison)
    if secondary:
        parts += [f"Secondary metrics. {SECONDARY_NOTE}\n", secondary]
    parts += [bullets([tables.protocol_note(comparison), *notes])]
    return [*parts, *collapse_parts(comparison), *factorial_parts(comparison), *pairing_parts(comparison)]


def primary_notes(comparison: Comparison) -> list[str]:
    """What a reader has to know of the table of the primary metric."""
    mean, difference, *others = PRIMARY_NOTES
    return [mean, adaptive_text.PRIMARY_NOTE if comparison.conclusions else difference, *others]


def collapse_parts(comparison: Comparison) -> list[str]:
    """The seeds that collapsed, one by one."""
    metric, collapses = comparison.primary, comparison.judgement.collapses
    if metric is None or collapses is None or not collapses.collapsed:
        return []
    header = ["Variant", "Seed", f"Last {metric.label}", "Best", "at kimg", "Collapse beyond", "since kimg"]
    rows = [
        [seed.variant, str(seed.seed), *(tables.format_number(v, metric.spec) for v in (seed.last, seed.best)),
         f"{seed.best_kimg:g}", tables.format_number(seed.threshold, metric.spec),
         DASH if seed.since_kimg is None else f"{seed.since_kimg:g}"]
        for seed in collapses.seeds
        if seed.collapsed
    ]  # fmt: skip
    return ["#### Seeds that collapsed\n", markdown_table(header, rows)]


def factorial_parts(comparison: Comparison) -> list[str]:
    """Main effects and interactions, where the variants form a full factorial."""
    metric = comparison.primary
    if comparison.design is None or metric is None:
        return []
    rows = [
        [effect_name(effect), effect_text(effect, metric), tables.format_p(effect.p), effect.note or DASH]
        for effect in comparison.effects
    ]
    note = (
        "A main effect is the mean difference that a factor makes, averaged over the levels of the others; an "
        "interaction is the difference of differences. Of the seeds that did not collapse, in the unit of the metric; "
        f"intervals and p are not corrected, each at {CONFIDENCE:.0%}."
    )
    return [
        f"#### {' × '.join(comparison.design.factors)}: {metric.label}\n",
        markdown_table(["Effect", "Value", "p", "Remark"], rows),
        f"{note}\n",
    ]


def pairing_parts(comparison: Comparison) -> list[str]:
    """What common random numbers bought, and which test was used."""
    metric = comparison.primary
    found = {
        variant: cell.difference
        for variant in comparison.variants
        if metric and (cell := comparison.cells[variant, metric.key]).difference
    }
    if metric is None or not found:
        return []
    rows = [
        [variant, tables.format_number(d.correlation, ".2f") + tables.format_interval(d.correlation_interval, ".2f"),
         tables.format_number(d.variance_ratio, ".2f"), d.method, tables.format_p(d.p),
         tables.format_p(d.permutation_p), d.note or DASH]
        for variant, d in found.items()
        if d is not None
    ]  # fmt: skip
    header = ["Variant", "Correlation", "Paired / unpaired variance", "Test", "p", "p by permutation", "Remark"]
    return [f"#### Seeds as pairs: {metric.label}\n", markdown_table(header, rows), f"{PAIRING_NOTE}\n"]


def left_out_line(selection: Selection) -> str:
    """How much was compared, set aside (and why) and is unfinished, in one line."""
    reasons = selection.set_aside.value_counts()
    why = "; ".join(f"{count} {reason}" for reason, count in reasons.items())
    return (
        f"{plural(len(selection.compared), 'run')} compared, {plural(reasons.sum(), 'other run')} set aside"
        f"{f' ({why})' if why else ''}, {plural(selection.unfinished, 'job')} unfinished."
    )


def compared_lines(compared: pd.DataFrame, variants: Sequence[str]) -> list[str]:
    """One sentence per profile and dataset: which variants, how many seeds each, under which baseline."""
    lines = []
    for _, group in compared.groupby(GROUP):
        seeds = group.groupby(names.VARIANT)[names.SEED].nunique()
        counts = ", ".join(f"{variant} ({seeds[variant]})" for variant in variants if variant in seeds)
        line = f"{place(group)} Variants (seeds): {counts}. Comparison `{group[names.COMPARISON].iloc[0]}`."
        classes = sorted(set(group[names.CLASSES]) - {""})
        line += f" Classes: {'; '.join(classes)}." if classes else ""
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
    return markdown_table(
        [column.capitalize().replace("_", " ") for column in header], ordered[header].astype(str).to_numpy().tolist()
    )

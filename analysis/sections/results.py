"""The tables of one profile and dataset."""

import math

from analysis import adaptive_text, tables
from analysis.comparison import Comparison
from analysis.markdown import bullets
from analysis.sections.collapse import collapse_parts
from analysis.sections.factorial import factorial_parts
from analysis.sections.pairing import pairing_parts
from analysis.sections.published import published_parts
from analysis.statistics.interval import CONFIDENCE
from experiments import names

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
    return [
        *parts,
        *published_parts(comparison),
        *collapse_parts(comparison),
        *factorial_parts(comparison),
        *pairing_parts(comparison),
    ]


def primary_notes(comparison: Comparison) -> list[str]:
    """What a reader has to know of the table of the primary metric."""
    mean, difference, *others = PRIMARY_NOTES
    concluded = adaptive_text.PRIMARY_NOTE if comparison.conclusions else difference
    return [mean, *numberless_notes(comparison), concluded, *others]


def numberless_notes(comparison: Comparison) -> list[str]:
    """Which finished runs enter no mean, though they did not collapse."""
    metric, runs = comparison.primary, comparison.runs
    if metric is None:
        return []
    odd = runs[~runs["collapsed"] & ~(runs[metric.key].abs() < math.inf)]
    if odd.empty:
        return []
    which = ", ".join(f"{run[names.VARIANT]}/{run[names.SEED]}" for _, run in odd.iterrows())
    return [
        f"Finished without a finite {metric.label} at the end, and in no mean: {which}. Whether such a seed collapsed "
        "is judged by the last number that it has."
    ]

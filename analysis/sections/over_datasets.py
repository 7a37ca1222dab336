"""The part of a report that compares variants over several datasets of one profile."""

import math
from collections.abc import Sequence

from analysis import tables
from analysis.answer import effect_name
from analysis.comparison import Comparison, good_values
from analysis.markdown import DASH, markdown_table
from analysis.statistics.across_datasets import across_datasets
from analysis.statistics.pooled_effects import pooled_effects
from experiments import names

RANKS_NOTE = (
    "A score is the baseline's median by the value (higher is better: the value by the median): 1 is as good as the "
    "baseline, a diverged seed is 0. Interquartile means of all seeds of all datasets, ranks of medians; intervals by "
    "bootstrap, which are too narrow with fewer than five seeds: described, not concluded from."
)
POOLED_NOTE = (
    "Effects of logarithms, so that they are ratios: 1 is no change. Datasets count alike; of seeds that did not "
    "collapse; not corrected. Agreement: Welch's test that the effect is the same in all datasets."
)


def over_datasets(comparisons: Sequence[Comparison]) -> list[str]:
    """Markdown parts for each profile whose datasets can be compared; empty if there is none."""
    profiles = dict.fromkeys(comparison.profile for comparison in comparisons)
    parts = []
    for profile in profiles:
        those = [c for c in comparisons if c.profile == profile and c.primary is not None]
        if len({c.primary.better for c in those if c.primary}) == 1:
            parts += [*_ranks(those, profile), *_pooled(those, profile)]
    return ["## Over datasets\n", *parts] if parts else []


def _ranks(comparisons: Sequence[Comparison], profile: str) -> list[str]:
    primary = comparisons[0].primary
    assert primary is not None
    assert primary.better is not None
    values = {c.dataset: {v: c.every[v].tolist() for v in c.variants} for c in comparisons}
    found = across_datasets(values, primary.better, names.BASELINE)
    if found is None:
        return []
    header = ["Variant", "Interquartile mean of scores", "Δ to baseline", "Average rank"]
    rows = [
        [name, tables.format_number(own.interquartile_mean, ".3f") + tables.format_interval(own.interval, ".3f"),
         tables.format_number(own.difference, "+.3f") + tables.format_interval(own.difference_interval, "+.3f"),
         f"{own.average_rank:.2f}"]
        for name, own in found.variants.items()
    ]  # fmt: skip
    p = (
        ""
        if math.isnan(found.friedman_p)
        else f" Friedman's test that all rank alike: {tables.p_is(found.friedman_p)}."
    )
    note = f" Note: {found.note}." if found.note else ""
    said = f"{', '.join(found.datasets)} (profile {profile}). {RANKS_NOTE}{p}{note}\n"
    return ["### Scores and ranks\n", markdown_table(header, rows), said]


def _pooled(comparisons: Sequence[Comparison], profile: str) -> list[str]:
    design = comparisons[0].design
    if len(comparisons) < 2 or design is None or any(c.design != design for c in comparisons):
        return []
    samples = {c.dataset: good_values(c.runs, c.primary) for c in comparisons}
    rows = [
        [effect_name(pooled.effect), f"{tables.format_number(pooled.ratio, '.3f')}"
         f"{tables.format_interval(pooled.ratio_interval, '.3f')}", tables.format_p(pooled.effect.p),
         tables.format_p(pooled.heterogeneity_p), pooled.note or pooled.effect.note or DASH]
        for pooled in pooled_effects(design, samples)
    ]  # fmt: skip
    title = f"### {' × '.join(design.factors)} over datasets (profile {profile})\n"
    return [title, markdown_table(["Effect", "Ratio", "p", "Agreement, p", "Remark"], rows), f"{POOLED_NOTE}\n"]

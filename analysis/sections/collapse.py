"""The seeds that collapsed."""

from analysis import tables
from analysis.comparison import Comparison
from analysis.markdown import DASH, markdown_table


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

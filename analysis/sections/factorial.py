"""The variants as a factorial design."""

from analysis import tables
from analysis.answer import effect_name, effect_text
from analysis.comparison import Comparison
from analysis.markdown import DASH, markdown_table
from analysis.statistics.interval import CONFIDENCE


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

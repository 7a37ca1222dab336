"""What was found, in sentences: how a report begins."""

from collections.abc import Sequence

from analysis.answer import answer
from analysis.comparison import Comparison, shown_differences
from analysis.markdown import bullets


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

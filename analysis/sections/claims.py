"""The claims that a study set out to check, beside what was found."""

from collections.abc import Sequence

from analysis.claims import FEWEST_SEEDS, claim_sentences, count_tests
from analysis.comparison import Comparison
from analysis.markdown import bullets
from analysis.sections.answer import title

NOTE = (
    "What the study file claims of its variants, beside these runs. They agree or disagree where differences of the "
    "size that a claim speaks of are ruled out, or where a difference to the baseline is shown, in the metric (by "
    "Holm's correction) or in how many seeds collapse, which counts as worse (by Bonferroni's). Else they cannot tell, "
    f"as with fewer than {FEWEST_SEEDS} seeds left on either side.\n"
)


def claims_parts(comparisons: Sequence[Comparison]) -> list[str]:
    """Nothing, for a study that claims nothing."""
    parts, family = [], count_tests(comparisons)
    for comparison in comparisons:
        sentences = list(claim_sentences(comparison, family))
        if sentences:
            parts += [f"{title(comparison)}\n", bullets(sentences)]
    return ["## The claims\n", NOTE, *parts] if parts else []

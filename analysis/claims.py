"""What a study claims of its variants beforehand, beside what its runs show: they agree, disagree, or cannot tell."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from analysis.answer import collapse_text, seen_text
from analysis.comparison import Comparison, shown_differences
from analysis.metrics import Column
from analysis.tables import LEVEL, Direction, direction, format_difference, format_number, is_shown, p_is
from experiments import names
from experiments.design import Claim

Verdict = Literal["agrees", "disagrees", "cannot tell"]
IN_WORDS = {"worse": "worse", "better": "better", "no-better": "no better"}
FEWEST_SEEDS = 3  # that neither collapsed nor diverged, on either side: the spread of two is hardly known


@dataclass(frozen=True)
class Family:
    """Over how many tests the level is shared, in all of a report."""

    differences: int  # to a baseline, in a primary metric
    collapses: int  # of how often seeds collapse, against a baseline


def count_tests(comparisons: Sequence[Comparison]) -> Family:
    """Those of a report."""
    rates = [rate for comparison in comparisons for rate in comparison.rates.values()]
    return Family(shown_differences(comparisons), sum(not math.isnan(rate.p) for rate in rates))


def claim_sentences(comparison: Comparison, family: Family) -> Iterator[str]:
    """One for each claim on a variant that has runs, then the variants of other claims."""
    metric, claims = comparison.primary, comparison.judgement.design.claims
    if metric is None or names.BASELINE not in comparison.variants:
        return
    for variant in comparison.variants:
        if variant in claims:
            yield _sentence(comparison, variant, claims[variant], metric, family)
    missing = [variant for variant in claims if variant not in comparison.variants]
    if missing:
        yield f"Claims on what was not run here: {', '.join(missing)}."


def verdict_of(claim: Claim, shown: Direction | None, is_ruled_out: bool) -> Verdict:
    """By whether the size that the claim speaks of is ruled out, also where less than it is shown; else by what is."""
    if is_ruled_out:
        return "agrees" if claim.expects == "no-better" else "disagrees"
    if shown is None:
        return "cannot tell"
    agrees = shown == claim.expects or (shown == "worse" and claim.expects == "no-better")
    return "agrees" if agrees else "disagrees"


def shown_direction(comparison: Comparison, variant: str, metric: Column, family: Family) -> Direction | None:
    """What is shown after the correction. More seeds that collapse are worse, whatever those say that are left."""
    rate, found = comparison.rates[variant], comparison.cells[variant, metric.key].difference
    if family.collapses * rate.p <= LEVEL:  # not if it is not a number
        return "worse" if rate.difference > 0 else "better"
    if found is None or not is_shown(found) or doubt(comparison, variant, metric):
        return None
    return direction(found, metric)


def doubt(comparison: Comparison, variant: str, metric: Column) -> str:
    """Why the seeds that are left conclude nothing, in words; empty if they may."""
    rate, found = comparison.rates[variant], comparison.cells[variant, metric.key].difference
    if found is None:
        return ""
    if min(found.count, found.baseline_count) < FEWEST_SEEDS:
        return f"{found.count} against {found.baseline_count} seeds conclude nothing, {FEWEST_SEEDS} are the fewest"
    fell = "worse" if rate.difference > 0 else "better" if rate.difference < 0 else None
    if fell is not None and is_shown(found) and fell != direction(found, metric):
        return "the seeds that are left say the opposite of how many are left, and nothing is concluded"
    return ""


def direction_of(claim: Claim) -> Direction:
    """In which direction a claim speaks of differences, be it that there is none."""
    return "better" if claim.expects == "no-better" else claim.expects


def rules_out(comparison: Comparison, variant: str, metric: Column, claim: Claim) -> bool:
    """Whether differences of the size that the claim speaks of lie outside the simultaneous interval.

    Not where a seed of either side collapsed, of which the interval knows nothing, nor for claims without a size.
    """
    found = comparison.cells[variant, metric.key].difference
    if claim.at_least is None or found is None or not found.simultaneous.is_known:
        return False
    if any(_fallen(comparison, name) for name in (variant, names.BASELINE)) or doubt(comparison, variant, metric):
        return False
    is_upwards = (direction_of(claim) == "better") == (metric.better == "higher")
    return found.simultaneous.high < claim.at_least if is_upwards else found.simultaneous.low > -claim.at_least


def _fallen(comparison: Comparison, variant: str) -> int:
    counts = comparison.rates[variant].counts
    return counts["collapsed"] + counts["diverged"]


def _sentence(comparison: Comparison, variant: str, claim: Claim, metric: Column, family: Family) -> str:
    shown = shown_direction(comparison, variant, metric, family)
    is_ruled_out = rules_out(comparison, variant, metric, claim)
    verdict = verdict_of(claim, shown, is_ruled_out)
    claimed = f"**{variant}**: {claim.source} says “{claim.says}”, so that {IN_WORDS[claim.expects]} is expected"
    parts = []
    found = comparison.cells[variant, metric.key].difference
    if found is not None and not math.isnan(found.value):
        parts.append(f"{metric.label} {format_difference(found, metric.spec, simultaneous=True)}")
        parts += [p_is(found.p_holm)] if is_shown(found) else []
        if verdict == "cannot tell":
            why = doubt(comparison, variant, metric)
            parts.append(why or seen_text(comparison, variant, metric, family.differences))
        elif is_ruled_out:
            size = format_number(claim.at_least or math.nan, metric.spec)
            parts.append(f"one that is {direction_of(claim)} by {size} or more is ruled out")
    sentences = [f"{'; '.join(parts)}."] if parts else []
    return " ".join([f"{claimed}; this run **{verdict}**:", *sentences, collapse_text(comparison, variant)]).rstrip()

"""What a comparison says, in a few careful sentences made from its numbers."""

import math
from collections.abc import Iterator, Mapping

from analysis import adaptive_text
from analysis.comparison import Comparison, least_shown
from analysis.metrics import Column
from analysis.statistics.collapse_rates import Outcome
from analysis.statistics.factorial_effects import Effect
from analysis.statistics.power import POWER
from analysis.tables import direction, format_average, format_difference, format_interval, format_number, is_shown, p_is
from experiments import names


def answer(comparison: Comparison, comparisons: int) -> list[str]:
    """One sentence or two for each variant, then for the factors.

    comparisons: how many differences the level is shared by.
    """
    metric = comparison.primary
    if metric is None or names.BASELINE not in comparison.variants:
        return [comparison.judgement.sentences[0] if metric is None else "There is no baseline to compare with."]
    others = [variant for variant in comparison.variants if variant != names.BASELINE]
    return [
        _baseline(comparison, metric),
        *(_variant(comparison, variant, metric, comparisons) for variant in others),
        *_factors(comparison, metric),
    ]


def _baseline(comparison: Comparison, metric: Column) -> str:
    cell, rate = comparison.cells[names.BASELINE, metric.key], comparison.rates[names.BASELINE]
    bad = rate.counts["collapsed"] + rate.counts["diverged"]
    if not cell.mean.count:
        fell = f": {bad} collapsed or diverged" if bad else ""
        return f"**{names.BASELINE}**: no seed gave a number to compare with{fell}."
    fell = f"; {bad} more collapsed or diverged" if bad else ""
    value = format_average(cell.mean, metric.spec)
    return f"**{names.BASELINE}**: {metric.label} {value} over {_seeds(cell.mean.count)}{fell}."


def _variant(comparison: Comparison, variant: str, metric: Column, comparisons: int) -> str:
    found, rule = comparison.cells[variant, metric.key].difference, comparison.judgement.design.seed_rule
    if rule is not None and variant in comparison.conclusions:
        concluded = adaptive_text.sentence(variant, comparison.conclusions[variant], rule, metric)
        return f"{concluded} {collapse_text(comparison, variant)}".rstrip()
    if found is None or math.isnan(found.value):
        return f"**{variant}**: {_alone(comparison, variant, metric)}. {collapse_text(comparison, variant)}".rstrip()
    what = f"{metric.label} {format_difference(found, metric.spec, simultaneous=True)}"
    seeds = f"{found.count} against {_seeds(found.baseline_count)}"
    if is_shown(found):
        verdict = f"{direction(found, metric)} than the baseline ({p_is(found.p_holm)})"
        return f"**{variant}** is {verdict}: {what}, {seeds}. {collapse_text(comparison, variant)}".rstrip()
    seen = seen_text(comparison, variant, metric, comparisons)
    return f"**{variant}**: {what}, {seeds}: no difference shown; {seen}. {collapse_text(comparison, variant)}".rstrip()


def _alone(comparison: Comparison, variant: str, metric: Column) -> str:
    """A variant whose difference is unknown: it has no number, or the baseline has none."""
    mean = comparison.cells[variant, metric.key].mean
    if not mean.count:
        return "no seed gave a number to compare"
    value = format_average(mean, metric.spec)
    return f"{metric.label} {value} over {_seeds(mean.count)}, and no seed of the baseline to compare with"


def seen_text(comparison: Comparison, variant: str, metric: Column, comparisons: int) -> str:
    """Which difference these seeds would have shown."""
    least = least_shown(comparison, variant, comparisons)
    if math.isfinite(least):
        most, seen = metric.largest_difference, f"would have been seen with {POWER:.0%} probability"
        if least > most:
            return f"not even one of {format_number(most, metric.spec)}, the largest possible, {seen}"
        return f"a difference of {format_number(least, metric.spec)} {seen}"
    means = {name: comparison.cells[name, metric.key].mean for name in (names.BASELINE, variant)}
    equal = [name for name, mean in means.items() if mean.count > 1 and not mean.sd]
    if equal:
        return f"which one would have been seen cannot be told from equal values of all seeds of {' and '.join(equal)}"
    return "so few seeds could hardly have shown one"


def collapse_text(comparison: Comparison, variant: str) -> str:
    """How many seeds collapsed, and of the baseline's; empty if none of either."""
    rate, base = comparison.rates[variant], comparison.rates[names.BASELINE]
    bad, base_bad = (r.counts["collapsed"] + r.counts["diverged"] for r in (rate, base))
    if not bad and not base_bad:
        return ""
    counts = f"{bad} of {_tried(rate.counts)} seeds collapsed or diverged{format_interval(rate.interval, '.0%')}"
    return f"{counts}, of the baseline's {base_bad} of {_tried(base.counts)} ({p_is(rate.p)}, not corrected)."


def _tried(counts: Mapping[Outcome, int]) -> int:
    return sum(counts[outcome] for outcome in ("well", "collapsed", "diverged"))


def _factors(comparison: Comparison, metric: Column) -> Iterator[str]:
    """The design as one: main effects use all its runs."""
    known = [effect for effect in comparison.effects if effect.interval.is_known]
    if comparison.design is None or not known:
        return
    factors = " × ".join(comparison.design.factors)
    parts = "; ".join(f"{effect_name(effect)} {effect_text(effect, metric)}" for effect in known)
    yield f"As a factorial design ({factors}; seeds that did not collapse, intervals not corrected): {parts}."


def effect_name(effect: Effect) -> str:
    """`main effect of a`, `interaction of a and b`."""
    kind = "main effect of" if len(effect.term) == 1 else "interaction of"
    return f"{kind} {' and '.join(effect.term)}"


def effect_text(effect: Effect, metric: Column) -> str:
    """`+0.096 [+0.05, +0.14]`."""
    spec = f"+{metric.spec}"
    return f"{format_number(effect.value, spec)}{format_interval(effect.interval, spec)}"


def _seeds(count: int) -> str:
    return f"{count} seed{'' if count == 1 else 's'}"

"""Adaptive seeds in words: the sentence on each variant, and the report's table of looks."""

import math
from collections.abc import Mapping

from analysis import tables
from analysis.adaptive import Conclusion
from analysis.markdown import DASH, bullets, markdown_table
from analysis.metrics import Column
from analysis.statistics.interval import CONFIDENCE
from analysis.statistics.looks import Ending, Look
from analysis.statistics.power import POWER, detectable
from experiments.design import SeedRule

PRIMARY_NOTE = (
    "Seeds were added while a conclusion was open. Δ is the difference of means at the variant's newest look, by the "
    "seeds that variant and baseline had then. Its interval holds at all looks and for all comparisons together at "
    f"{CONFIDENCE:.0%}; p is of Welch's test, corrected for both: multiplied by {1 - CONFIDENCE:.2g} / (level of its "
    f"look). What is at most {tables.LEVEL:g} is bold. Means and medians are of all seeds, also of later ones."
)
OTHER_NOTE = (
    "All other tables are of every seed that ran. Their intervals and p do not know that seeds were added by looking "
    "at the primary metric."
)
ENDINGS: dict[Ending | None, str] = {
    "sign": "decided",
    "half_width": "precise enough",
    "most": "open, but it has the most seeds",
    None: "open: more seeds",
}


def looks_parts(conclusions: Mapping[str, Conclusion], rule: SeedRule | None, metric: Column) -> list[str]:
    """What was decided at which look, and why; empty where seeds are fixed."""
    if rule is None or not conclusions:
        return []
    header = ["Variant", "Look", "Seeds", "Δ to baseline", "p", "to be at most", "Then"]
    rows = [row for variant, one in conclusions.items() for row in _rows(variant, one, metric)]
    lines = [rule_sentence(rule, metric), OTHER_NOTE, *_unused(conclusions)]
    return ["#### Seeds until it is decided\n", markdown_table(header, rows), bullets(lines)]


def _rows(variant: str, conclusion: Conclusion, metric: Column) -> list[list[str]]:
    rows = []
    for look in conclusion.looks:
        then = ENDINGS[conclusion.ending if look is conclusion.last else None]
        rows.append(
            [variant, str(look.number), seeds_of(look), f"{tables.format_number(look.value, '+' + metric.spec)}"
             f"{tables.format_interval(look.interval, '+' + metric.spec)}", tables.format_p(look.p),
             f"{look.level:.2g}", f"{then}{f' ({look.note})' if look.note else ''}"]
        )  # fmt: skip
    if conclusion.waits_for:
        waits = f"waits for {_listed(conclusion.waits_for)}"
        rows.append([variant, str(len(conclusion.looks) + 1), str(conclusion.seeds), DASH, DASH, DASH, waits])
    return rows


def rule_sentence(rule: SeedRule, metric: Column) -> str:
    """The rule in words."""
    ends = ["the sign of its difference to the baseline is decided"] if rule.sign else []
    if rule.half_width is not None:
        ends.append(f"the interval reaches no farther than {rule.half_width:g} to each side")
    return (
        f"Looks at {', '.join(map(str, rule.looks))} seeds, until {' or '.join(ends)} ({metric.label}). The level of "
        f"{1 - CONFIDENCE:.0%} is shared by {rule.comparisons} planned comparisons (Bonferroni) and spent over the "
        f"looks by the {rule.spending} function of Lan and DeMets. Collapsed, diverged and failed seeds count as "
        "tried: they are not replaced. A conclusion stands as it was made: later seeds of the baseline do not enter it."
    )


def sentence(variant: str, conclusion: Conclusion, rule: SeedRule, metric: Column) -> str:
    """What is concluded of a variant."""
    look = conclusion.last
    if look is None:
        return f"**{variant}**: the first look, at {conclusion.seeds} seeds, waits for {_listed(conclusion.waits_for)}."
    value = f"{metric.label} {tables.format_number(look.value, '+' + metric.spec)}"
    value += tables.format_interval(look.interval, f"+{metric.spec}")
    where = f"look {look.number} of {len(rule.looks)}, {seeds_of(look)} seeds"
    if look.is_decided:
        is_better = (look.value > 0) == (metric.better == "higher")
        verdict = f"is {'better' if is_better else 'worse'} than the baseline ({tables.p_is(look.p_corrected)})"
        return f"**{variant}** {verdict}: {value}, at {where}.{_what_next(conclusion)}"
    if math.isnan(look.p):
        return f"**{variant}**: {value}, at {where}: {look.note or 'no test.'}{_what_next(conclusion)}"
    if conclusion.ending == "half_width":
        return (
            f"**{variant}**: {value}, at {where}: no difference shown, and known to ± "
            f"{tables.format_number(look.half_width, metric.spec)}, which is what was asked."
        )
    if conclusion.ending == "most":
        shared_by = math.ceil((1 - CONFIDENCE) / look.level)
        least = detectable(look.sd, look.count, look.baseline_sd, look.baseline_count, shared_by)
        nothing = f"**{variant}**: {value}, at {where}: no difference shown"
        if not math.isfinite(least) or least > metric.largest_difference:
            return f"{nothing}."
        difference = tables.format_number(least, metric.spec)
        return f"{nothing}; a difference of {difference} would have been seen with {POWER:.0%} probability or more."
    return f"**{variant}**: {value}, at {where}: nothing is decided yet.{_what_next(conclusion)}"


def _what_next(conclusion: Conclusion) -> str:
    if conclusion.ending == "most":
        return " It has the most seeds that the study gives."
    if conclusion.ending is not None:
        return ""
    return f" The next look, at {conclusion.seeds} seeds, waits for {_listed(conclusion.waits_for)}."


def _unused(conclusions: Mapping[str, Conclusion]) -> list[str]:
    """Seeds that ran and are no part of a conclusion."""
    extra = {variant: one.unused for variant, one in conclusions.items() if one.unused}
    return [f"Beyond the look that ended them, and no part of it: {', '.join(f'{v} {n}' for v, n in extra.items())} "
            "seeds."] if extra else []  # fmt: skip


def seeds_of(look: Look) -> str:
    """How many seeds gave a number, and of how many."""
    counts = {look.count, look.baseline_count}
    if counts == {look.seeds}:
        return str(look.seeds)
    return f"{look.count} against {look.baseline_count} of {look.seeds}"


def _listed(jobs: tuple[str, ...], most: int = 6) -> str:
    return ", ".join(jobs[:most]) + (f" and {len(jobs) - most} more" if len(jobs) > most else "")

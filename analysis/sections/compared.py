"""What is compared, what was left out, and which code has trained it."""

from collections.abc import Sequence

import pandas as pd

from analysis.drawing.drawn import place
from analysis.markdown import plural
from analysis.selection import GROUP, Selection
from experiments import names


def left_out_line(selection: Selection) -> str:
    """How much was compared, set aside (and why) and has no result, in one line."""
    reasons = selection.set_aside.value_counts()
    why = "; ".join(f"{count} {reason}" for reason, count in reasons.items())
    states = " (running, stopped, diverged or failed)" if selection.unfinished else ""
    without = f"{plural(selection.unfinished, 'job')} without a result{states}"
    return (
        f"{plural(len(selection.compared), 'run')} compared, {plural(reasons.sum(), 'other run')} set aside"
        f"{f' ({why})' if why else ''}, {without}."
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

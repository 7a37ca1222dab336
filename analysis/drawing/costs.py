"""What variants cost, and what quality that buys."""

import math
from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd

from analysis.comparison import Comparison
from analysis.drawing.drawn import NOTHING_TO_JUDGE_BY, Drawn, Omitted, figure_of, omit
from analysis.figures import costs as bars
from analysis.figures import trade
from analysis.figures.style import looks
from analysis.metrics import Column
from experiments import names
from r3gan.tables.metrics import Better

SPEED, MEMORY = "images per second", "peak memory (GiB)"
HOURS, MINUTES = "device-hours per seed", "device-minutes per seed"  # minutes if no seed takes an hour
ORDER = (SPEED, HOURS, MINUTES, MEMORY)
COSTS_CAPTION = (
    "Median and range of all seeds, as measured while the jobs ran: whatever else the machine did is in it. "
    "Device time is that of training, without its evaluations, times the devices of a job."
)
FRONT_CAPTION = (
    "The primary metric (mean and 95% interval of the seeds that neither collapsed nor diverged) against the median "
    "cost of a seed. Of the variants on the front none is beaten in both: by the means, whether they differ or not."
)
ONE_VARIANT = "there is one variant alone"
NO_COST = "no cost was recorded of every variant"


def draw_costs(comparison: Comparison, variants: Sequence[str]) -> list[Drawn | Omitted]:
    """Costs, and the front of quality against them, of one profile and dataset."""
    group, found = comparison.runs, cost_rows(comparison.runs, variants)
    if group[names.VARIANT].nunique() < 2 or not found:
        why = NO_COST if group[names.VARIANT].nunique() > 1 else ONE_VARIANT
        return [omit(group, "costs", why), omit(group, "front", why)]
    draw = partial(bars.draw_costs, list(found.items()), looks(variants))
    return [figure_of(draw, group, "costs", [COSTS_CAPTION]), _front(comparison, variants, found)]


def _front(comparison: Comparison, variants: Sequence[str], costs: Mapping[str, pd.DataFrame]) -> Drawn | Omitted:
    group, metric = comparison.runs, comparison.primary
    if metric is None or metric.better is None:
        return omit(group, "front", NOTHING_TO_JUDGE_BY)
    tables = {title: front_rows(comparison, metric, costs[title]) for title in costs if title != SPEED}
    shown = [(title, metric, rows) for title, rows in tables.items() if len(rows)]
    if not shown:
        return omit(group, "front", "no two variants have a cost and a seed that did not collapse")
    return figure_of(partial(trade.draw_front, shown, looks(variants)), group, "front", [FRONT_CAPTION])


def cost_rows(group: pd.DataFrame, variants: Sequence[str]) -> dict[str, pd.DataFrame]:
    """By its title, each cost that is known of every variant: rows of variant, value (median), low, high."""
    found = {}
    for title, values in costs_of(group).items():
        by_variant = values.dropna().groupby(group[names.VARIANT])
        table = by_variant.agg(value="median", low="min", high="max")
        if len(table) == group[names.VARIANT].nunique():
            rows = table.loc[[variant for variant in variants if variant in table.index]]
            found[title] = rows.reset_index(names="variant")
    return found


def costs_of(group: pd.DataFrame) -> dict[str, pd.Series]:
    """By its title, each cost of every run, as far as it was recorded."""
    columns = {SPEED: "images_per_second", MEMORY: "memory_gib"}
    found = {title: group[key] for title, key in columns.items() if key in group}
    if SPEED in found:
        devices = pd.to_numeric(group[names.RANKS], errors="coerce")
        hours = group["total_kimg"] * 1000 / found[SPEED] / 3600 * devices
        found |= {HOURS: hours} if hours.max() >= 1 else {MINUTES: 60 * hours}
    return {title: found[title] for title in ORDER if title in found}


def front_rows(comparison: Comparison, metric: Column, costs: pd.DataFrame) -> pd.DataFrame:
    """Rows of `draw_front`; empty if fewer than two variants have a value."""
    means = {v: comparison.cells[v, metric.key].mean for v in costs["variant"]}
    rows = pd.DataFrame([
        {
            "variant": row["variant"], "cost": row["value"], "quality": means[row["variant"]].value,
            "low": means[row["variant"]].interval.low, "high": means[row["variant"]].interval.high,
        }
        for _, row in costs.iterrows()
        if not math.isnan(means[row["variant"]].value)
    ])  # fmt: skip
    assert metric.better is not None
    return rows.assign(on_front=on_front(rows, metric.better)) if len(rows) > 1 else rows.iloc[:0]


def on_front(rows: pd.DataFrame, better: Better) -> list[bool]:
    """For each row of cost and quality, whether no other one is as good in both and better in one."""
    sign = 1 if better == "lower" else -1
    points = [(row["cost"], sign * row["quality"]) for _, row in rows.iterrows()]
    return [not any(cost <= own[0] and bad <= own[1] and (cost, bad) != own for cost, bad in points) for own in points]

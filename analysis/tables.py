"""The tables of a comparison: in plain numbers, as Markdown, as LaTeX and on the terminal."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Literal

import pandas as pd
from rich import box
from rich.markup import escape
from rich.table import Table

from analysis.comparison import Cell, Comparison
from analysis.markdown import DASH, markdown_table
from analysis.metrics import CLASSIFIER_ACCURACY, Column, floors
from analysis.statistics.collapse_rates import BAD, WITH_OUTCOME
from analysis.statistics.differences import Difference
from analysis.statistics.interval import Interval
from analysis.statistics.means import Average
from experiments import names

EXTRAS = ("evaluation_samples", "total_kimg", *floors(), CLASSIFIER_ACCURACY)  # means over the row's runs
Direction = Literal["worse", "better"]
LEVEL = 0.05


def summarise(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """The numbers of all tables, one row per profile, dataset and variant; NaN where there is nothing to say.

    Columns: profile, dataset, variant, seeds (that gave a number), primary; the number of jobs of each outcome;
    collapse_rate with _low, _high and _p; for each metric KEY_mean (of the seeds that did not collapse) with _low,
    _high, _sd, _count, KEY_median and KEY_interquartile_mean (of all seeds) with _low, _high, and of the difference
    to the baseline KEY_difference with _low, _high, _simultaneous_low, _simultaneous_high, _p, _p_holm (primary metric
    alone), _method, _permutation_p, _better_probability with _low, _high, _correlation, _variance_ratio; EXTRAS.
    """
    return pd.DataFrame([_row(comparison, v) for comparison in comparisons for v in comparison.variants])


def _row(comparison: Comparison, variant: str) -> dict[str, object]:
    runs = comparison.runs[comparison.runs[names.VARIANT] == variant]
    rate = comparison.rates[variant]
    row: dict[str, object] = {
        names.PROFILE: comparison.profile,
        names.DATASET: comparison.dataset,
        names.VARIANT: variant,
        "seeds": len(runs),
        "primary": comparison.primary.key if comparison.primary else "",
        **{str(outcome): count for outcome, count in rate.counts.items()},
        **_with_interval("collapse_rate", rate.rate, rate.interval),
        "collapse_rate_p": rate.p,
    }
    for metric in comparison.metrics:
        row |= _numbers(metric.key, comparison.cells[variant, metric.key])
    return row | {key: runs[key].mean() for key in EXTRAS if key in runs}


def _numbers(key: str, cell: Cell) -> dict[str, object]:
    row: dict[str, object] = {f"{key}_sd": cell.mean.sd, f"{key}_count": cell.mean.count}
    for name in ("mean", "median", "interquartile_mean"):
        average: Average = getattr(cell, name)
        row |= _with_interval(f"{key}_{name}", average.value, average.interval)
    found = cell.difference
    if found is None:
        return row
    prefix = f"{key}_difference"
    row |= _with_interval(prefix, found.value, found.interval)
    row |= {
        f"{prefix}_simultaneous_low": found.simultaneous.low,
        f"{prefix}_simultaneous_high": found.simultaneous.high,
    }
    row |= {f"{prefix}_{name}": getattr(found, name) for name in
            ("p", "p_holm", "method", "permutation_p", "correlation", "variance_ratio")}  # fmt: skip
    return row | _with_interval(f"{prefix}_better_probability", found.better_probability, found.better_interval)


def _with_interval(name: str, value: float, interval: Interval) -> dict[str, object]:
    return {name: value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def format_number(value: float, spec: str) -> str:
    """A minus sign that is one; nothing where there is no number."""
    return DASH if math.isnan(value) else f"{value:{spec}}".replace("-", "−")


def format_interval(interval: Interval, spec: str) -> str:
    """` [low, high]`, or nothing."""
    return f" [{format_number(interval.low, spec)}, {format_number(interval.high, spec)}]" if interval.is_known else ""


def format_average(average: Average, spec: str) -> str:
    """`value [low, high]`, the value alone without an interval."""
    return f"{format_number(average.value, spec)}{format_interval(average.interval, spec)}"


def format_difference(found: Difference | None, spec: str, *, simultaneous: bool = False) -> str:
    """`value [low, high]`, signed."""
    if found is None or math.isnan(found.value):
        return DASH
    interval = found.simultaneous if simultaneous else found.interval
    return f"{format_number(found.value, '+' + spec)}{format_interval(interval, '+' + spec)}"


def format_p(p: float) -> str:
    """Two digits, `< 0.001` below."""
    return DASH if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.2g}"


def p_is(p: float) -> str:
    """`p = 0.012`, `p < 0.001`."""
    return f"p {format_p(p)}" if p < 0.001 else f"p = {format_p(p)}"


def is_shown(found: Difference | None) -> bool:
    """Whether a difference survives the correction for all that was compared."""
    return found is not None and found.p_holm <= LEVEL


def direction(found: Difference, metric: Column) -> Direction:
    """Which way a difference goes, shown or not."""
    return "better" if (found.value > 0) == (metric.better == "higher") else "worse"


def p_heading(comparison: Comparison) -> str:
    """Of the column of corrected p: by Holm's method, or for the looks at which seeds were added."""
    return f"p ({'looks' if comparison.conclusions else 'Holm'})"


def primary_markdown(comparison: Comparison) -> str:
    """The primary metric: what is concluded from."""
    metric = comparison.primary
    if metric is None:
        return ""
    header = ["Variant", "Seeds", f"{metric.heading}, mean", "Δ to baseline", p_heading(comparison), "P(better)",
              "Median of all", "Collapsed"]  # fmt: skip
    rows = []
    for variant in comparison.variants:
        cell = comparison.cells[variant, metric.key]
        found = cell.difference
        text = format_difference(found, metric.spec, simultaneous=True)
        rows.append([
            variant, seeds_of(comparison, variant), format_average(cell.mean, metric.spec),
            f"**{text}**" if is_shown(found) else text, format_p(found.p_holm) if found else DASH,
            f"{found.better_probability:.2f}{format_interval(found.better_interval, '.2f')}" if found else DASH,
            format_number(cell.median.value, metric.spec), collapsed_of(comparison, variant),
        ])  # fmt: skip
    return markdown_table(header, rows)


def secondary_markdown(comparison: Comparison) -> str:
    """All other metrics: described, not concluded from; empty if there are none."""
    metrics = [metric for metric in comparison.metrics if metric != comparison.primary]
    if not metrics:
        return ""
    header, rows = ["Variant", *(text for metric in metrics for text in (metric.heading, "Δ to baseline"))], []
    for variant in comparison.variants:
        row = [variant]
        for metric in metrics:
            cell = comparison.cells[variant, metric.key]
            row += [format_average(cell.mean, metric.spec), format_difference(cell.difference, metric.spec)]
        rows.append(row)
    return markdown_table(header, rows)


def seeds_of(comparison: Comparison, variant: str) -> str:
    """How many seeds the mean is of, and of how many jobs."""
    counts = comparison.rates[variant].counts
    jobs, metric = sum(counts.values()), comparison.primary
    used = comparison.cells[variant, metric.key].mean.count if metric else counts["well"]
    return str(jobs) if used == jobs else f"{used} of {jobs}"


def collapsed_count(comparison: Comparison, variant: str) -> str:
    """`1 of 10`: the seeds that collapsed or diverged, of those with an outcome."""
    rate = comparison.rates[variant]
    if math.isnan(rate.rate):
        return DASH
    bad, n = (sum(rate.counts[outcome] for outcome in outcomes) for outcomes in (BAD, WITH_OUTCOME))
    return f"{bad} of {n}"


def collapsed_of(comparison: Comparison, variant: str) -> str:
    """`1 of 10 [0%, 45%]`, then what else has become of jobs."""
    rate = comparison.rates[variant]
    others = [f"{rate.counts[name]} {name}" for name in ("diverged", "failed", "unfinished") if rate.counts[name]]
    return "; ".join([collapsed_count(comparison, variant) + format_interval(rate.interval, ".0%"), *others])


def results_terminal(comparisons: Sequence[Comparison]) -> list[Table]:
    """One rich table per profile and dataset; each cell has the value and, below it, the difference to the baseline."""
    tables = []
    for comparison in comparisons:
        table = Table("Variant", "Seeds", *(metric.heading for metric in comparison.metrics), "Collapsed",
                      box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))  # fmt: skip
        table.title = escape(f"{comparison.dataset}, profile {comparison.profile}")
        for variant in comparison.variants:
            cells = [_two_lines(comparison, variant, metric) for metric in comparison.metrics]
            rate = comparison.rates[variant].counts
            table.add_row(
                escape(variant), seeds_of(comparison, variant), *cells, str(rate["collapsed"] + rate["diverged"])
            )
        tables.append(table)
    return tables


def _two_lines(comparison: Comparison, variant: str, metric: Column) -> str:
    cell = comparison.cells[variant, metric.key]
    value = format_number(cell.mean.value, metric.spec)
    if cell.difference is None:
        return value
    found = cell.difference
    interval = found.simultaneous if metric == comparison.primary else found.interval
    width = f" ± {(interval.high - interval.low) / 2:{metric.spec}}" if interval.is_known else ""
    style = "bold" if is_shown(found) else "dim"
    return f"{value}\n[{style}]Δ {format_number(found.value, '+' + metric.spec)}{width}[/{style}]"


def protocol_note(comparison: Comparison) -> str:
    """Samples, weights, floor, classifier accuracy and length of training, in one sentence."""
    runs, metrics = comparison.runs, comparison.metrics
    spread = partial(_spread, runs)
    whose = "the generator itself" if any(m.key.endswith("_raw") for m in metrics) else "the EMA generator"
    parts = [f"{spread('evaluation_samples', ',.0f')} samples of {whose} per evaluation"] if metrics else []
    for metric in metrics:
        if metric.floor in runs and runs[metric.floor].notna().any():
            floor = spread(metric.floor, metric.spec)
            parts.append(f"floor of {metric.label} (a perfect generator with that many samples) {floor}")
    if CLASSIFIER_ACCURACY in runs and runs[CLASSIFIER_ACCURACY].notna().any():
        parts.append(f"test accuracy of the digit classifier {spread(CLASSIFIER_ACCURACY, '.2%')}")
    parts.append(f"trained for {spread('total_kimg', ',g')} kimg")
    return f"{comparison.dataset} (profile {comparison.profile}): {'; '.join(parts)}."


def _spread(rows: pd.DataFrame, column: str, spec: str) -> str:
    if rows[column].isna().all():
        return "an unknown number of"
    low, high = f"{rows[column].min():{spec}}", f"{rows[column].max():{spec}}"
    return low if low == high else f"{low} to {high}"

"""The table of results: one row per profile, dataset and variant, as numbers, as Markdown and on the terminal."""

import math
from collections.abc import Sequence
from functools import partial

import pandas as pd
from rich import box
from rich.markup import escape
from rich.table import Table

from analysis.metrics import CLASSIFIER_ACCURACY, Column, floors, shown_columns
from analysis.selection import GROUP
from analysis.statistics.estimates import Estimate, estimate, paired_difference
from experiments import names

DASH = "–"
EXTRAS = (
    "evaluation_samples",
    "total_kimg",
    *floors(),
    CLASSIFIER_ACCURACY,
)  # means over the row's runs, said beside the table


def summarise(compared: pd.DataFrame, variants: Sequence[str]) -> pd.DataFrame:
    """The table in plain numbers, NaN where there is nothing to say; `variants` is their order.

    Columns: profile, dataset, variant, seeds (how many); for each metric KEY_mean, KEY_half_width, KEY_count and
    KEY_difference_mean, KEY_difference_half_width, KEY_difference_count (to the baseline, paired by seed); EXTRAS.
    """
    rows, metrics = [], shown_columns(compared.columns)
    for (profile, dataset), group in compared.groupby(GROUP):
        runs = {variant: part.set_index(names.SEED) for variant, part in group.groupby(names.VARIANT)}
        for variant in [variant for variant in variants if variant in runs]:
            row = {names.PROFILE: profile, names.DATASET: dataset, names.VARIANT: variant, "seeds": len(runs[variant])}
            baseline = runs.get(names.BASELINE) if variant != names.BASELINE else None
            for metric in metrics:
                row |= _numbers(metric, runs[variant], baseline)
            rows.append(row | {key: runs[variant][key].mean() for key in EXTRAS if key in group})
    return pd.DataFrame(rows)


def _numbers(metric: Column, runs: pd.DataFrame, baseline: pd.DataFrame | None) -> dict[str, float]:
    nothing = Estimate(math.nan, math.nan, 0)
    if metric.key not in runs:
        value = difference = nothing
    else:
        value = estimate(runs[metric.key])
        difference = nothing if baseline is None else paired_difference(runs[metric.key], baseline[metric.key])
    return {
        f"{metric.key}{infix}_{name}": number
        for infix, result in (("", value), ("_difference", difference))
        for name, number in vars(result).items()
    }


def metrics_of(summary: pd.DataFrame) -> list[Column]:
    """The metrics that any row of a summary has a value of."""
    keys = [column.removesuffix("_mean") for column in summary if column.endswith("_mean")]
    return [metric for metric in shown_columns(keys) if summary[f"{metric.key}_count"].any()]


def value_of(row: pd.Series, metric: Column) -> Estimate:
    """The metric's mean over seeds, from a row of `summarise`."""
    return _estimate(row, metric.key)


def difference_of(row: pd.Series, metric: Column) -> Estimate:
    """The metric's paired difference to the baseline, from a row of `summarise`."""
    return _estimate(row, f"{metric.key}_difference")


def _estimate(row: pd.Series, prefix: str) -> Estimate:
    return Estimate(row[f"{prefix}_mean"], row[f"{prefix}_half_width"], int(row[f"{prefix}_count"]))


def format_value(value: Estimate, spec: str, seeds: int) -> str:
    """`mean ± half width`, the mean alone without an interval; (n = ...) where fewer than `seeds` values count."""
    if not value.count:
        return DASH
    width = "" if math.isnan(value.half_width) else f" ± {value.half_width:{spec}}"
    return f"{value.mean:{spec}}{width}{_count(value, seeds)}"


def format_difference(difference: Estimate, spec: str, seeds: int) -> str:
    """`mean [low, high]`, signed; (n = ...) where fewer than `seeds` pairs count."""
    if not difference.count:
        return DASH
    mean, width = difference.mean, difference.half_width
    interval = "" if math.isnan(width) else f" [{_signed(mean - width, spec)}, {_signed(mean + width, spec)}]"
    return f"{_signed(mean, spec)}{interval}{_count(difference, seeds)}"


def _signed(number: float, spec: str) -> str:
    return f"{number:+{spec}}".replace("-", "−")


def _count(value: Estimate, seeds: int) -> str:
    return "" if value.count == seeds else f" (n = {value.count})"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up in plain text too."""
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in cells]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def results_markdown(summary: pd.DataFrame) -> str:
    """The table of results; differences whose interval excludes 0 are bold."""
    labels = [names.DATASET, names.VARIANT] if summary[names.PROFILE].nunique() == 1 else [*GROUP, names.VARIANT]
    header = [*(label.capitalize() for label in labels), "Seeds"]
    metrics = metrics_of(summary)
    for metric in metrics:
        header += [metric.heading, "Δ to baseline"]
    rows = []
    for _, row in summary.iterrows():
        cells = [*(row[label] for label in labels), str(row["seeds"])]
        for metric in metrics:
            difference = difference_of(row, metric)
            text = format_difference(difference, metric.spec, row["seeds"])
            cells.append(format_value(value_of(row, metric), metric.spec, row["seeds"]))
            cells.append(f"**{text}**" if difference.excludes_zero else text)
        rows.append(cells)
    return markdown_table(header, rows)


def results_terminal(summary: pd.DataFrame) -> list[Table]:
    """One rich table per profile and dataset; each cell has the value and, below it, the difference to the baseline."""
    tables = []
    for (profile, dataset), group in summary.groupby(GROUP):
        metrics = metrics_of(group)
        table = Table(
            "Variant", "Seeds", *(metric.heading for metric in metrics), box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
        )
        table.title = escape(f"{dataset}, profile {profile}")
        for _, row in group.iterrows():
            table.add_row(
                escape(row[names.VARIANT]), str(row["seeds"]), *(_two_lines(row, metric) for metric in metrics)
            )
        tables.append(table)
    return tables


def _two_lines(row: pd.Series, metric: Column) -> str:
    value = format_value(value_of(row, metric), metric.spec, row["seeds"])
    difference = difference_of(row, metric)
    if not difference.count:
        return value
    width = "" if math.isnan(difference.half_width) else f" ± {difference.half_width:{metric.spec}}"
    text = f"Δ {_signed(difference.mean, metric.spec)}{width}{_count(difference, row['seeds'])}"
    return f"{value}\n[bold]{text}[/bold]" if difference.excludes_zero else f"{value}\n[dim]{text}[/dim]"


def protocol_notes(summary: pd.DataFrame) -> list[str]:
    """One sentence per profile and dataset: samples, weights, floor, classifier accuracy, length of training."""
    notes = []
    for (profile, dataset), rows in summary.groupby(GROUP):
        spread = partial(_spread, rows)
        metrics = metrics_of(rows)
        whose = "the generator itself" if any(m.key.endswith("_raw") for m in metrics) else "the EMA generator"
        parts = [f"{spread('evaluation_samples', ',.0f')} samples of {whose} per evaluation"] if metrics else []
        for metric in metrics:
            if metric.floor in rows and rows[metric.floor].notna().any():
                floor = spread(metric.floor, metric.spec)
                parts.append(f"floor of {metric.label} (a perfect generator with that many samples) {floor}")
        if CLASSIFIER_ACCURACY in rows and rows[CLASSIFIER_ACCURACY].notna().any():
            parts.append(f"test accuracy of the digit classifier {spread(CLASSIFIER_ACCURACY, '.2%')}")
        parts.append(f"trained for {spread('total_kimg', ',g')} kimg")
        notes.append(f"{dataset} (profile {profile}): {'; '.join(parts)}.")
    return notes


def _spread(rows: pd.DataFrame, column: str, spec: str) -> str:
    if rows[column].isna().all():
        return "an unknown number of"
    low, high = f"{rows[column].min():{spec}}", f"{rows[column].max():{spec}}"
    return low if low == high else f"{low} to {high}"

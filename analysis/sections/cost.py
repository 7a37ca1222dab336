"""What the study cost."""

from collections.abc import Sequence

import pandas as pd

from analysis import tables
from analysis.comparison import Comparison
from analysis.costs import SPEED
from analysis.markdown import DASH, bullets, markdown_table, plural
from analysis.selection import Selection
from experiments import names

HEADER = ["Variant", "Runs", "kimg per run", "Images per second", "Device-hours per run", "All of them",
          "Peak memory (GiB)"]  # fmt: skip
COST_NOTE = (
    "Hours are of training alone, without evaluations and what a crash lost, times the ranks of a run: a device is a "
    "GPU or, on a CPU, a process. Images per second: the median of the runs (lowest to highest), with all else that "
    "ran on the machine. Device-hours per run: the mean, as if each had trained from its start. Peak memory: the "
    "highest of any run, on each rank; on a CPU all of the process, libraries included."
)


def cost_parts(comparisons: Sequence[Comparison], selection: Selection, costs: pd.DataFrame) -> list[str]:
    """A table for each profile and dataset, then the total of all runs, compared or not; nothing if none says it."""
    if costs["seconds"].isna().all():
        return ["## Cost\n", "No run has recorded its speed.\n"]
    parts = ["## Cost\n"]
    for comparison in comparisons:
        parts += [f"{comparison.dataset} (profile {comparison.profile}):\n", cost_table(comparison, costs)]
        mixed = mixed_devices(costs.loc[comparison.runs["run_id"]])
        parts += [mixed] if mixed else []
    return [*parts, bullets([total_line(selection, costs), COST_NOTE])]


def cost_table(comparison: Comparison, costs: pd.DataFrame) -> str:
    """A row per variant; of its runs that are compared, collapsed or not."""
    rows = []
    for variant in comparison.variants:
        runs = comparison.runs[comparison.runs[names.VARIANT] == variant]
        own = costs.loc[runs["run_id"]]
        hours = own["device_hours"]
        rows.append([
            variant, str(len(own)), _range(own["kimg"], ",g"), _median(own[SPEED]),
            tables.format_number(hours.mean(), ".3g"), _sum(hours), tables.format_number(own["peak_gib"].max(), ".2f"),
        ])  # fmt: skip
    return markdown_table(HEADER, rows)


def total_line(selection: Selection, costs: pd.DataFrame) -> str:
    """What all runs cost together, and what is not known of it."""
    hours = costs["device_hours"] - costs["shared_hours"]
    others = hours[costs.index.isin(selection.left_out["run_id"])]
    shared, outside = costs["shared_hours"].sum(), costs["outside_hours"].sum()
    text = f"In all {hours.sum():.3g} device-hours over {plural(len(costs), 'run')}"
    text += (
        f" ({shared:.3g} more of theirs were trained by others of them, in whose states they began)" if shared else ""
    )
    if outside:
        text += f" ({outside:.3g} of them were trained by runs that are not in this report, in whose states they began)"
    if len(others):
        text += f", {others.sum():.3g} of them in {plural(len(others), 'run')} that {_is(len(others))} not compared"
    unknown = int(hours.isna().sum())
    text += f"; of {plural(unknown, 'run')} nothing is known" if unknown else ""
    return f"{text}. Devices: {_devices(costs)}."


def mixed_devices(costs: pd.DataFrame) -> str:
    """A sentence, if the runs of a table were not all on the same kind of device."""
    if costs["device"].nunique() < 2:
        return ""
    return f"These runs were on different devices, whose speeds and hours do not compare: {_devices(costs)}.\n"


def _devices(costs: pd.DataFrame) -> str:
    counts = costs["device"].replace("", "unknown").value_counts()
    return "; ".join(f"{device} ({plural(count, 'run')})" for device, count in counts.items())


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _range(values: pd.Series, spec: str) -> str:
    known = values.dropna()
    if known.empty:
        return DASH
    low, high = f"{known.min():{spec}}", f"{known.max():{spec}}"
    return low if low == high else f"{low} to {high}"


def _median(values: pd.Series) -> str:
    known = values.dropna()
    if known.empty:
        return DASH
    around = f" ({_speed(known.min())} to {_speed(known.max())})" if len(known) > 1 else ""
    return f"{_speed(known.median())}{around}"


def _speed(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _sum(values: pd.Series) -> str:
    known = values.dropna()
    missing = len(values) - len(known)
    text = tables.format_number(known.sum(), ".3g") if len(known) else DASH
    return f"{text} ({missing} unknown)" if missing and len(known) else text

"""The runs, one by one."""

import pandas as pd

from analysis.markdown import markdown_table
from analysis.selection import GROUP, Selection
from experiments import names

LISTED = (*GROUP, names.VARIANT, names.SEED, names.IDENTITY)


def runs_parts(selection: Selection) -> list[str]:
    """Those that are compared, then those that are not."""
    parts = [
        "## Runs\n",
        "### Compared\n",
        runs_table(selection.compared, "run_id"),
        "### Set aside or unfinished\n",
        runs_table(selection.left_out, names.COMPARISON, "status", "reason") if len(selection.left_out) else "None.\n",
    ]
    absent = [f"Without a run in MLflow: {', '.join(selection.absent)}.\n"] if selection.absent else []
    return [*parts, *absent]


def runs_table(jobs: pd.DataFrame, *columns: str) -> str:
    """A Markdown table that identifies runs."""
    ordered = jobs.sort_values([*LISTED[:-1], "start_time"])
    header = [*LISTED, *columns]
    return markdown_table(
        [column.capitalize().replace("_", " ") for column in header], ordered[header].astype(str).to_numpy().tolist()
    )

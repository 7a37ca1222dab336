"""Points with what is known of their jobs, in one tidy table: what `load_study` returns."""

from pathlib import Path
from typing import Any

import pandas as pd

from analysis.load import job_folders
from analysis.selection import variant_order
from experiments import names

DESCRIPTION = (
    *(names.DATASET, names.PROFILE, names.VARIANT, names.SEED, names.IDENTITY), "run_id", "status", names.COMPARISON,
    names.SOURCES, names.FOLDER,
)  # fmt: skip


def describe_points(points: pd.DataFrame, jobs: pd.DataFrame, runs: Path) -> pd.DataFrame:
    """Points of these jobs, all of `load.load_points`, with what is known of their jobs; texts as categories, variants
    in the order of the report.

    runs: where job directories lie.
    """
    jobs = jobs.assign(**{names.FOLDER: [found_folder(runs, job) for _, job in jobs.iterrows()]})
    kinds: dict[str, Any] = dict.fromkeys(set(DESCRIPTION) - {names.SEED}, "category")
    described = jobs[list(DESCRIPTION)].astype(kinds | {names.VARIANT: pd.CategoricalDtype(variant_order(jobs))})
    of_points = described.iloc[points["run_id"].cat.codes].reset_index(drop=True)
    return pd.concat([of_points, points[["metric", "kimg", "value"]]], axis=1)


def found_folder(runs: Path, job: "pd.Series[Any]") -> str:
    """The first of `job_folders` that there is; empty if none is."""
    return next((str(folder) for folder in job_folders(runs, job) if folder.is_dir()), "")

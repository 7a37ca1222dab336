"""All that a report is made from, read from MLflow at one moment."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from mlflow.tracking import MlflowClient

from analysis import costs
from analysis.drawing.artifacts import Artifacts
from analysis.learning import LOSS
from analysis.load import find_study, load_grids, load_jobs, load_points
from analysis.metrics import FIGURES, shown_columns
from analysis.mode_counts import load_mode_counts
from analysis.run_files import load_picture
from analysis.selection import Selection, select, variant_order


@dataclass(frozen=True, kw_only=True)
class Reported:
    """A study's runs and what they recorded."""

    study: str
    selection: Selection
    variants: Sequence[str]  # all of the study, in order
    points: pd.DataFrame  # of what is compared: see `load.load_points`
    progress: pd.DataFrame  # likewise, of all runs: costs.KEYS and learning.LOSS
    costs: pd.DataFrame  # of all runs: see `costs.costs_of`
    artifacts: Artifacts


def read_study(client: MlflowClient, name: str | None, identities: Collection[str] | None, runs: Path) -> Reported:
    """The study of this name (None: the only one), all of it or these jobs alone; runs: where job directories lie.

    Raises ReportError if there is nothing to report on.
    """
    study = find_study(client, name)
    jobs = load_jobs(client, study.experiment_id)
    selection = select(jobs, identities)
    every = pd.concat([selection.compared, selection.left_out], ignore_index=True)
    shown = [metric.key for figure in FIGURES for metric in shown_columns(jobs.columns, figure)]
    of_all = (*costs.KEYS, LOSS)
    points = load_points(client, every, dict.fromkeys([*shown, *of_all]))
    progress = points[points["metric"].isin(of_all)]
    return Reported(
        study=study.name,
        selection=selection,
        variants=variant_order(jobs),
        points=points[points["metric"].isin(shown) & points["run_id"].isin(selection.compared["run_id"])],
        progress=progress,
        costs=costs.costs_of(every, progress),
        artifacts=Artifacts(
            partial(load_grids, runs),
            partial(load_mode_counts, runs),
            partial(load_picture, runs),
        ),
    )

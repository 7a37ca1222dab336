"""From MLflow runs to statistics, tables, figures and a report. Never trains."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare_study", "load_study"]


def load_study(name: str | None = None, runs: str | Path = "runs") -> "pd.DataFrame":
    """All points of a study's runs, finished or not, in one tidy table: a row for each point.

    name: of the study, in the MLflow store that MLflow's own settings name; None: of the only one there. runs: where
    job directories lie. Columns: dataset, profile, variant, seed, identity, run_id, status (MLflow's), comparison (a
    hash of the baseline's configuration: rows with different ones do not belong together), sources (hash of the code
    that trained, empty if unknown), folder (the job's directory, below `runs` or where the run was last sent from;
    empty if it is in neither), metric, kimg, value (NaN and infinity as they were logged). Texts are categories,
    variants in the order of the report. Of a step that was logged twice, the last value stands. A run without points
    has no row. Raises analysis.errors.ReportError if there is no such store or study, MlflowException if the store
    cannot be read.
    """
    from analysis.load import find_study, load_jobs, load_points, metric_keys, open_client  # seconds
    from analysis.tidy import describe_points

    client = open_client()
    jobs = load_jobs(client, find_study(client, name).experiment_id)
    return describe_points(load_points(client, jobs, metric_keys(jobs)), jobs, Path(runs))


def compare_study(name: str | None = None) -> "pd.DataFrame":
    """What the report of a study concludes, in numbers: a row for each profile, dataset and variant.

    name: as in `load_study`. Rows and columns are those of the report's table.csv (see `tables.summarise`), of the runs
    that the report compares: means, differences to the baseline, intervals, corrected p, outcomes of the seeds. Raises
    analysis.errors.ReportError if there is nothing to compare, MlflowException if the store cannot be read.
    """
    from analysis.comparison import compare_all  # seconds
    from analysis.load import open_client
    from analysis.reported import read_study
    from analysis.tables import summarise

    reported = read_study(open_client(), name, None, Path("runs"))
    return summarise(compare_all(reported.selection, reported.variants, reported.points))

"""From MLflow runs to statistics, tables, figures and a report. Never trains."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load_study"]


def load_study(name: str | None = None) -> "pd.DataFrame":
    """All points of a study's runs, finished or not, in one tidy table: a row for each point.

    name: of the study, in the MLflow store that MLflow's own settings name; None: of the only one there. Columns:
    dataset, profile, variant, seed, identity, run_id, status (MLflow's), comparison (a hash of the baseline's
    configuration: rows with different ones do not belong together), sources (hash of the code that trained, empty
    if unknown), metric, kimg, value (NaN and infinity as they were logged). Texts are categories. Of a step that was
    logged twice, the last value stands. A run without points has no row. Raises analysis.errors.ReportError if there is
    no such store or study, MlflowException if the store cannot be read.
    """
    from analysis.load import describe_points, find_study, load_jobs, load_points, metric_keys, open_client  # seconds

    client = open_client()
    jobs = load_jobs(client, find_study(client, name).experiment_id)
    return describe_points(load_points(client, jobs, metric_keys(jobs)), jobs)

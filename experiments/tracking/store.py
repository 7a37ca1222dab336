"""MLflow's store, opened before the first job starts, so that what ails it is said while there is time to mend it."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import mlflow
from mlflow.tracking import MlflowClient

from experiments.tracking.run_upload import experiment_id
from experiments.tracking.trouble import explain

PATIENT_WITH_SERVERS = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}


def store_problems(study: str, seconds: float) -> list[str]:
    """What ails the store that MLflow's settings name, in sentences with the way out; the study's experiment is made.

    seconds: how long an answer is waited for.
    """
    for name, value in PATIENT_WITH_SERVERS.items():
        os.environ.setdefault(name, value)
    found = [f"MLflow at {mlflow.get_tracking_uri()} did not answer within {seconds:g} s"]

    def look() -> None:
        found[:] = _problems(study)

    thread = threading.Thread(target=look, name="mlflow store", daemon=True)
    thread.start()
    thread.join(seconds)
    return list(found)


def _problems(study: str) -> list[str]:
    try:
        client = MlflowClient()
        location = client.get_experiment(experiment_id(client, study)).artifact_location
    except Exception as error:  # whatever it is, jobs run without MLflow
        return [f"MLflow at {mlflow.get_tracking_uri()} cannot be used: {explain(error)}"]
    return list(_artifact_problems(location))


def _artifact_problems(location: str) -> Iterator[str]:
    """A place of artifacts that is not what its name says, or not where the store is."""
    uri = mlflow.get_tracking_uri()
    if not uri.startswith("sqlite:///") or "://" in location.removeprefix("file://"):
        return
    folder = Path(uri.removeprefix("sqlite:///").partition("?")[0]).resolve().parent
    artifacts = Path(location.removeprefix("file://"))
    if "%" in str(folder):
        yield (
            f"MLflow writes artifacts of {folder} into {unquote(str(folder))}, because of the percent sign: rename the "
            "folder, or name another store in MLFLOW_TRACKING_URI"
        )
    elif folder not in Path(unquote(str(artifacts))).resolve().parents:
        yield (
            f"MLflow keeps the artifacts of this study in {artifacts}, not beside its store {folder}, which was moved "
            "or copied; the report takes samples from the job directories"
        )

"""MLflow's store, opened before the first job starts, so that what ails it is said while there is time to mend it."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import mlflow
from mlflow.tracking import MlflowClient

from experiments.tracking.moved_store import follow_folder
from experiments.tracking.new_store import make_missing_store
from experiments.tracking.patience import NoAnswer, call_patiently
from experiments.tracking.quoted_folder import no_quoted_folder
from experiments.tracking.run_upload import experiment_id
from experiments.tracking.trouble import SQLITE, explain, missing_store, store_file

MOVED = "MLflow's store was moved or copied with its folder: the addresses of artifacts follow, and new ones go here"
CREATION_SECONDS = 120.0  # nobody holds a file that is not there, and a busy machine takes its time for all the tables
PATIENT_WITH_SERVERS = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}


def open_store(study: str, seconds: float) -> tuple[str | None, list[str]]:
    """The id of the study's experiment in the store that MLflow's settings name, made if need be; None if the store
    cannot be used. Beside it, what ails the store, in sentences with the way out.

    seconds: how long an answer is waited for; an SQLite store that is yet to be made may take longer.
    """
    for name, value in PATIENT_WITH_SERVERS.items():
        os.environ.setdefault(name, value)
    if missing_store():
        seconds = max(seconds, CREATION_SECONDS)
    try:
        return call_patiently(lambda answered: _open(study), seconds)
    except NoAnswer as error:
        return None, [str(error)]


def _open(study: str) -> tuple[str | None, list[str]]:
    try:
        moved = prepare_file()
        client = MlflowClient()
        experiment = experiment_id(client, study)
        location = client.get_experiment(experiment).artifact_location
    except Exception as error:  # whatever it is, jobs run without MLflow
        return None, [f"MLflow at {mlflow.get_tracking_uri()} cannot be used: {explain(error)}"]
    return experiment, [*([MOVED] if moved else []), *artifact_problems(location)]


def prepare_file() -> int:
    """Make the store if it is a file that is not there, and let addresses follow one that was moved (`follow_folder`,
    whose number is returned). To be called before every MlflowClient that may be the first. Raises what they raise."""
    make_missing_store()
    moved = follow_folder()
    with no_quoted_folder():
        MlflowClient()  # opens the store, which every later one shares
    return moved


def artifact_problems(location: str) -> Iterator[str]:
    """A place of the store or of artifacts that is not what its name says, or not where the other one is."""
    uri = mlflow.get_tracking_uri()
    if not uri.startswith(SQLITE) or "://" in location.removeprefix("file://"):
        return
    folder = store_file(uri).resolve().parent
    artifacts = Path(location.removeprefix("file://"))
    meant = Path(unquote(str(folder)))
    if folder != meant == Path.cwd():
        yield (
            f"this version of MLflow keeps the store of {meant} in {folder}, because of the folder's name: install a "
            "newer one, rename the folder, or name another store in MLFLOW_TRACKING_URI"
        )
    elif "%" in str(folder):
        yield (
            f"MLflow writes artifacts of {folder} into {meant}, because of the percent sign: rename the "
            "folder, or name another store in MLFLOW_TRACKING_URI"
        )
    elif folder not in Path(unquote(str(artifacts))).resolve().parents:
        yield (
            f"MLflow keeps the artifacts of this study in {artifacts}, not beside its store {folder}, which was moved "
            "or copied; the report takes samples from the job directories"
        )

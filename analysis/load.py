"""Read a study from MLflow into data frames."""

import difflib
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import mlflow
import numpy as np
import pandas as pd
from matplotlib.image import imread
from mlflow.entities import Experiment, Run
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import SQLAlchemyError

from analysis.errors import ReportError
from analysis.histories import infinite_again, read_histories
from experiments import names, sample_images
from experiments.metric_keys import is_constant, recorded_name
from experiments.tracking.pages import all_experiments, all_runs
from experiments.tracking.quoted_folder import no_quoted_folder
from experiments.tracking.trouble import explain, missing_store

PARAMS = {"evaluation_samples": "evaluation.samples", "total_kimg": "total_kimg"}
ALSO = (
    names.SOURCES,
    names.FOLDER,
    names.DESIGN,
    names.ORIGIN,
    names.DESIGN_AT_START,
    names.OUTCOME,
    names.CLASSES,
    names.INHERITED_SECONDS,
    names.INHERITED_FROM,
    *names.MACHINE,
)  # "" where absent
DAMAGED = (OSError, ValueError, SyntaxError)  # of a picture that cannot be read
RUN_INFO = ("run_id", "status", "start_time", "artifact_uri")
T = TypeVar("T")


def open_client() -> MlflowClient:
    """A client of the store that MLflow's own settings name.

    Raises ReportError for a store that cannot be opened, and for one that does not exist.
    """
    absent = missing_store()
    if absent is not None:
        raise ReportError(
            f"there is no MLflow store at {absent}: run a study in this folder, or set MLFLOW_TRACKING_URI"
        )
    try:
        with no_quoted_folder():
            return MlflowClient()
    except (SQLAlchemyError, MlflowException) as error:
        raise ReportError(
            f"MLflow's store at {mlflow.get_tracking_uri()} cannot be opened: {explain(error)}"
        ) from error


def find_study(client: MlflowClient, name: str | None) -> Experiment:
    """The MLflow experiment of the study `name`, or of the only study there is.

    Raises ReportError if there is none, if the name is unknown, or if it is needed to choose among several.
    """
    studies = {
        e.name: e for e in all_experiments(client) if client.search_runs([e.experiment_id], names.IS_JOB, max_results=1)
    }
    known = ", ".join(sorted(studies))
    if not studies:
        raise ReportError(f"no study has runs in MLflow at {mlflow.get_tracking_uri()}: run one first")
    if name is None:
        if len(studies) > 1:
            raise ReportError(f"there are {len(studies)} studies, choose one with --study: {known}")
        return next(iter(studies.values()))
    if name not in studies:
        nearest = difflib.get_close_matches(name, studies, n=1)
        hint = f", did you mean {nearest[0]!r}?" if nearest else ""
        raise ReportError(f"no study {name!r} has runs in MLflow{hint} (known: {known})")
    return studies[name]


def load_jobs(client: MlflowClient, experiment_id: str) -> pd.DataFrame:
    """One row per run of a job, finished or not.

    Columns: run_id, status, start_time (ms since 1970), artifact_uri, the tags (seed as int; those of ALSO empty if
    unknown), the parameters of PARAMS (numbers or NaN), and under its recorded name every metric's last value (infinite
    where MLflow's database holds the largest number instead) and every constant. Raises ReportError if there is no such
    run, and for one that lacks one of our tags or whose seed, parameters or constants are no numbers.
    """
    runs = list(all_runs(client, experiment_id, names.IS_JOB))
    if not runs:
        raise ReportError(f"no run of the study carries the tag {names.COMPARISON}")
    for run in runs:
        lacking = [tag for tag in names.TAGS if tag not in run.data.tags]
        if lacking:
            raise _odd(run, lacking[0], "", "what every run of a job has")
    return pd.DataFrame([_job(run) for run in runs])


def load_points(client: MlflowClient, jobs: pd.DataFrame, keys: Iterable[str]) -> pd.DataFrame:
    """The histories of those metrics that any of the jobs has: run_id, metric, kimg, value (see `read_histories`)."""
    return read_histories(client, jobs["run_id"].tolist(), [key for key in keys if key in jobs])


def metric_keys(jobs: pd.DataFrame) -> list[str]:
    """Every metric that a row of `load_jobs` has."""
    return [column for column in jobs if column not in (*RUN_INFO, *names.TAGS, *ALSO, *PARAMS)]


def load_grids(runs: Path, job: "pd.Series[Any]", at_most: int) -> dict[float, np.ndarray]:
    """Sample grids of a row of `load_jobs` by kimg, [H, W, 3] in 0..1: the last, and others evenly before it.

    They are looked for in the job's directory: below `runs`, where the run was last sent from, then in MLflow. Empty
    if none is found.
    """
    for folder in job_folders(runs, job):
        found = (folder / names.SAMPLES_FOLDER).glob("*.png")
        grids = spread(sorted(path for path in found if path.stem.isdecimal()), at_most)
        try:
            if grids:
                return {kimg_of(path): as_rgb(imread(path)) for path in grids}
        except DAMAGED:  # MLflow has them too
            continue
    try:
        there = sent_grids(job["artifact_uri"])
        with TemporaryDirectory() as here:
            return {
                images / 1000: as_rgb(imread(download(job, there[images], here)))
                for images in spread(sorted(there), at_most)
            }
    except (MlflowException, *DAMAGED):  # the store was moved away from its artifacts, say
        return {}


def download(job: "pd.Series[Any]", path: str, folder: str) -> Path:
    """A file among the artifacts of a row of `load_jobs`, in that folder. Raises MlflowException, OSError.

    By the address of the run: a client that knows its number alone asks the store for a dozen things first.
    """
    return Path(get_artifact_repository(job["artifact_uri"]).download_artifacts(path, folder))


def sent_grids(artifact_uri: str) -> dict[int, str]:
    """The paths of a run's sample grids, by images that training had seen; of older runs in another folder."""
    files = listed(artifact_uri, sample_images.FOLDER)
    there = {images: path for path in files if (images := sample_images.images_of(path)) is not None}
    if there:
        return there
    older = listed(artifact_uri, names.SAMPLES_FOLDER)
    return {int(Path(path).stem): path for path in older if path.endswith(".png")}


def listed(artifact_uri: str, folder: str) -> list[str]:
    """The paths in a folder of a run's artifacts, seen from their root. Raises MlflowException, OSError."""
    files = get_artifact_repository(artifact_uri).list_artifacts(folder)
    return [file.path for file in files]


def spread(items: Sequence[T], at_most: int) -> list[T]:
    """So many of the items at most, evenly over all, and the last among them."""
    count = min(at_most, len(items))
    return [items[len(items) * (i + 1) // count - 1] for i in range(count)]


def kimg_of(grid: Path) -> float:
    """A grid's file is named by the images that training had seen."""
    return int(grid.stem) / 1000


def job_folders(runs: Path, job: "pd.Series[Any]") -> list[Path]:
    """Where a job's directory may be on this machine."""
    seed = f"seed{job[names.SEED]}-{job[names.IDENTITY]}"
    host, _, sent_from = job[names.FOLDER].partition(":")
    own = runs / job[names.STUDY] / job[names.DATASET] / job[names.VARIANT] / seed
    return [own, Path(sent_from)] if host == socket.gethostname() and sent_from else [own]


def as_rgb(image: np.ndarray) -> np.ndarray:
    """Grey or RGBA as [H, W, 3]."""
    return np.atleast_3d(image)[..., :3] * np.ones(3)


def _job(run: Run) -> dict[str, object]:
    tags = {tag: run.data.tags[tag] for tag in names.TAGS}
    params = {column: _number(run, key, run.data.params.get(key, "nan")) for column, key in PARAMS.items()}
    info = {name: getattr(run.info, name) for name in RUN_INFO}
    also = {tag: run.data.tags.get(tag, "") for tag in ALSO}
    # A run that was begun before metrics had sections has both forms of a key: that with a section is whole.
    stored = sorted(run.data.metrics.items(), key=lambda metric: recorded_name(metric[0]) != metric[0])
    last = {recorded_name(key): float(infinite_again(value)) for key, value in stored}
    constants = {name: _number(run, name, value) for name, value in run.data.tags.items() if is_constant(name)}
    return {**info, **tags, **also, names.SEED: _seed(run), **params, **last, **constants}


def _seed(run: Run) -> int:
    text = run.data.tags[names.SEED]
    if not (text.isascii() and text.isdecimal()):
        raise _odd(run, names.SEED, text, "a whole number from 0 on")
    return int(text)


def _number(run: Run, key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _odd(run, key, text, "a number") from None


def _odd(run: Run, key: str, text: str, expected: str) -> ReportError:
    return ReportError(
        f"{key} of MLflow's run {run.info.run_id} ({run.info.run_name}) is {text!r}, {expected} was expected: mend it "
        "there, or delete the run and send it anew by `python -m experiments.sync`"
    )

"""Which modes the samples of a run's last evaluation show, from the job's directory or MLflow."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from analysis.load import job_folders
from experiments import names


def load_mode_counts(client: MlflowClient, runs: Path, job: "pd.Series[Any]") -> np.ndarray | None:
    """Samples per mode, int [M], of a row of `load.load_jobs`; None if no sound file of them is found.

    It is looked for where `load.load_grids` looks for samples.
    """
    for folder in job_folders(runs, job):
        if (folder / names.MODES_ARTIFACT).exists():
            return read_mode_counts(folder / names.MODES_ARTIFACT)
    with TemporaryDirectory() as here:
        try:
            return read_mode_counts(Path(client.download_artifacts(job["run_id"], names.MODES_ARTIFACT, here)))
        except (MlflowException, OSError):  # the run has none, or the store was moved away from its artifacts
            return None


def read_mode_counts(path: Path) -> np.ndarray | None:
    """What r3gan wrote; None if that is not what stands there."""
    try:
        return np.array(json.loads(path.read_bytes())["counts"], dtype=int)
    except (OSError, ValueError, KeyError, TypeError):
        return None

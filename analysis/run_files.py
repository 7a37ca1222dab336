"""Files of single runs, from the job's directory or from MLflow."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from matplotlib.image import imread
from mlflow.exceptions import MlflowException

from analysis.load import as_rgb, download, job_folders

T = TypeVar("T")


def read_run_file(runs: Path, job: "pd.Series[Any]", name: str, read: Callable[[Path], T | None]) -> T | None:
    """What `read` makes of a file of a row of `load.load_jobs`; None if there is none, or none that can be read.

    It is looked for where `load.load_grids` looks for samples.
    """
    for folder in job_folders(runs, job):
        if (folder / name).exists():
            return read(folder / name)
    with TemporaryDirectory() as here:
        try:
            return read(download(job, name, here))
        except (MlflowException, OSError):  # the run has none, or the store was moved away from its artifacts
            return None


def load_picture(runs: Path, job: "pd.Series[Any]", name: str) -> np.ndarray | None:
    """A picture of that name, [H, W, 3] in 0..1."""
    return read_run_file(runs, job, name, read_picture)


def read_picture(path: Path) -> np.ndarray | None:
    """None for a file that is no picture."""
    try:
        return as_rgb(imread(path))
    except (OSError, ValueError, SyntaxError):  # of a damaged PNG
        return None

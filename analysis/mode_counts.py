"""Which modes the samples of a run's last evaluation show, from the job's directory or MLflow."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.run_files import read_run_file
from experiments import names


def load_mode_counts(runs: Path, job: "pd.Series[Any]") -> np.ndarray | None:
    """Samples per mode, int [M], of a row of `load.load_jobs`; None if no sound file of them is found."""
    return read_run_file(runs, job, names.MODES_ARTIFACT, read_mode_counts)


def read_mode_counts(path: Path) -> np.ndarray | None:
    """What r3gan wrote; None if that is not what stands there."""
    try:
        return np.array(json.loads(path.read_bytes())["counts"], dtype=int)
    except (OSError, ValueError, KeyError, TypeError):
        return None

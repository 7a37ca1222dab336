"""What figures are made of beside numbers: files of single runs, loaded when they are drawn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

LoadGrids = Callable[["pd.Series[Any]", int], Mapping[float, np.ndarray]]  # run, at most -> grids by kimg
LoadModeCounts = Callable[["pd.Series[Any]"], np.ndarray | None]  # run -> samples per mode, [M]
LoadPicture = Callable[["pd.Series[Any]", str], np.ndarray | None]  # run, file -> [H, W, 3] in 0..1


@dataclass(frozen=True)
class Artifacts:
    """How they are loaded for a row of the runs: see `load.load_grids`, `mode_counts.load_mode_counts` and
    `run_files.load_picture`."""

    grids: LoadGrids
    mode_counts: LoadModeCounts
    picture: LoadPicture

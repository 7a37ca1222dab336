"""What runs cost, from what they recorded while they trained."""

import numpy as np
import pandas as pd

from experiments import names

SPEED, MEMORY = "images_per_second", "memory_gib"  # of training so far; the most so far
KEYS = (SPEED, MEMORY)
SECONDS_PER_HOUR = 3600.0


def costs_of(jobs: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """One row per run, indexed by run_id: kimg, seconds, device_hours, shared_hours, outside_hours, images_per_second,
    peak_gib and device.

    jobs: rows of `load.load_jobs`; points: their histories of KEYS. Seconds are of training alone, without evaluations,
    up to the last point, and of what counts: what was lost between a checkpoint and a crash is not in them. A device
    is a GPU, or on a CPU a process. Of device_hours, shared_hours were trained by another one of these runs, and
    outside_hours by one that is not among them. Memory is the most at any point: a job that went on in a new process
    counts anew. NaN (device: empty) where nothing was recorded.
    """
    found = jobs.set_index("run_id")[[names.RANKS, names.INHERITED_SECONDS, names.INHERITED_FROM]]
    last = points[points["metric"] == SPEED].sort_values("kimg").groupby("run_id", observed=True).last()
    peaks = points[points["metric"] == MEMORY].groupby("run_id", observed=True)["value"].max()
    speed = last["value"].astype(float).reindex(found.index)
    kimg = last["kimg"].astype(float).reindex(found.index)
    seconds = 1000 * kimg / speed
    ranks = pd.to_numeric(found[names.RANKS], errors="coerce")
    inherited = pd.to_numeric(found[names.INHERITED_SECONDS], errors="coerce").fillna(0.0)
    is_outside = ~found[names.INHERITED_FROM].isin(["", *jobs[names.IDENTITY]])  # older runs do not say from where
    return pd.DataFrame(
        {
            "kimg": kimg,
            "seconds": seconds,
            "device_hours": seconds * ranks / SECONDS_PER_HOUR,
            "shared_hours": inherited.mask(is_outside, 0.0) * ranks / SECONDS_PER_HOUR,
            "outside_hours": inherited.where(is_outside, 0.0) * ranks / SECONDS_PER_HOUR,
            SPEED: speed,
            "peak_gib": peaks.astype(float).reindex(found.index),
            "device": devices_of(jobs),
        }
    )


def devices_of(jobs: pd.DataFrame) -> np.ndarray:
    """A GPU's name, a processor's for a CPU; empty if unknown."""
    on_cpu = jobs[names.DEVICE] == "cpu"
    return np.where(on_cpu & (jobs[names.PROCESSOR] != ""), "CPU: " + jobs[names.PROCESSOR], jobs[names.DEVICE])


def seconds_at(points: np.ndarray, speeds: np.ndarray, kimg: float) -> float:
    """Seconds of training until so many kimg, between the points of SPEED of one run; NaN without any.

    points: their kimg, in order. The seconds at a point are 1000 kimg / speed, from 0 at the beginning.
    """
    if not len(points):
        return float("nan")
    return float(np.interp(kimg, [0.0, *points], [0.0, *(1000 * points / speeds)]))

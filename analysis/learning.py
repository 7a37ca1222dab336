"""The learning curves of the runs of a comparison, in one number each."""

import numpy as np
import pandas as pd

from analysis.comparison import Comparison
from analysis.costs import SECONDS_PER_HOUR, SPEED, seconds_at
from analysis.statistics.learning import best_of, first_sign, kimg_to, mean_level
from experiments import names
from r3gan.evaluation.protocol import BEST
from r3gan.tables.metrics import Better

LOSS = "loss_d"  # where training goes wrong, it shows here first
BEST_KIMG = "best_kimg"
Curve = tuple[np.ndarray, np.ndarray]  # kimg, in order, and values
NOTHING: Curve = (np.empty(0), np.empty(0))


def target_of(comparison: Comparison) -> float:
    """The median of the baseline's last values, of all its seeds; NaN without any."""
    every = comparison.every.get(names.BASELINE, pd.Series(dtype=float))
    return float(every.median()) if len(every) else float("nan")


def learning_of(comparison: Comparison, points: pd.DataFrame, progress: pd.DataFrame) -> pd.DataFrame:
    """One row per run that is compared, in order of variant and seed; of the primary metric, which there has to be.

    Columns: profile, dataset, variant, seed, collapsed, mean_level, kimg_to_target, hours_to_target (device-hours;
    infinite like kimg if it is never reached), first_sign_kimg, best, best_kimg, last, remeasured, remeasured_kimg (the
    weights that `evaluation.keep_best` kept, on latents that the choice has not seen; NaN if none were). points and
    progress: see `reported.Reported`.
    """
    metric, target = comparison.primary, target_of(comparison)
    assert metric is not None
    better: Better = metric.better or "lower"
    curves, losses = by_run(points, metric.key), by_run(progress, LOSS)
    speeds = by_run(progress, SPEED)
    order = {variant: i for i, variant in enumerate(comparison.variants)}
    rows = []
    for _, run in comparison.runs.iterrows():
        kimg, values = curves.get(run["run_id"], NOTHING)
        best, best_kimg = best_of(kimg, values, better)
        reached = kimg_to(target, kimg, values, better)
        rows.append(
            {
                **{key: run[key] for key in (names.PROFILE, names.DATASET, names.VARIANT, names.SEED, "collapsed")},
                "mean_level": mean_level(kimg, values),
                "kimg_to_target": reached,
                "hours_to_target": _hours(reached, speeds.get(run["run_id"], NOTHING), run[names.RANKS]),
                "first_sign_kimg": first_sign(*losses.get(run["run_id"], NOTHING)),
                "best": best,
                "best_kimg": best_kimg,
                "last": run[metric.key],
                "remeasured": run.get(f"{BEST}{metric.key}", np.nan),
                "remeasured_kimg": run.get(BEST_KIMG, np.nan),
            }
        )
    return pd.DataFrame(rows).sort_values(
        [names.VARIANT, names.SEED],
        key=lambda column: column.map(order) if column.name == names.VARIANT else column,
        ignore_index=True,
    )


def by_run(points: pd.DataFrame, key: str) -> dict[str, Curve]:
    """The points of one metric, by run_id."""
    own = points.loc[points["metric"] == key, ["run_id", "kimg", "value"]].sort_values("kimg", kind="stable")
    kimg, values = own["kimg"].to_numpy(), own["value"].to_numpy()
    places = own.reset_index(drop=True).groupby("run_id", observed=True).indices
    return {str(run_id): (kimg[rows], values[rows]) for run_id, rows in places.items()}


def _hours(kimg: float, speeds: Curve, ranks: str) -> float:
    if not np.isfinite(kimg):
        return kimg
    return seconds_at(*speeds, kimg) * float(ranks) / SECONDS_PER_HOUR if ranks else np.nan

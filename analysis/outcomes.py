"""What has become of every job of a comparison. Nothing is left out: a job that gave no number is an outcome too."""

import pandas as pd

from analysis.selection import GROUP, UNFINISHED
from analysis.statistics.collapse_rates import Outcome
from experiments import names

JOB = [names.VARIANT, names.SEED]
BY_TAG: dict[str, Outcome] = {"diverged": "diverged", "failed": "failed"}  # of names.OUTCOME
BY_STATUS: dict[str, Outcome] = {"FAILED": "failed"}  # of a run without that tag, from an earlier version


def outcomes_of(group: pd.DataFrame, left_out: pd.DataFrame) -> pd.DataFrame:
    """Variant, seed and outcome of every job of one profile and dataset.

    group: its runs that are compared, with a column `collapsed`; left_out: rows that the selection left out, of any
    group. A job that was tried more than once without an end counts by its newest try.
    """
    done = group[JOB].assign(outcome=group["collapsed"].map({True: "collapsed", False: "well"}))
    same = (left_out[GROUP] == group[GROUP].iloc[0]).all(axis=1) & (left_out["reason"] == UNFINISHED)
    tries = left_out[same].sort_values("start_time").drop_duplicates(JOB, keep="last")
    missing = tries[JOB].assign(outcome=[_outcome(*row) for row in tries[[names.OUTCOME, "status"]].to_numpy()])
    missing = missing[~missing.set_index(JOB).index.isin(done.set_index(JOB).index)]
    return pd.concat([done, missing]).sort_values(JOB, ignore_index=True)


def _outcome(tag: str, status: str) -> Outcome:
    return BY_TAG.get(tag, "unfinished") if tag else BY_STATUS.get(status, "unfinished")

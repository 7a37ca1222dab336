"""What has become of every job of a comparison. Nothing is left out: a job that gave no number is an outcome too."""

from enum import StrEnum

import pandas as pd

from analysis.selection import GROUP, UNFINISHED
from experiments import names

KEYS = [names.VARIANT, names.SEED]


class Outcome(StrEnum):
    """How a job ended, as far as a comparison is concerned."""

    FINISHED = "finished"
    COLLAPSED = "collapsed"  # finished, and fell by the study's own rule
    DIVERGED = "diverged"  # stopped on a number that is not finite
    FAILED = "failed"
    UNFINISHED = "unfinished"


BY_TAG = {"diverged": Outcome.DIVERGED, "failed": Outcome.FAILED}


def outcomes(group: pd.DataFrame, left_out: pd.DataFrame, collapsed: pd.Series) -> pd.Series:
    """The Outcome of every job of one profile and dataset, by (variant, seed).

    group: its runs that are compared; left_out: rows that the selection left out, of any group; collapsed: bool by
    (variant, seed). A job that was tried more than once without an end counts by its newest try.
    """
    done = group.set_index(KEYS).index
    found = pd.Series(Outcome.FINISHED, index=done, dtype=object)
    found[collapsed.reindex(done, fill_value=False).to_numpy(dtype=bool)] = Outcome.COLLAPSED
    same = (left_out[GROUP] == group[GROUP].iloc[0]).all(axis=1) & (left_out["reason"] == UNFINISHED)
    tries = left_out[same].sort_values("start_time").drop_duplicates(KEYS, keep="last").set_index(KEYS)
    missing = tries[names.OUTCOME].map(lambda tag: BY_TAG.get(tag, Outcome.UNFINISHED)).astype(object)
    return pd.concat([found, missing[~missing.index.isin(done)]]).sort_index()

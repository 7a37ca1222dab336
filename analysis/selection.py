"""Which runs may be compared with each other, and why the others were left out.

Runs are compared within one profile and one dataset, under one baseline (the COMPARISON tag), one configuration per
variant and one run per seed; where there are several, the newest by start time.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from analysis.errors import NothingFinished, ReportError
from experiments import names
from experiments.palette import in_order

GROUP = [names.PROFILE, names.DATASET]
FINISHED = "FINISHED"  # MLflow's status of a run that came to its end

SOURCES_APART = ", sources "  # between a profile and the sources that have trained a part of its runs

UNFINISHED = "unfinished"
SUPERSEDED = "attempt at a job that another run finished"
OLDER_COMPARISON = "other baseline than the newest"
OLDER_CONFIGURATION = "other configuration of the variant than the newest"
REPEATED = "repetition of a newer run"


@dataclass(frozen=True)
class Selection:
    """Rows of the jobs: those compared, and those left out with a column `reason`."""

    compared: pd.DataFrame
    left_out: pd.DataFrame
    absent: list[str]  # identities asked for that have no run in MLflow

    @property
    def unfinished(self) -> int:
        """Jobs that belong to the comparison but have no finished run."""
        unfinished = self.left_out["reason"] == UNFINISHED
        return int(self.left_out.loc[unfinished, names.IDENTITY].nunique()) + len(self.absent)

    @property
    def set_aside(self) -> pd.Series:
        """For each run left out for any other reason, that reason."""
        return self.left_out.loc[self.left_out["reason"] != UNFINISHED, "reason"]


def select(jobs: pd.DataFrame, identities: Collection[str] | None = None) -> Selection:
    """Split the jobs, or only those with these identities, into what may be compared and what is left out.

    Raises NothingFinished if no run has, and ReportError if runs to be compared were evaluated with different
    sample counts.
    """
    absent: list[str] = []
    if identities is not None:
        absent = sorted(set(identities) - set(jobs[names.IDENTITY]))
        jobs = jobs[jobs[names.IDENTITY].isin(identities)]
    jobs = jobs.sort_values(["start_time", "run_id"]).assign(reason="")
    finished = jobs["status"] == FINISHED
    if not finished.any():
        raise NothingFinished(f"of {len(jobs)} runs found, none has finished: there is nothing to compare yet")
    elsewhere = jobs[names.IDENTITY].isin(jobs.loc[finished, names.IDENTITY])
    jobs.loc[~finished, "reason"] = UNFINISHED
    jobs.loc[~finished & elsewhere, "reason"] = SUPERSEDED

    keep_newest(jobs, GROUP, names.COMPARISON, OLDER_COMPARISON)
    keep_newest(jobs, [*GROUP, names.VARIANT], names.CONFIGURATION, OLDER_CONFIGURATION)
    keep_newest(jobs, [*GROUP, names.VARIANT, names.SEED], "run_id", REPEATED)
    mark_abandoned(jobs)
    jobs = apart_by_sources(jobs)

    kept = jobs["reason"] == ""
    compared = jobs[kept].drop(columns="reason")
    require_one_sample_count(compared)
    return Selection(compared, jobs[~kept], absent)


def keep_newest(jobs: pd.DataFrame, within: list[str], column: str, reason: str) -> None:
    """Give `reason` to the rows still without one whose `column` is not the newest row's in their group.

    jobs: sorted by start time; changed in place.
    """
    candidates = jobs[jobs["reason"] == ""]
    newest = candidates.groupby(within)[column].transform("last")
    jobs.loc[candidates.index[candidates[column] != newest], "reason"] = reason


def apart_by_sources(jobs: pd.DataFrame) -> pd.DataFrame:
    """Runs to be compared that other versions of the sources have trained belong to other profiles, so to speak.

    Only where there are several versions within a group; runs that recorded none count as one. Unfinished jobs of such
    a group go with the finished runs of their sources; those that recorded none stay as they are, counted alone.
    """
    if names.SOURCES not in jobs:
        return jobs
    kept = jobs["reason"] == ""
    versions = jobs[kept].groupby(GROUP)[names.SOURCES].nunique()
    several = pd.MultiIndex.from_frame(jobs[GROUP]).isin(versions.index[versions > 1])
    unfinished = (jobs["reason"] == UNFINISHED) & (jobs[names.SOURCES] != "")
    apart = jobs[names.PROFILE] + SOURCES_APART + jobs[names.SOURCES].replace("", "unknown")
    return jobs.assign(**{names.PROFILE: jobs[names.PROFILE].mask(several & (kept | unfinished), apart)})


def mark_abandoned(jobs: pd.DataFrame) -> None:
    """Unfinished runs under a baseline that has since been replaced are not missing from the comparison: say so."""
    compared = jobs[jobs["reason"] == ""].groupby(GROUP).last()
    for row in jobs[jobs["reason"] == UNFINISHED].itertuples():
        group = (getattr(row, names.PROFILE), getattr(row, names.DATASET))
        if group not in compared.index:
            continue
        newest = compared.loc[group]
        if getattr(row, names.COMPARISON) != newest[names.COMPARISON] and row.start_time < newest["start_time"]:
            jobs.loc[row.Index, "reason"] = OLDER_COMPARISON


def require_one_sample_count(compared: pd.DataFrame) -> None:
    """Raise ReportError if a group mixes numbers of evaluation samples: all three metrics depend on them."""
    for (profile, dataset), group in compared.groupby(GROUP):
        counts = group.groupby("evaluation_samples", dropna=False)[names.VARIANT].unique()
        if len(counts) > 1:
            found = "; ".join(
                f"{'an unknown number' if math.isnan(count) else f'{count:g}'} in {', '.join(variants)}"
                for count, variants in counts.items()
            )
            raise ReportError(
                f"{dataset} (profile {profile}) was evaluated with different evaluation.samples ({found}): "
                "metrics of different sample counts cannot be compared"
            )


def variant_order(jobs: pd.DataFrame) -> list[str]:
    """All variants, the baseline first, the others by their first run: adding one leaves the others' colours alone."""
    return in_order(jobs.groupby(names.VARIANT)["start_time"].min().to_dict())

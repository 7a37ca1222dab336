"""Provisional."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import t, trim_mean

from analysis.statistics.interval import *


@dataclass(frozen=True, kw_only=True)
class Average:
    value: float
    interval: Interval
    count: int
    sd: float
    note: str


def mean_interval(v, ceiling):
    v = np.asarray(v, float)
    v = v[~np.isnan(v)]
    n = len(v)
    if n < 2:
        return Average(value=float(v.mean()) if n else math.nan, interval=NO_INTERVAL, count=n, sd=math.nan, note="x")
    s = v.std(ddof=1)
    h = t.ppf(0.975, n - 1) * s / n**0.5
    m = v.mean()
    return Average(value=float(m), interval=Interval(m - h, m + h), count=n, sd=float(s), note="")


def median(v):
    v = np.asarray(v, float)
    return Average(
        value=float(np.median(v)) if len(v) else math.nan, interval=NO_INTERVAL, count=len(v), sd=math.nan, note=""
    )


def interquartile_mean(v):
    return Average(
        value=float(trim_mean(v, 0.25)) if len(v) else math.nan,
        interval=NO_INTERVAL,
        count=len(v),
        sd=math.nan,
        note="",
    )

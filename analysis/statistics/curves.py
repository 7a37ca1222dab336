"""Curves over training, over the seeds of a variant."""

import pandas as pd


def over_seeds(points: pd.DataFrame) -> pd.DataFrame:
    """Mean, low and high (the range) over seeds at each kimg: columns variant, kimg, mean, low, high.

    points: rows of variant, kimg, value, one metric. A kimg that some seeds of the variant lack is left out, or the
    line would jump where the set of seeds changes.
    """
    grouped = points.groupby(["variant", "kimg"], sort=True)["value"]
    curves = grouped.agg(mean="mean", low="min", high="max", seeds="count").reset_index()
    complete = curves["seeds"] == curves.groupby("variant")["seeds"].transform("max")
    return curves[complete].drop(columns="seeds").reset_index(drop=True)

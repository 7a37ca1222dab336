"""Curves over training, over the seeds of a variant."""

import pandas as pd

LEAST_FOR_QUARTILES = 5  # seeds; quartiles of fewer say no more than the range does


def over_seeds(points: pd.DataFrame) -> pd.DataFrame:
    """Median and band over seeds at each kimg: columns variant, kimg, middle, low, high, seeds (how many).

    The band goes from the 25th to the 75th percentile (linear interpolation) from LEAST_FOR_QUARTILES seeds on, with
    fewer from the lowest to the highest value. points: rows of variant, kimg, value, one metric. A kimg that some
    seeds of the variant lack is left out, or the line would jump where the set of seeds changes.
    """
    grouped = points.groupby(["variant", "kimg"], sort=True)["value"]
    curves = grouped.agg(middle="median", low="min", high="max", seeds="count").reset_index()
    many = (curves["seeds"] >= LEAST_FOR_QUARTILES).to_numpy()
    for column, share in (("low", 0.25), ("high", 0.75)):
        curves.loc[many, column] = grouped.quantile(share).to_numpy()[many]
    complete = curves["seeds"] == curves.groupby("variant")["seeds"].transform("max")
    return curves[complete].reset_index(drop=True)

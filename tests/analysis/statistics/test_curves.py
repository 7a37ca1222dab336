"""Curves over seeds, by hand."""

import pandas as pd

from analysis.statistics.curves import over_seeds


def test_curves_are_mean_and_range_where_all_seeds_have_a_point() -> None:
    rows = [("a", 1.0, 10.0), ("a", 1.0, 30.0), ("a", 2.0, 5.0), ("b", 1.0, 7.0), ("b", 2.0, 8.0)]
    curves = over_seeds(pd.DataFrame(rows, columns=["variant", "kimg", "value"]))
    assert curves.to_numpy().tolist() == [
        ["a", 1.0, 20.0, 10.0, 30.0],
        ["b", 1.0, 7.0, 7.0, 7.0],
        ["b", 2.0, 8.0, 8.0, 8.0],
    ]

"""Curves over seeds, by hand."""

import pandas as pd

from analysis.statistics.curves import over_seeds


def test_few_seeds_have_median_and_range_where_all_of_them_have_a_point() -> None:
    rows = [("a", 1.0, 10.0), ("a", 1.0, 30.0), ("a", 2.0, 5.0), ("b", 1.0, 7.0), ("b", 2.0, 8.0)]
    curves = over_seeds(pd.DataFrame(rows, columns=["variant", "kimg", "value"]))
    assert curves.to_numpy().tolist() == [
        ["a", 1.0, 20.0, 10.0, 30.0, 2],
        ["b", 1.0, 7.0, 7.0, 7.0, 1],
        ["b", 2.0, 8.0, 8.0, 8.0, 1],
    ]


def test_five_seeds_have_median_and_quartiles() -> None:
    rows = [("a", 1.0, value) for value in (1.0, 2.0, 3.0, 4.0, 100.0)]
    rows += [("b", 1.0, value) for value in (1.0, 2.0, 3.0, 100.0)]
    curves = over_seeds(pd.DataFrame(rows, columns=["variant", "kimg", "value"]))
    assert curves[["middle", "low", "high"]].to_numpy().tolist() == [[3.0, 2.0, 4.0], [2.5, 1.0, 100.0]]

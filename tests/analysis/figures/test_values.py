"""Values of single seeds: points, crosses and pairs."""

import numpy as np
import pandas as pd
import pytest

from analysis.figures.outlying import in_two_lines
from analysis.figures.style import ONE_COLUMN, TWO_COLUMNS, looks
from analysis.figures.values import draw_pairs, draw_values
from tests.analysis.figures.metric import METRIC
from tests.analysis.figures.touching import unreadable

LONG = "attention-and-no-r2-with-{}-heads"


def values(collapsed: tuple[tuple[str, int], ...] = (), **by_variant: list[float]) -> pd.DataFrame:
    """Rows of seeds 0, 1, 2 ..."""
    rows = [(v, s, x, (v, s) in collapsed) for v, those in by_variant.items() for s, x in enumerate(those)]
    return pd.DataFrame(rows, columns=["variant", "seed", "value", "collapsed"])


def test_every_seed_is_a_point_in_its_variants_row_and_the_bar_is_the_median() -> None:
    rows = values(a=[1.0, 2.0, 4.0], b=[3.0, 3.5])
    (ax,) = draw_values([(METRIC["modes"], rows)], looks(["a", "b"])).axes
    assert [list(line.get_xdata()) for line in ax.lines if line.get_marker() in "os"] == [[1.0, 2.0, 4.0], [3.0, 3.5]]
    heights = [np.round(line.get_ydata()).tolist() for line in ax.lines if line.get_marker() in "os"]
    assert heights == [[0, 0, 0], [1, 1]]
    bars = [line.get_xdata()[0] for line in ax.lines if line.get_linewidth() == 1.6]
    assert bars == [2.0, 3.25]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]


def test_collapsed_seeds_are_crosses_outside_the_median_and_far_ones_stand_at_the_edge_with_their_value() -> None:
    rows = values((("a", 3), ("a", 2)), a=[980.0, 990.0, 975.0, 102.0])
    (ax,) = draw_values([(METRIC["modes"], rows)], looks(["a"])).axes
    assert 102 < ax.get_xlim()[0] < 975
    crosses = [line.get_xdata() for line in ax.lines if line.get_marker() == "X"]
    assert [list(xs) for xs in crosses] == [[975.0], [0.04]]
    assert [text.get_text() for text in ax.texts] == ["102"]
    assert [line.get_xdata()[0] for line in ax.lines if line.get_linewidth() == 1.6] == [985.0]


def test_values_at_an_edge_are_two_lines_at_most() -> None:
    assert in_two_lines(pd.Series([681.0, 162.0])) == "162\n681"
    assert in_two_lines(pd.Series([1.62, 4.0, 3.0])) == "1.62 to\n4 (3)"


def test_a_line_joins_the_two_values_of_each_seed_that_both_have() -> None:
    rows = values(a=[1.0, 2.0], b=[3.0, 4.0, 5.0])
    (ax,) = draw_pairs([(METRIC["modes"], rows)], looks(["a", "b"]), "a").axes
    (joined,) = [line.get_ydata() for line in ax.lines if line.get_marker() == "None"]
    np.testing.assert_array_equal(joined, [1.0, 3.0, np.nan, 2.0, 4.0, np.nan])  # a gap after each seed
    assert [label.get_text() for label in ax.get_xticklabels()] == ["b"]


@pytest.mark.parametrize("width", [ONE_COLUMN, TWO_COLUMNS])
@pytest.mark.parametrize(("variants", "seeds", "name"), [(2, 1, "v{}"), (4, 2, LONG), (8, 2, LONG), (8, 10, "v{}")])
def test_nothing_is_unreadable(width: float, variants: int, seeds: int, name: str) -> None:
    names = ["baseline", *(name.format(i) for i in range(1, variants))]
    draws = np.random.default_rng(0).normal(985, 5, (variants, seeds))
    rows = values(tuple((v, 0) for v in names[1:]), **dict(zip(names, draws.tolist(), strict=True)))
    rows.loc[rows["collapsed"], "value"] = 102.0
    shown = [(METRIC[key], rows) for key in ("modes", "d_kl", "frechet_distance_digits")]
    assert unreadable(draw_values(shown, looks(names), width)) == []
    assert unreadable(draw_pairs(shown, looks(names), "baseline", width)) == []


@pytest.mark.parametrize("width", [ONE_COLUMN, TWO_COLUMNS])
def test_thirty_long_names_below_pairs_do_not_touch(width: float) -> None:
    names = ["baseline", *(LONG.format(i) for i in range(1, 30))]
    rows = values(**{name: [1.0 + i, 2.0] for i, name in enumerate(names)})
    assert unreadable(draw_pairs([(METRIC["d_kl"], rows)], looks(names), "baseline", width)) == []

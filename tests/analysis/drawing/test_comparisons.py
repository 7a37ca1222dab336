"""Figures made from a comparison: differences, power, effects, costs; and what is said where one cannot be drawn."""

import numpy as np
import pandas as pd
import pytest

from analysis.comparison import Comparison, least_shown, shown_differences
from analysis.drawing.artifacts import Artifacts
from analysis.drawing.costs import cost_rows, costs_of, draw_costs, on_front
from analysis.drawing.designs import cell_rows, draw_design, effect_rows
from analysis.drawing.differences import difference_rows, draw_differences, power_rows, seed_counts
from analysis.drawing.drawn import Drawn, Omitted
from analysis.drawing.study import draw_all
from analysis.figures.style import TWO_COLUMNS
from experiments.design import CollapseRule, Design
from tests.analysis.studies import compared, points_of, runs_of

BASE, WORSE, SAME = [0.30, 0.34, 0.38], [0.80, 0.84, 0.88], [0.31, 0.36, 0.33]
INCLUDES = {"baseline": [], "a": [], "b": [], "ab": ["a", "b"]}
TWO_BY_TWO = Design(primary="d_kl", includes=INCLUDES, pure=["ab"])
CELLS = {"baseline": BASE, "a": SAME, "b": WORSE, "ab": [value + 0.1 for value in WORSE]}
VARIANTS = list(CELLS)


def study(values: dict[str, list[float]], **columns: object) -> Comparison:
    (found,) = compared(runs_of({"d_kl": values}, design=TWO_BY_TWO, **columns))
    return found


def omitted(figures: list) -> dict[str, str]:
    """The reason by kind."""
    return {f.name.removeprefix("digits-laptop-"): f.reason for f in figures if isinstance(f, Omitted)}


def test_the_forest_shows_simultaneous_intervals_and_the_conclusion_of_the_report() -> None:
    found = study({"baseline": BASE, "a": SAME, "b": WORSE})
    assert found.primary is not None
    rows = difference_rows(found, found.primary, 2).set_index("label")
    assert rows["conclusion"].tolist() == [
        f"no difference shown; {least_shown(found, 'a', 2):.3f} would have been",
        "worse (p < 0.001)",
    ]
    b = found.cells["b", "d_kl"].difference
    assert b is not None
    assert tuple(rows.loc["b", ["simultaneous_low", "simultaneous_high"]]) == (b.simultaneous.low, b.simultaneous.high)
    assert rows.loc["b", "simultaneous_low"] < rows.loc["b", "low"]


def test_where_every_seed_of_the_variants_collapsed_nothing_is_compared_and_the_report_goes_on() -> None:
    runs = runs_of(
        {"d_kl": {"baseline": BASE, "a": WORSE}}, design=Design(primary="d_kl", collapse=CollapseRule(worse_than=0.5))
    )
    (found,) = compared(runs, points=points_of(runs, "d_kl"))
    assert found.rates["a"].counts["collapsed"] == len(WORSE)
    figures = draw_differences(found, found.variants, shown_differences([found]))
    assert omitted(figures)["differences"]


def test_the_power_curve_has_a_ring_at_what_the_seeds_show() -> None:
    found = study({"baseline": BASE, "a": SAME})
    assert found.primary is not None
    rows = pd.DataFrame(power_rows(found, found.primary, 1))
    ring = rows[rows["is_here"]]
    assert ring["seeds"].tolist() == [3]
    assert ring["difference"].tolist() == [least_shown(found, "a", 1)]
    curve = rows[~rows["is_here"]].set_index("seeds")["difference"]
    assert curve.index.tolist() == list(range(2, 21))
    assert curve[3] == pytest.approx(ring["difference"].iloc[0])
    assert curve.is_monotonic_decreasing


def test_cells_and_effects_of_a_design() -> None:
    found = study(CELLS)
    assert found.design is not None
    assert found.primary is not None
    cells = cell_rows(found, found.design, found.primary).set_index(["first", "second"])["estimate"]
    assert cells.to_dict() == {
        (on_a, on_b): pytest.approx(np.mean(CELLS[name]))
        for (on_a, on_b), name in zip(
            [(False, False), (False, True), (True, False), (True, True)], ["baseline", "b", "a", "ab"], strict=True
        )
    }
    rows = effect_rows(found)
    assert rows["label"].tolist() == ["main effect of a", "main effect of b", "interaction of a and b"]
    assert rows["estimate"].tolist() == [effect.value for effect in found.effects]


def test_costs_are_medians_and_ranges_in_units_that_suit_them() -> None:
    group = runs_of({"d_kl": {"baseline": BASE, "a": SAME}}, ranks="2", memory_gib=1.5)
    group = group.assign(images_per_second=[100.0, 300.0, 200.0, 50.0, 60.0, 70.0])
    rows = cost_rows(group, ["baseline", "a"])
    assert list(rows) == ["images per second", "device-minutes per seed", "peak memory (GiB)"]
    assert rows["images per second"].to_numpy().tolist() == [["baseline", 200, 100, 300], ["a", 60, 50, 70]]
    assert rows["device-minutes per seed"]["value"].tolist() == pytest.approx([3.5, 2 * 21000 / 60 / 60])
    slow = group.assign(images_per_second=5.0)
    assert costs_of(slow)["device-hours per seed"].iloc[0] == pytest.approx(2 * 21000 / 5 / 3600)
    assert list(cost_rows(group.assign(ranks=""), ["baseline", "a"])) == ["images per second", "peak memory (GiB)"]


def test_the_front_holds_what_nothing_beats_in_both() -> None:
    rows = pd.DataFrame({"cost": [1.0, 2.0, 2.0, 3.0], "quality": [5.0, 4.0, 4.5, 4.0]})
    assert on_front(rows, "lower") == [True, True, False, False]
    assert on_front(rows, "higher") == [True, False, False, False]
    assert on_front(pd.DataFrame({"cost": [1.0, 1.0], "quality": [2.0, 2.0]}), "lower") == [True, True]


def test_what_one_seed_allows_is_drawn_and_the_rest_said() -> None:
    found = study({variant: values[:1] for variant, values in CELLS.items()})
    figures = [*draw_differences(found, VARIANTS, 3), *draw_design(found)]
    said = omitted(figures)
    assert said == {
        "power": "it needs two seeds with different values of the baseline and of a variant",
        "effects": "no effect has an interval",
    }
    drawn = [figure for figure in figures if isinstance(figure, Drawn)]
    assert [figure.name for figure in drawn] == ["digits-laptop-differences", "digits-laptop-interaction"]
    assert all(figure.draw(TWO_COLUMNS).axes for figure in drawn)


def test_one_variant_has_no_comparison_and_that_is_said() -> None:
    found = study({"baseline": BASE}, images_per_second=100.0, ranks="1")
    figures = draw_all(
        [found],
        VARIANTS,
        points_of(found.runs, "d_kl"),
        Artifacts(lambda *_: {}, lambda _: None, lambda *_: None),
    )
    assert omitted(figures) == {
        "differences": "no variant has a seed to compare with one of the baseline",
        "power": "it needs two seeds with different values of the baseline and of a variant",
        "pairs": "the baseline and another variant are needed",
        "effects": "the variants form no factorial design",
        "interaction": "the variants form no factorial design",
        "losses": "no points of it were recorded",
        "penalties": "no points of it were recorded",
        "schedules": "no points of it were recorded",
        "costs": "there is one variant alone",
        "front": "there is one variant alone",
        "modes": "no modes were counted",
        "samples": "no samples were found",
        "progress": "no run has samples of two times",
        "neighbours": "no run has kept neighbours.png, which older ones did not",
        "interpolation": "no run has kept interpolation.png, which older ones did not",
    }


def test_a_design_of_three_factors_has_effects_and_no_interaction_of_two() -> None:
    includes = {"baseline": [], "a": [], "b": [], "c": []}
    includes |= {"ab": ["a", "b"], "ac": ["a", "c"], "bc": ["b", "c"], "abc": ["a", "b", "c"]}
    design = Design(primary="d_kl", includes=includes, pure=["ab", "ac", "bc", "abc"])
    values = {variant: [i + v for v in BASE] for i, variant in enumerate(includes)}
    (found,) = compared(runs_of({"d_kl": values}, design=design))
    assert omitted(draw_design(found)) == {"interaction": "it is drawn of two factors, here are 3"}


def test_costs_without_a_primary_metric_have_no_front() -> None:
    runs = runs_of({"loss_d": {"baseline": BASE, "a": SAME}}, images_per_second=100.0, ranks="1", memory_gib=1.0)
    (found,) = compared(runs)
    assert omitted(draw_costs(found, ["baseline", "a"])) == {
        "front": "nothing was measured that is better in one direction"
    }


def test_the_power_curve_of_many_seeds_has_few_points_and_reaches_its_end() -> None:
    assert seed_counts(20) == list(range(2, 21))
    counts = seed_counts(500)
    assert counts[:39] == list(range(2, 41))
    assert counts[-1] == 500
    assert len(counts) < 60

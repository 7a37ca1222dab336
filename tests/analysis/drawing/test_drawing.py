"""Which figures are drawn, from what, and what their captions say."""

import pickle

import numpy as np
import pandas as pd

from analysis.drawing.artifacts import Artifacts
from analysis.drawing.curves import curve_panels, lines_caption
from analysis.drawing.drawn import Drawn, Omitted
from analysis.drawing.samples import draw_progress, sample_grids
from analysis.drawing.schedules import draw_schedules, shared_labels
from analysis.drawing.study import draw_all
from analysis.drawing.values import last_values
from analysis.figures.style import ONE_COLUMN, TWO_COLUMNS
from analysis.metrics import shown_columns
from experiments.design import Design
from tests.analysis.studies import compared, points_of, runs_of


def runs(seeds: int = 2, collapsed: tuple[str, ...] = (), **columns: float) -> pd.DataFrame:
    """Runs baseline/0, baseline/1 ... and attention/0 ..., one row each."""
    rows = [
        {"run_id": f"{v}{s}", "dataset": "digits", "profile": "quick", "variant": v, "seed": s, **columns}
        for v in ("baseline", "attention")
        for s in range(seeds)
    ]
    return pd.DataFrame(rows).assign(collapsed=lambda table: table["run_id"].isin(collapsed))


def points(group: pd.DataFrame, metric: str, **values: list[float]) -> pd.DataFrame:
    """The same points at 1, 2 ... kimg for all runs of a variant."""
    rows = [
        (row["run_id"], metric, k + 1.0, value)
        for _, row in group.iterrows()
        for k, value in enumerate(values[row["variant"]])
    ]
    return pd.DataFrame(rows, columns=["run_id", "metric", "kimg", "value"])


def test_collapsed_seeds_are_lines_of_their_own_and_in_no_band() -> None:
    group = runs(collapsed=("attention1",), d_kl=1.0)
    table = points(group, "d_kl", baseline=[1.0, 2.0], attention=[3.0, 4.0])
    (panel,) = curve_panels(shown_columns(["d_kl"]), group, table)
    assert panel.single[["variant", "seed", "value"]].to_numpy().tolist() == [
        ["attention", 1, 3.0],
        ["attention", 1, 4.0],
    ]
    assert panel.bands.groupby("variant")["seeds"].max().to_dict() == {"attention": 1, "baseline": 2}
    assert "did not collapse" in lines_caption([panel], group)
    assert "attention/1" in lines_caption([panel], group)


def test_a_caption_says_which_band_is_drawn() -> None:
    for seeds, words in (
        (2, "median and range of the seeds."),
        (5, "median and middle half (25th to 75th percentile)"),
    ):
        group = runs(seeds, d_kl=1.0)
        panels = curve_panels(shown_columns(["d_kl"]), group, points(group, "d_kl", baseline=[1.0], attention=[2.0]))
        assert words in lines_caption(panels, group)
    group = runs(5, collapsed=("attention1",), d_kl=1.0)
    panels = curve_panels(shown_columns(["d_kl"]), group, points(group, "d_kl", baseline=[1.0], attention=[2.0]))
    caption = lines_caption(panels, group)
    assert "middle half (25th to 75th percentile) or range (with fewer than 5 seeds) of the seeds that did" in caption


def test_equal_schedules_are_one_line_and_constant_ones_a_sentence() -> None:
    group = runs(lr=0.1, gamma=30.0)
    same = points(group, "lr", baseline=[2.0, 1.0], attention=[2.0, 1.0])
    table = pd.concat([same, points(group, "gamma", baseline=[30.0, 30.0], attention=[30.0, 30.0])])
    (drawn,) = draw_schedules(group, ["baseline", "attention"], table)
    assert isinstance(drawn, Drawn)
    assert drawn.caption.endswith("The same constant in all runs: γ 30.")
    assert len(drawn.draw(TWO_COLUMNS).axes) == 1, "the other one is constant"
    panels = curve_panels(shown_columns(["lr"], "schedules"), group, same)
    assert shared_labels(panels, ["baseline", "attention"]) == {"baseline": "all variants"}
    other = points(group, "lr", baseline=[2.0, 1.0], attention=[2.0, 1.5])
    panels = curve_panels(shown_columns(["lr"], "schedules"), group, other)
    assert shared_labels(panels, ["baseline", "attention"]) == {"baseline": "baseline", "attention": "attention"}


def test_schedules_that_are_all_constant_give_no_figure() -> None:
    group = runs(gamma=30.0)
    table = points(group, "gamma", baseline=[30.0], attention=[30.0])
    (omitted,) = draw_schedules(group, ["baseline", "attention"], table)
    assert omitted == Omitted("digits-quick-schedules", "all are the same constant in all runs: γ 30")
    assert (
        omitted.markdown("figures")
        == "Not drawn: digits-quick-schedules, all are the same constant in all runs: γ 30.\n"
    )


def test_the_last_values_of_a_metric_that_some_runs_lack() -> None:
    group = runs(d_kl=1.0).assign(modes=[1.0, np.nan, np.nan, 4.0])
    found = {metric.key: rows for metric, rows in last_values(group)}
    assert found["modes"][["variant", "seed", "value"]].to_numpy().tolist() == [
        ["baseline", 0, 1.0],
        ["attention", 1, 4.0],
    ]
    assert len(found["d_kl"]) == 4


def test_only_the_first_seeds_grids_are_loaded() -> None:
    rows = [(variant, seed, f"{variant}{seed}") for variant in "ab" for seed in (7, 3, 5)]
    table = pd.DataFrame(rows, columns=["variant", "seed", "run_id"])
    grids = sample_grids(table, lambda row, at_most: {24.0: np.array(row["run_id"])} if at_most == 1 else {})
    assert {key: str(grid) for key, grid in grids.items()} == {
        ("a", 3): "a3", ("a", 5): "a5", ("b", 3): "b3", ("b", 5): "b5",
    }  # fmt: skip


def test_one_grid_is_no_figure_over_training() -> None:
    group, grid = runs(), np.zeros((16, 16, 3))
    one = draw_progress(group, ["baseline", "attention"], lambda *_: {1.0: grid})
    assert one == Omitted("digits-quick-progress", "no run has samples of two times")
    drawn = draw_progress(group, ["baseline", "attention"], lambda *_: {1.0: grid, 2.0: grid})
    assert isinstance(drawn, Drawn)
    assert "seed 0" in drawn.caption


def test_figures_come_in_the_order_of_the_report() -> None:
    values = {"baseline": [0.3, 0.4], "a": [0.4, 0.5], "b": [0.5, 0.7], "ab": [0.6, 0.7]}
    design = Design(primary="d_kl", includes={"baseline": [], "a": [], "b": [], "ab": ["a", "b"]}, pure=["ab"])
    costs = {"images_per_second": 100.0, "memory_gib": 1.0, "ranks": "1"}
    measured = dict.fromkeys(("d_kl", "loss_d", "r1", "lr"), values) | {"modes": {v: [900.0, 910.0] for v in values}}
    (found,) = compared(runs_of(measured, design=design, **costs))
    table = points_of(found.runs, "d_kl", "loss_d", "r1", "lr")
    grids = {6.0: np.zeros((16, 16, 3)), 24.0: np.zeros((16, 16, 3))}
    artifacts = Artifacts(
        lambda _, n: dict(list(grids.items())[-n:]), lambda _: np.arange(1000) - 99, lambda *_: np.zeros((48, 48, 3))
    )
    figures = draw_all([found], list(values), table, artifacts)
    kinds = [
        "differences", "power", "values", "pairs", "effects", "interaction", "quality", "losses", "penalties",
        "schedules", "costs", "front", "modes", "samples", "progress",
        "neighbours", "interpolation",
    ]  # fmt: skip
    assert [figure.name for figure in figures] == [f"digits-laptop-{kind}" for kind in kinds]
    for figure in figures:
        assert isinstance(figure, Drawn)
        assert pickle.loads(pickle.dumps(figure.draw))(ONE_COLUMN).axes, "other processes draw it as well"

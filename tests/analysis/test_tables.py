"""The tables of results: their numbers, and how they read."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from analysis import tables
from analysis.metrics import shown_columns
from analysis.sections.results import primary_notes
from analysis.statistics.interval import NO_INTERVAL, Interval
from experiments import names
from experiments.design import Design
from tests.analysis.studies import compared, points_of, runs_of, unfinished

KL = {"baseline": [0.30, 0.34, 0.38], "worse": [0.80, 0.84, 0.88], "same": [0.31, 0.36, 0.33]}
MODES = {"baseline": [990.0, 988, 986], "worse": [950.0, 940, 945], "same": [989.0, 990, 986]}


def cells_of(table: str, row: int) -> list[str]:
    """The cells of a row of a Markdown table, 0 the first below the rule."""
    return [cell.strip() for cell in table.splitlines()[row + 2].split("|")[1:-1]]


def test_summary_has_every_number_of_the_tables() -> None:
    (found,) = compared(runs_of({"d_kl": KL, "modes": MODES}))
    summary = tables.summarise([found]).set_index(names.VARIANT)
    assert summary.index.tolist() == ["baseline", "worse", "same"]
    row, cell = summary.loc["worse"], found.cells["worse", "d_kl"]
    assert cell.difference is not None
    assert (row["seeds"], row["primary"], row["well"], row["collapsed"]) == (3, "d_kl", 3, 0)
    assert row["d_kl_mean"] == pytest.approx(0.84)
    assert row["d_kl_sd"] == pytest.approx(0.04)
    assert row["d_kl_difference"] == pytest.approx(0.5)
    assert row["d_kl_difference_simultaneous_low"] == cell.difference.simultaneous.low
    assert row["d_kl_difference_p_holm"] == cell.difference.p_holm
    assert row["d_kl_difference_method"] == "Welch"
    assert math.isnan(row["modes_difference_p_holm"]), "secondary"
    assert math.isnan(summary.loc["baseline", "d_kl_difference"])


def test_what_survives_the_correction_is_bold_in_the_primary_metric_alone() -> None:
    (found,) = compared(runs_of({"d_kl": KL, "modes": MODES}))
    primary = tables.primary_markdown(found)
    assert cells_of(primary, 1)[3].startswith("**+0.500 [")
    assert cells_of(primary, 2)[3].startswith("−0.007 [") or cells_of(primary, 2)[3].startswith("+")
    assert primary.count("**") == 2
    secondary = tables.secondary_markdown(found)
    assert "**" not in secondary, "45 modes less, and yet not concluded from"
    assert cells_of(secondary, 1)[2].startswith("−43.0 [")
    assert tables.secondary_markdown(compared(runs_of({"d_kl": KL}))[0]) == ""


def test_jobs_that_gave_no_number_stand_beside_those_that_did() -> None:
    runs = runs_of({"d_kl": KL})
    lost = [unfinished(runs, "same", 3, "diverged"), unfinished(runs, "same", 4, "failed")]
    points = points_of(runs, "d_kl", earlier={"digits-worse-0": 0.2, "digits-worse-1": 0.84})
    (found,) = compared(runs, left_out=lost, points=points)
    row = cells_of(tables.primary_markdown(found), 2)
    assert row[1] == "3 of 5"
    assert row[-1].startswith("1 of 4 [1%, 81%]; 1 diverged; 1 failed")
    assert cells_of(tables.primary_markdown(found), 1)[1] == "2 of 3", "one collapsed"


def test_a_metric_that_a_variant_lacks_is_a_dash() -> None:
    runs = runs_of({"d_kl": KL, "modes": MODES})
    runs.loc[runs[names.VARIANT] == "same", "modes"] = math.nan
    (found,) = compared(runs)
    assert cells_of(tables.secondary_markdown(found), 2) == ["same", "–", "–"]


@pytest.mark.parametrize(
    ("value", "interval", "text"),
    [
        (912.04, Interval(873.98, 950.1), "912.0 [874.0, 950.1]"),
        (-1.25, NO_INTERVAL, "−1.2"),
        (math.nan, NO_INTERVAL, "–"),
    ],
)
def test_averages_read(value: float, interval: Interval, text: str) -> None:
    average = replace(compared(runs_of({"d_kl": KL}))[0].cells["same", "d_kl"].mean, value=value, interval=interval)
    assert tables.format_average(average, ".1f") == text


@pytest.mark.parametrize(
    ("p", "text"), [(0.5, "p = 0.5"), (0.0123, "p = 0.012"), (0.0004, "p < 0.001"), (math.nan, "p = –")]
)
def test_p_reads(p: float, text: str) -> None:
    assert tables.p_is(p) == text


def test_the_terminals_table_has_value_difference_and_collapses() -> None:
    (table,) = tables.results_terminal(compared(runs_of({"d_kl": KL, "modes": MODES})))
    columns = {str(column.header): list(column.cells) for column in table.columns}
    assert columns["Variant"] == ["baseline", "worse", "same"]
    value, difference = str(columns["D_KL ↓ (nats)"][1]).splitlines()
    assert value == "0.840"
    assert difference.startswith("[bold]Δ +0.500 ± ")
    assert str(columns["Modes ↑ (of 1000)"][1]).splitlines()[1].startswith("[dim]Δ −43.0 ± ")
    assert columns["Collapsed"] == ["0", "0", "0"]


def test_protocol_names_samples_weights_floor_and_classifier() -> None:
    (found,) = compared(runs_of({"d_kl": KL}, d_kl_floor=0.1036, classifier_test_accuracy=0.9861))
    note = tables.protocol_note(found)
    for part in ("5,000 samples of the EMA generator", "floor of D_KL", "0.104", "98.61%", "21 kimg"):
        assert part in note
    plain = tables.protocol_note(compared(runs_of({"d_kl": KL}))[0])
    assert "floor" not in plain
    assert "classifier" not in plain


def test_headings_say_direction_and_unit() -> None:
    assert shown_columns(["modes"])[0].heading == "Modes ↑ (of 1000)"
    assert "↓" in shown_columns(["d_kl"])[0].heading


def test_numbers_of_different_protocols_never_share_a_column() -> None:
    columns = [
        "fid50k",
        "run_id",
        "fid10k",
        "fid10k_raw",
        "best_fid10k",
        "is50k",
        "is50k_std",
        "fd_dinov2_50k",
        "modes_raw",
    ]
    assert {metric.key: metric.heading for metric in shown_columns(columns)} == {
        "modes_raw": "Modes raw ↑ (of 1000)",
        "best_fid10k": "best FID 10k ↓",
        "fid10k": "FID 10k ↓",
        "fid10k_raw": "FID 10k raw ↓",
        "fid50k": "FID 50k ↓",
        "is50k": "Inception score 50k ↑",
        "fd_dinov2_50k": "Fréchet distance 50k ↓ (DINOv2)",
    }
    floors = [metric.floor for metric in shown_columns(["d_kl", "d_kl_raw", "best_d_kl"])]
    assert sorted(floors) == ["", "d_kl_floor", "d_kl_floor_raw"]
    runs = pd.concat([runs_of({"fid50k": {"baseline": [1.0, 2.0]}}), runs_of({"fid10k": {"a": [1.0, 2.0]}})])
    (found,) = compared(runs.reset_index(drop=True))
    assert {metric.key for metric in found.metrics} == {"fid50k", "fid10k"}
    assert found.cells["a", "fid50k"].mean.count == 0


def test_a_finished_run_without_a_number_is_counted_out_and_named() -> None:
    nan = float("nan")
    values = {"baseline": [0.3, 0.4, nan], "a": [0.3, -math.inf, 0.4, 9.0]}
    runs = runs_of({"d_kl": values})
    points = points_of(runs, "d_kl", earlier={"digits-a-3": 0.4, "digits-baseline-2": 0.5})
    (found,) = compared(runs, points=points)
    table = tables.primary_markdown(found)
    assert [cells_of(table, row)[1] for row in (0, 1)] == ["2 of 3", "2 of 4"]
    said = "\n".join(primary_notes(found))
    assert "Finished without a finite D_KL at the end, and in no mean: baseline/2, a/1. " in said
    assert "a/3" not in said, "it collapsed, which is said elsewhere"
    (sound,) = compared(runs_of({"d_kl": KL}))
    assert "Finished without" not in "\n".join(primary_notes(sound))


def test_an_infinitely_good_value_does_not_end_the_factorial_design() -> None:
    design = Design(primary="d_kl", includes={"baseline": [], "a": [], "b": [], "ab": ["a", "b"]}, pure=["ab"])
    values = {"baseline": [0.3, 0.4], "a": [0.3, 0.5], "b": [0.4, 0.5], "ab": [0.5, 0.6, -math.inf]}
    (found,) = compared(runs_of({"d_kl": values}, design=design))
    assert [effect.value for effect in found.effects] == pytest.approx([0.075, 0.125, 0.05])

"""The table of results: its numbers, and how they read."""

import math

import pandas as pd
import pytest

from analysis import tables
from analysis.metrics import shown_columns
from analysis.statistics.estimates import Estimate
from experiments import names

(MODES,) = shown_columns(["modes"])


def compared(**columns: list[float]) -> pd.DataFrame:
    """Baseline with seeds 0, 1 and attention with seeds 0, 1, 2, plus the given metrics in that order."""
    return pd.DataFrame(
        {names.PROFILE: "laptop", names.DATASET: "digits", names.VARIANT: ["baseline"] * 2 + ["attention"] * 3}
        | {names.SEED: [0, 1, 0, 1, 2], "evaluation_samples": 5000.0, "total_kimg": 21.0, **columns}
    )


def test_summary_has_plain_numbers() -> None:
    """Attention: mean of 10, 14, 18; differences 10 - 8 and 14 - 10, mean 3, half width 12.7062 * sqrt(2) / sqrt(2)."""
    summary = tables.summarise(compared(modes=[8.0, 10.0, 10.0, 14.0, 18.0]), ["baseline", "attention", "absent"])
    assert summary[names.VARIANT].tolist() == ["baseline", "attention"]
    assert summary["seeds"].tolist() == [2, 3]
    baseline, attention = summary.iloc[0], summary.iloc[1]
    assert (attention["modes_mean"], attention["modes_count"]) == (14.0, 3)
    assert attention["modes_half_width"] == pytest.approx(4 * 4.302653 / math.sqrt(3), rel=1e-6)
    assert (attention["modes_difference_mean"], attention["modes_difference_count"]) == (3.0, 2)
    assert attention["modes_difference_half_width"] == pytest.approx(12.7062, rel=1e-5)
    assert math.isnan(baseline["modes_difference_mean"])
    assert baseline["modes_difference_count"] == 0


def test_a_metric_that_a_row_lacks_is_a_dash_and_one_that_all_lack_is_not_shown() -> None:
    rows = compared(modes=[8.0, 10.0, 10.0, 14.0, 18.0], d_kl=[1.0, 2.0, *[math.nan] * 3])
    lines = tables.results_markdown(tables.summarise(rows, ["baseline", "attention"])).splitlines()
    assert "Fréchet" not in lines[0]
    assert [cell.strip() for cell in lines[3].split("|")[1:-1]] == [
        "digits", "attention", "3", "14.0 ± 9.9", "+3.0 [−9.7, +15.7] (n = 2)", "–", "–",
    ]  # fmt: skip


def test_differences_that_exclude_zero_are_bold() -> None:
    summary = tables.summarise(compared(modes=[8.0, 10.0, 108.0, 110.2, 0.0]), ["baseline", "attention"])
    assert "**+100.1 [+98.8, +101.4] (n = 2)**" in tables.results_markdown(summary)


def test_without_a_baseline_there_are_no_differences() -> None:
    rows = compared(modes=[1.0, 2.0, 3.0, 4.0, 5.0]).iloc[2:]
    summary = tables.summarise(rows, ["baseline", "attention"])
    assert summary["modes_mean"].tolist() == [4.0]
    assert summary["modes_difference_count"].tolist() == [0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Estimate(912.04, 38.06, 3), "912.0 ± 38.1"),
        (Estimate(912.04, math.nan, 1), "912.0 (n = 1)"),
        (Estimate(math.nan, math.nan, 0), "–"),
    ],
)
def test_format_value(value: Estimate, text: str) -> None:
    assert tables.format_value(value, ".1f", seeds=3) == text


def test_format_difference_of_one_seed_has_no_interval() -> None:
    assert tables.format_difference(Estimate(-1.5, math.nan, 1), ".1f", seeds=1) == "−1.5"


def test_profiles_get_a_column_only_if_there_are_several() -> None:
    rows = compared(modes=[1.0, 2.0, 3.0, 4.0, 5.0])
    one = tables.results_markdown(tables.summarise(rows, ["baseline", "attention"]))
    both = pd.concat([rows, rows.assign(profile="gpu")])
    two = tables.results_markdown(tables.summarise(both, ["baseline", "attention"]))
    assert "Profile" not in one
    assert two.startswith("| Profile")
    assert two.count("laptop") == two.count("gpu") == 2


def test_markdown_cells_cannot_break_the_table() -> None:
    assert tables.markdown_table(["A", "B"], [["a|b", "c"]]) == "| A    | B |\n|------|---|\n| a\\|b | c |\n"


def test_protocol_names_samples_weights_floor_and_classifier() -> None:
    rows = compared(d_kl=[1.0] * 5, d_kl_floor=[0.1036] * 5, classifier_test_accuracy=[0.9861] * 5)
    (note,) = tables.protocol_notes(tables.summarise(rows, ["baseline", "attention"]))
    for part in ("5,000 samples of the EMA generator", "floor of D_KL", "0.104", "98.61%", "21 kimg"):
        assert part in note
    plain = tables.protocol_notes(tables.summarise(compared(), ["baseline", "attention"]))[0]
    assert "floor" not in plain
    assert "classifier" not in plain


def test_headings_say_direction_and_unit() -> None:
    assert MODES.heading == "Modes ↑ (of 1000)"
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
    rows = compared(fid50k=[1.0, 2.0, math.nan, math.nan, math.nan], fid10k=[math.nan, math.nan, 1.0, 2.0, 3.0])
    header = tables.results_markdown(tables.summarise(rows, ["baseline", "attention"])).splitlines()[0]
    assert "FID 10k ↓" in header
    assert "FID 50k ↓" in header

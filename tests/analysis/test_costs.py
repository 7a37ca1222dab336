import math

import numpy as np
import pandas as pd
import pytest

from analysis.costs import costs_of, seconds_at
from analysis.sections.cost import cost_parts
from analysis.selection import Selection
from experiments import names
from tests.analysis.studies import compared, runs_of, unfinished

RUNS = runs_of({"d_kl": {"baseline": [0.3, 0.4], "a": [0.5, 0.6]}})


def recorded(**speeds: list[tuple[float, float]]) -> pd.DataFrame:
    """kimg and images per second by run ("a_0": of digits-a-0), with 1 GiB at the first point and 3, 2 later."""
    rows = []
    for run, points in speeds.items():
        run_id = f"digits-{run.replace('_', '-')}"
        for i, (kimg, speed) in enumerate(points):
            rows += [(run_id, "images_per_second", kimg, speed), (run_id, "memory_gib", kimg, [1.0, 3.0, 2.0][i])]
    return pd.DataFrame(rows, columns=["run_id", "metric", "kimg", "value"])


def test_costs_are_those_of_the_last_point_times_the_ranks() -> None:
    """24 kimg at 500 images per second are 48 seconds; with two ranks 96 / 3600 device-hours."""
    runs = RUNS.assign(**{names.RANKS: ["2", "", "1", "1"], names.PROCESSOR: "chip"})
    costs = costs_of(runs, recorded(baseline_0=[(12.0, 300.0), (24.0, 500.0), (18.0, 1.0)], baseline_1=[(36.0, 100.0)]))
    first = costs.loc["digits-baseline-0"]
    assert (first["kimg"], first["seconds"], first["peak_gib"]) == (24.0, 48.0, 3.0)
    assert first["device_hours"] == pytest.approx(96 / 3600)
    assert first["device"] == "CPU: chip"
    second = costs.loc["digits-baseline-1"]
    assert second["seconds"] == 360.0
    assert math.isnan(second["device_hours"]), "its ranks are unknown"
    assert costs.loc[["digits-a-0", "digits-a-1"], "seconds"].isna().all()


def test_seconds_are_interpolated_from_the_beginning_on() -> None:
    """10 kimg at 100 images per second are 100 s, 20 kimg at 50 are 400 s: 250 s half-way between, 50 s at 5 kimg."""
    points, speeds = np.array([10.0, 20.0]), np.array([100.0, 50.0])
    found = [seconds_at(points, speeds, kimg) for kimg in (0.0, 5.0, 10.0, 15.0, 20.0)]
    assert found == [0.0, 50.0, 100.0, 250.0, 400.0]
    assert math.isnan(seconds_at(points[:0], speeds[:0], 5.0))


def section(runs: pd.DataFrame, points: pd.DataFrame) -> str:
    lost = unfinished(runs, "a", 2, "failed")
    selection = Selection(runs, lost, [])
    costs = costs_of(pd.concat([runs, lost]), points)
    return "\n".join(cost_parts(compared(runs, left_out=[lost]), selection, costs))


def test_the_section_has_every_variant_and_the_total_of_all_runs_compared_or_not() -> None:
    """Baseline: 36 s and 72 s; a: 360 s; a job that failed: 180 s, all on one rank: 648 s are 0.18 hours."""
    points = recorded(baseline_0=[(36.0, 1000.0)], baseline_1=[(36.0, 500.0)], a_0=[(36.0, 100.0)])
    failed = pd.DataFrame([("a-2-failed", "images_per_second", 18.0, 100.0)], columns=list(points))
    text = section(RUNS, pd.concat([points, failed]))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    assert rows[2] == ["baseline", "2", "36", "750 (500 to 1,000)", "0.015", "0.03", "1.00"]
    assert rows[3] == ["a", "2", "36", "100", "0.1", "0.1 (1 unknown)", "1.00"]
    assert "In all 0.18 device-hours over 5 runs, 0.05 of them in 1 run that is not compared; " in text
    assert "of 1 run nothing is known. Devices: cpu (5 runs)." in text
    assert "different devices" not in text


def test_different_devices_are_said() -> None:
    points = recorded(baseline_0=[(36.0, 1000.0)], a_0=[(36.0, 100.0)])
    mixed = RUNS.assign(**{names.DEVICE: ["cpu", "cpu", "GPU X", "GPU X"]})
    assert "were on different devices, whose speeds and hours do not compare: cpu (2 runs); GPU X (2 runs)" in section(
        mixed, points
    )


def test_without_any_speed_nothing_is_made_up() -> None:
    assert "No run has recorded its speed." in section(RUNS, recorded())


def test_what_another_run_has_trained_counts_once_in_the_total() -> None:
    """The baselines cost 36 s and 72 s; a/0 360 s, 180 s of which a baseline has spent: 288 s are 0.08 hours."""
    runs = RUNS.assign(**{names.INHERITED_SECONDS: ["", "", "180.0", ""]})
    points = recorded(baseline_0=[(36.0, 1000.0)], baseline_1=[(36.0, 500.0)], a_0=[(36.0, 100.0)])
    text = section(runs, points)
    assert "In all 0.08 device-hours over 5 runs (0.05 more of theirs were trained by others of them, " in text
    assert costs_of(runs, points).loc["digits-a-0", "device_hours"] == pytest.approx(0.1), "as if it had been alone"
    known = runs.assign(**{names.INHERITED_FROM: ["", "", runs[names.IDENTITY].iloc[0], ""]})
    assert section(known, points) == text


def test_what_a_run_outside_of_the_report_has_trained_stays_in_the_total_and_is_said() -> None:
    """36 s, 72 s and 360 s are 0.13 hours, 180 s of which a shorter training has spent that is not in the report."""
    origin = {names.INHERITED_SECONDS: ["", "", "180.0", ""], names.INHERITED_FROM: ["", "", "shorter", ""]}
    points = recorded(baseline_0=[(36.0, 1000.0)], baseline_1=[(36.0, 500.0)], a_0=[(36.0, 100.0)])
    text = section(RUNS.assign(**origin), points)
    assert "In all 0.13 device-hours over 5 runs (0.05 of them were trained by runs that are not in this" in text
    assert "by others of them" not in text

"""Comparisons: which seeds count where, and how differences are corrected for each other."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

from analysis.comparison import shown_differences
from experiments.design import Design
from tests.analysis.studies import compared, points_of, runs_of, unfinished

BASE = [0.30, 0.34, 0.38, 0.35, 0.33]
KL = {"baseline": BASE, "a": [0.31, 4.0, 0.36, 0.33, 0.35], "b": [0.45, 0.49, 0.47, 0.50, 0.44]}
INCLUDES = {"baseline": [], "a": [], "b": [], "ab": ["a", "b"]}


def collapsed_points(runs: pd.DataFrame) -> pd.DataFrame:
    """a/1 was good once."""
    return points_of(runs, "d_kl", earlier={"digits-a-1": 0.4})


def test_means_and_differences_are_of_the_seeds_that_did_not_collapse() -> None:
    runs = runs_of({"d_kl": KL})
    (found,) = compared(runs, points=collapsed_points(runs))
    cell = found.cells["a", "d_kl"]
    good = [0.31, 0.36, 0.33, 0.35]
    assert cell.mean.value == pytest.approx(np.mean(good))
    assert cell.mean.count == 4
    assert cell.median.value == pytest.approx(0.35), "of all five"
    assert cell.difference is not None
    assert cell.difference.p == pytest.approx(ttest_ind(good, BASE, equal_var=False).pvalue)
    assert (cell.difference.count, cell.difference.baseline_count) == (4, 5)
    assert cell.difference.better_probability == pytest.approx(
        np.mean([(x < y) + (x == y) / 2 for x in KL["a"] for y in BASE])
    ), "of all seeds"
    assert found.rates["a"].counts["collapsed"] == 1


def test_secondary_metrics_leave_out_the_same_seeds() -> None:
    modes = {"baseline": [990.0] * 5, "a": [985.0, 100.0, 980.0, 981.0, 983.0], "b": [970.0, 971, 969, 975, 968]}
    runs = runs_of({"d_kl": KL, "modes": modes})
    (found,) = compared(runs, points=collapsed_points(runs))
    assert [metric.key for metric in found.metrics] == ["d_kl", "modes"], "the primary one first"
    assert found.cells["a", "modes"].mean.value == pytest.approx(np.mean([985, 980, 981, 983]))


def test_jobs_without_a_number_are_outcomes_and_diverged_ones_are_the_worst_of_all() -> None:
    runs = runs_of({"d_kl": KL})
    lost = [
        unfinished(runs, "b", 5, "diverged"), unfinished(runs, "b", 6, "failed"), unfinished(runs, "b", 7, "stopped"),
        unfinished(runs, "b", 0, "failed"),  # an earlier try of a job that is finished
        unfinished(runs, "b", 5, "failed", start_time=5), unfinished(runs, "c", 0, ""),
    ]  # fmt: skip
    (found,) = compared(runs, left_out=lost, points=collapsed_points(runs))
    assert dict(found.rates["b"].counts) == {"well": 5, "collapsed": 0, "diverged": 1, "failed": 1, "unfinished": 1}
    assert found.rates["b"].rate == pytest.approx(1 / 6)
    assert found.rates["c"].counts["failed"] == 1, "an earlier version told no outcome, but its run failed"
    cell = found.cells["b", "d_kl"]
    assert cell.mean.value == pytest.approx(np.mean(KL["b"]))
    assert cell.median.value == pytest.approx((0.47 + 0.49) / 2), "of six, one of them infinite"
    assert cell.difference is not None
    assert cell.difference.better_probability == 0.0
    assert found.cells["c", "d_kl"].difference is None


def test_p_is_corrected_for_all_that_the_report_compares_in_the_primary_metric_alone() -> None:
    modes = {variant: [round(990.0 - 100 * value) for value in values] for variant, values in KL.items()}
    one = runs_of({"d_kl": KL, "modes": modes})
    two = runs_of({"fid50k": {"baseline": BASE, "b": [0.3, 0.36, 0.37, 0.35, 0.34]}}, dataset="cifar10")
    runs = pd.concat([one, two], ignore_index=True)
    cifar, digits = compared(runs, points=pd.concat([collapsed_points(one), points_of(two, "fid50k")]))
    assert (cifar.dataset, digits.dataset) == ("cifar10", "digits")
    assert shown_differences([cifar, digits]) == 3
    differences = [cifar.cells["b", "fid50k"], digits.cells["a", "d_kl"], digits.cells["b", "d_kl"]]
    p = [cell.difference.p for cell in differences if cell.difference]
    holm = [cell.difference.p_holm for cell in differences if cell.difference]
    assert holm[2] == pytest.approx(3 * p[2]), "the smallest of three"
    assert max(holm) <= 1.0
    secondary = digits.cells["b", "modes"].difference
    assert secondary is not None
    assert math.isnan(secondary.p_holm)


def test_simultaneous_intervals_are_wider_for_more_comparisons() -> None:
    (one,) = compared(runs_of({"d_kl": {"baseline": BASE, "b": KL["b"]}}))
    (many,) = compared(runs_of({"d_kl": {"baseline": BASE, "b": KL["b"], "c": BASE, "d": BASE[::-1]}}))
    first, second = one.cells["b", "d_kl"].difference, many.cells["b", "d_kl"].difference
    assert first is not None
    assert second is not None
    assert first.interval == second.interval
    assert first.interval == first.simultaneous
    assert second.simultaneous.high - second.simultaneous.low > second.interval.high - second.interval.low


def test_a_factorial_design_is_found_by_the_includes_and_leaves_collapsed_seeds_out() -> None:
    """Means 0.34, 0.3375 (without the collapsed one), 0.47 and 0.50."""
    values = KL | {"ab": [0.48, 0.52, 0.50, 0.51, 0.49]}
    runs = runs_of({"d_kl": values}, design=Design(primary="d_kl", includes=INCLUDES, pure=["ab"]))
    (found,) = compared(runs, points=collapsed_points(runs))
    assert found.design is not None
    main_a, main_b, both = (effect.value for effect in found.effects)
    assert main_a == pytest.approx(((0.3375 - 0.34) + (0.50 - 0.47)) / 2)
    assert main_b == pytest.approx(((0.47 - 0.34) + (0.50 - 0.3375)) / 2)
    assert both == pytest.approx((0.50 - 0.47) - (0.3375 - 0.34))
    own = Design(primary="d_kl", includes=INCLUDES, pure=[])
    assert compared(runs_of({"d_kl": values}, design=own))[0].design is None, "ab changes something of its own"


def test_a_study_without_a_baseline_has_values_and_no_differences() -> None:
    (found,) = compared(runs_of({"d_kl": {"a": BASE, "b": KL["b"]}}))
    assert all(cell.difference is None for cell in found.cells.values())
    assert found.cells["b", "d_kl"].mean.value == pytest.approx(0.47)


def test_an_infinite_number_is_no_part_of_a_mean_and_the_worst_of_all_ranks() -> None:
    fid = {"baseline": [3.0, 3.1, 2.9], "a": [2.0, 2.1, math.inf]}
    kl = {variant: [0.3, 0.31, 0.32] for variant in fid}
    (found,) = compared(runs_of({"d_kl": kl, "fid50k": fid}, design=Design(primary="d_kl")))
    cell = found.cells["a", "fid50k"]
    assert (cell.mean.value, cell.mean.count) == (pytest.approx(2.05), 2)
    assert cell.median.value == 2.1
    assert cell.difference is not None
    assert cell.difference.better_probability == pytest.approx(2 / 3)

import math

import pandas as pd
import pytest

from analysis.learning import learning_of, target_of
from analysis.sections.learning import MOST_JOBS, learning_parts
from experiments import names
from tests.analysis.studies import compared, points_of, runs_of

KL = {"baseline": [0.3, 0.4, 0.5], "a": [0.2, 0.9, 0.45]}


def progress_of(runs: pd.DataFrame) -> pd.DataFrame:
    """7 kimg at 70 images per second (100 s), 21 at 70 (300 s); D's loss rises from 1 to 9 at 15 kimg in a/1."""
    rows = []
    for run_id in runs["run_id"]:
        rows += [(run_id, "images_per_second", kimg, 70.0) for kimg in (7.0, 21.0)]
        spike = 9.0 if run_id == "digits-a-1" else 1.0
        rows += [(run_id, "loss_d", kimg, spike if kimg == 15 else 1.0) for kimg in (3.0, 6.0, 9.0, 12.0, 14.0, 15.0)]
    return pd.DataFrame(rows, columns=["run_id", "metric", "kimg", "value"])


def report_on(runs: pd.DataFrame, points: pd.DataFrame | None = None) -> tuple[pd.DataFrame, str]:
    points = points_of(runs, "d_kl", earlier={"digits-a-0": 0.1}) if points is None else points
    (found,) = compared(runs, points=points)
    learning = learning_of(found, points, progress_of(runs))
    return learning, "\n".join(learning_parts([(found, learning)]))


def row(text: str, *first: str) -> list[str]:
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    (found,) = [cells for cells in rows if cells[: len(first)] == list(first)]
    return found


def test_what_each_run_learned() -> None:
    """The target is 0.4. Of a/0: 0.1 at 7 kimg and 0.2 at 21, which is 0.15 on average; 7 kimg take 100 s."""
    learning, _ = report_on(runs_of({"d_kl": KL}))
    assert learning[[names.VARIANT, names.SEED]].to_numpy().tolist() == [
        [variant, seed] for variant in ("baseline", "a") for seed in (0, 1, 2)
    ]
    first = learning.iloc[3]
    assert (first["kimg_to_target"], first["best"], first["best_kimg"], first["last"]) == (7.0, 0.1, 7.0, 0.2)
    assert first["mean_level"] == pytest.approx(0.15)
    assert first["hours_to_target"] == pytest.approx(100 / 3600)
    assert learning["kimg_to_target"].tolist() == [21.0, 21.0, math.inf, 7.0, math.inf, math.inf]
    assert learning["first_sign_kimg"].dropna().to_dict() == {4: 15.0}


def test_the_table_counts_what_never_reaches_the_target_as_later_than_any() -> None:
    _, text = report_on(runs_of({"d_kl": KL}))
    table = text.split("### The bias")[0]
    assert row(table, "baseline")[1:] == ["0.600", "2 of 3", "21", "0.0833", "–"]
    assert row(table, "a")[2:] == ["1 of 3", "not reached", "not reached", "seed 1 at 15 kimg"]
    assert "the median of the baseline's last values, 0.400" in text


def test_best_and_last_stand_side_by_side_and_what_was_not_measured_again_is_not_made_up() -> None:
    _, text = report_on(runs_of({"d_kl": KL}))
    assert row(text, "a", "0") == ["a", "0", "0.100", "7", "0.200", "+0.100", "–", "–"]
    assert "No run kept its best weights" in text
    runs = runs_of({"d_kl": KL}, best_d_kl=0.15, best_kimg=7.0)
    _, text = report_on(runs)
    assert row(text, "a", "0")[-2:] == ["0.150", "7"]
    assert "No run kept" not in text


def test_many_runs_are_shown_by_their_medians() -> None:
    many = {"baseline": [0.4] * MOST_JOBS, "a": [0.3, 0.5]}
    _, text = report_on(runs_of({"d_kl": many}))
    assert row(text, "baseline", "0.400")[:4] == ["baseline", "0.400", "21", "0.400"]
    assert f"Medians of more than {MOST_JOBS} runs; each of them is in learning.csv." in text


def test_without_a_baseline_there_is_no_target() -> None:
    runs = runs_of({"d_kl": {"a": [0.2, 0.3]}})
    learning, text = report_on(runs)
    assert "Without a baseline that ended on a number there is no target." in text
    assert row(text.split("### The bias")[0], "a")[2:5] == ["–", "–", "–"]
    assert math.isnan(target_of(compared(runs)[0]))
    assert len(learning) == 2


def test_without_curves_there_is_no_section() -> None:
    runs = runs_of({"d_kl": KL})
    assert report_on(runs, points_of(runs, "d_kl").iloc[:0])[1] == ""

"""Metrics of points against hand-computed values: modes, D_KL with what is near none, and its floor."""

import math

import pytest
import torch

from r3gan.config import EvaluationConfig
from r3gan.data.digits import StackedDigits
from r3gan.data.errors import DatasetUnavailable
from r3gan.data.load import load_dataset
from r3gan.data.points import draw_points
from r3gan.data.shapes import MODES, NONE, SHAPES, shares
from r3gan.evaluation.evaluator import Evaluator
from r3gan.evaluation.modes import kl_floor, kl_floor_of, kl_to
from r3gan.evaluation.point_modes import NearMode, count_point_modes, score_points
from r3gan.evaluation.protocol import metric_problems, side_problems
from r3gan.evaluation.scores import Reference

CPU = torch.device("cpu")
GRID = SHAPES["25-gaussians"]
REFERENCE = Reference(shares=shares(GRID))


def scores(modes):
    return score_points({"mode": torch.tensor(modes)}, REFERENCE)


def test_samples_near_no_mode_cover_none_and_are_as_far_as_their_rarity_says():
    found = scores([NONE] * 500)
    assert (found["points_modes"], found["points_near"]) == (0, 0)
    assert found["points_d_kl"] == pytest.approx(-math.log(1 - GRID.near_share))


def test_one_mode_of_25_and_all_of_them_by_hand():
    assert scores([7] * 100)["points_d_kl"] == pytest.approx(math.log(25 / GRID.near_share))
    found = scores([*range(MODES), *range(MODES - 1), NONE, NONE])
    assert (found["points_modes"], found["points_near"]) == (25, pytest.approx(49 / 51))
    by_hand = sum(
        n / 51 * math.log(n / 51 / share) for n, share in zip([2] * 24 + [1, 2], shares(GRID).tolist(), strict=True)
    )
    assert found["points_d_kl"] == pytest.approx(by_hand)
    assert count_point_modes({"mode": torch.tensor([3, 3, NONE, 24])}).tolist() == [0, 0, 0, 2, *[0] * 20, 1]


def test_the_floor_is_what_draws_from_the_distribution_itself_show_on_average():
    draws = torch.Generator().manual_seed(0)
    drawn = [torch.multinomial(REFERENCE.shares, 2000, True, generator=draws) for _ in range(300)]
    shown = torch.tensor([kl_to(torch.bincount(each, minlength=26), REFERENCE.shares) for each in drawn])
    floor = kl_floor_of(2000, REFERENCE.shares)
    assert floor == pytest.approx(shown.mean().item(), abs=4 * shown.std().item() / 300**0.5)
    assert floor == pytest.approx(25 / 4000, rel=0.05)  # (M - 1) / 2N
    assert kl_floor_of(500, torch.full((10,), 0.1, dtype=torch.float64)) == pytest.approx(kl_floor(500, 10), rel=1e-6)


@pytest.mark.parametrize("name", SHAPES)
def test_the_sets_own_points_reach_the_floor(name, tmp_path):
    data = load_dataset(name, tmp_path, CPU)
    asked = EvaluationConfig(every_kimg=1.0, samples=10_000, metrics=("points",))
    evaluator = Evaluator(asked, data, tmp_path, CPU)
    found = evaluator.measure(evaluator.features([data.gather(torch.arange(10_000))[0]], ["points"]), ["points"])
    assert found["points_modes"] == 25
    assert found["points_d_kl"] < found["points_d_kl_floor"]  # as many of each mode: nearer than random draws
    assert found["points_near"] == pytest.approx(SHAPES[name].near_share, abs=0.005)
    assert evaluator.mode_counts.sum() == round(found["points_near"] * 10_000)


def test_metrics_of_images_are_not_of_points_nor_the_other_way_round():
    def problems(metric, kind):
        asked = EvaluationConfig(every_kimg=1.0, metrics=(metric,))
        return [problem.message for problem in metric_problems(asked, kind, None)]

    (message,) = problems("fid", "points")
    assert "fid is of images and stacked digits, which these are not: choose points, say" in message
    assert len(problems("points", "images")) == len(problems("points", "stacked digits")) == 1
    assert problems("points", "points") == []
    assert "points counts the modes of a dataset's shape: --dataset names it" in side_problems(["points"], False, True)


def test_other_datasets_have_no_shape(tmp_path):
    digits = load_dataset("stacked-digits", tmp_path, CPU)
    assert isinstance(digits, StackedDigits)
    with pytest.raises(DatasetUnavailable, match="which stacked-digits has not"):
        NearMode(["mode"], digits)
    assert NearMode(["mode"], draw_points("line"))(torch.zeros(3, 2, 1, 1))[0].tolist() == [12, 12, 12]

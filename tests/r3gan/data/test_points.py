"""Points of the plane: as many of each mode, near it as often as its distribution says, and none where none is near."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from r3gan.data.catalog import DATASETS
from r3gan.data.load import load_dataset
from r3gan.data.points import PER_MODE, draw_points
from r3gan.data.shapes import GAP, MODES, NEAR_STD, NONE, RADIUS, SHAPES, STD, centres, mode_of, shares

CPU = torch.device("cpu")
every_shape = pytest.mark.parametrize("name", SHAPES)


@every_shape
def test_a_set_has_as_many_points_of_each_mode_and_is_the_same_whenever_it_is_drawn(name, tmp_path):
    data, again = load_dataset(name, tmp_path, CPU), draw_points(name)
    assert (data.resolution, data.classes, len(data)) == DATASETS[name].facts[:3]
    assert data.label_histogram.tolist() == [PER_MODE] * MODES
    assert data.content_hash == again.content_hash
    assert len({draw_points(other).content_hash for other in SHAPES}) == len(SHAPES)
    images, labels = data.gather(torch.tensor([3, 99_999]))
    assert (images.shape, images.dtype, labels.tolist()) == ((2, 2, 1, 1), torch.float32, [3, 24])
    assert images.abs().max() < 1


@every_shape
def test_every_point_comes_once_per_epoch(name):
    data = draw_points(name)
    order = torch.cat([data.indices(5, "generator", start, 30_000) for start in range(0, 120_000, 30_000)])
    assert order[:100_000].sort().values.equal(torch.arange(100_000))


@every_shape
def test_points_are_near_the_mode_that_they_were_drawn_from_as_often_as_their_distribution_says(name):
    data = draw_points(name)
    found = mode_of(SHAPES[name], data.points)
    near = found != NONE
    assert (found[near] == data.labels[near]).double().mean() > 0.9999  # rounding at the borders of parts
    deviation = math.sqrt(SHAPES[name].near_share * (1 - SHAPES[name].near_share) / len(data))
    assert near.double().mean().item() == pytest.approx(SHAPES[name].near_share, abs=4 * deviation)
    assert shares(SHAPES[name]).sum().item() == pytest.approx(1)


def test_the_distances_of_points_are_distributed_as_they_should_be():
    """Against the library's distributions: those of a grid's points from their centres, of a line's and circle's."""
    grid, line, circle = (draw_points(name) for name in ("25-gaussians", "line", "circle"))
    apart = (grid.points - centres()[grid.labels].float()).norm(dim=1) / STD
    assert stats.kstest(apart.numpy(), stats.rayleigh.cdf).pvalue > 1e-3
    across = (line.points[:, 1] - line.points[:, 0]) / math.sqrt(2) / STD
    assert stats.kstest(across.numpy(), stats.norm.cdf).pvalue > 1e-3
    along = (line.points.sum(1) / 2 / 0.7 + 1) / 2
    assert stats.kstest(along.numpy(), "uniform").pvalue > 1e-3
    radial = (circle.points.norm(dim=1) - RADIUS) / STD
    assert stats.kstest(radial.numpy(), stats.norm.cdf).pvalue > 1e-3
    turn = np.arctan2(*circle.points.flip(1).T.numpy()) / (2 * np.pi) % 1
    assert stats.kstest(turn, "uniform").pvalue > 1e-3


def test_modes_of_points_placed_by_hand():
    far, edge = 2 * NEAR_STD * STD, NEAR_STD * STD
    nan = float("nan")
    grid = torch.tensor([[0, 0], [-2 * GAP, -2 * GAP], [GAP, 0], [GAP + far, 0], [GAP / 2, 0], [nan, 0], [9, 9]])
    assert mode_of(SHAPES["25-gaussians"], grid).tolist() == [12, 0, 13, NONE, NONE, NONE, NONE]
    line = torch.tensor([[-0.7, -0.7], [0.7, 0.7], [0, 0], [0.7 + far, 0.7 + far], [0.3, -0.3], [nan, nan]])
    assert mode_of(SHAPES["line"], line).tolist() == [0, 24, 12, NONE, NONE, NONE]
    circle = torch.tensor([[RADIUS, 0.001], [RADIUS, -0.001], [0, RADIUS], [0, 0], [RADIUS + far, 0], [nan, 1]])
    assert mode_of(SHAPES["circle"], circle).tolist() == [0, 24, 6, NONE, NONE, NONE]
    inside, outside = (torch.tensor([[GAP + factor * edge, 0]]) for factor in (0.99, 1.01))
    assert mode_of(SHAPES["25-gaussians"], torch.cat([inside, outside])).tolist() == [13, NONE]

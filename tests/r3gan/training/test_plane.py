"""A training on points of the plane: the same suite, with the exact form of the penalties, and scatter plots."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from r3gan.__main__ import main
from r3gan.availability import availability_problems
from r3gan.config import NetworkConfig, PenaltyConfig, TrainConfig
from r3gan.config_checks import find_problems
from r3gan.config_json import from_dict
from r3gan.data.points import draw_points
from r3gan.distributed import World
from r3gan.generation.scatter import BACKGROUND, REACH, SIDE, scatter
from r3gan.identity import changes
from r3gan.jobdir import JobDir
from r3gan.model.networks import Discriminator, Generator, initialise
from r3gan.presets import preset_tree
from r3gan.training.batches import Batches
from r3gan.training.penalties import FIRST_ORDER, backward_discriminator, form_in_use
from r3gan.training.penalty_check import awake_copy
from tests.r3gan.small import constant, small_config, small_network, step_options
from tests.r3gan.training.test_train import final_weights, run_inside

PLANE = NetworkConfig(
    widths=(16,), groups=(2,), blocks=(2,), latent_dim=6, base_resolution=1, image_channels=2, kernel=1
)


def plane_config(**changed):
    evaluation = replace(small_config().evaluation, metrics=("points",))
    return small_config(**({"dataset": "circle", "network": PLANE, "evaluation": evaluation} | changed))


def test_the_defaults_are_no_difference_and_give_the_same_bits():
    written = small_network(base_resolution=4, image_channels=3)
    assert not changes(written).keys() & {"base_resolution", "image_channels"}
    networks = [Generator(config) for config in (small_network(), written)]
    for network in networks:
        initialise(network, 0, "generator")
    z = torch.randn(2, 6)
    plain, other = (network(z) for network in networks)
    assert plain.shape == (2, 3, 8, 8)
    assert torch.equal(plain, other)


def test_another_lowest_resolution_is_doubled_by_every_stage():
    network = small_network(base_resolution=3)
    images = Generator(network)(torch.randn(2, 6))
    assert (network.resolutions, tuple(images.shape)) == ((3, 6), (2, 3, 6, 6))
    assert Discriminator(network)(images).shape == (2,)


def test_the_network_of_points_is_a_perceptron_whose_exact_form_is_that_of_double_backward():
    network = Discriminator(PLANE).double()
    initialise(network, 0, "discriminator")
    network = awake_copy(network)
    assert form_in_use(network, PenaltyConfig()) == FIRST_ORDER
    assert all(p[0, 0].numel() == 1 for p in network.parameters() if p.ndim == 4)
    real, fake = torch.randn(2, 5, 2, 1, 1, dtype=torch.float64)
    found = []
    for form in ("first-order", "double"):
        network.zero_grad()
        backward_discriminator(network, real, fake, None, step_options(penalty_form=form))
        found.append([p.grad.clone() for p in network.parameters()])
    for ours, theirs in zip(*found, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-12)


def test_a_training_on_points_counts_modes_plots_them_and_resumes_to_the_same_bits(tmp_path):
    config = plane_config(penalties=PenaltyConfig(finite_difference_sigma=0.1))
    job, finished = run_inside(config, tmp_path / "whole")
    assert finished
    last = job.points()[-1]["metrics"]
    assert {"points_modes", "points_d_kl", "points_d_kl_floor", "points_near"} <= last.keys()
    assert len(list(job.samples.glob("*.png"))) == 2
    assert np.asarray(Image.open(job.sample(160))).shape == (SIDE, SIDE, 3)
    assert not job.neighbours.exists()
    assert not job.interpolation.exists()

    stops = iter([False] * 9 + [True] * 99)
    half, finished = run_inside(config, tmp_path / "half", should_stop=lambda: next(stops))
    assert not finished
    half, finished = run_inside(config, tmp_path / "half")
    assert finished
    for name, tensors in final_weights(job).items():
        for key, tensor in tensors.items():
            assert torch.equal(tensor, final_weights(half)[name][key]), key


def test_points_reach_the_network_as_they_are_and_not_rounded_to_8_bits():
    config, data = plane_config(), draw_points("circle")
    batch = Batches(config, data, World(0, 1, torch.device("cpu"))).get("discriminator", 16)
    rows = data.indices(config.seed, "discriminator", 16, config.batch_size)
    assert torch.equal(batch.real.flatten(1), data.points[rows])


@pytest.mark.parametrize("name", ["line", "circle", "25-gaussians"])
def test_the_preset_is_sound_on_every_set_of_points(name):
    config = from_dict(TrainConfig, preset_tree("plane") | {"dataset": name, "seed": 0})
    assert find_problems(config) + availability_problems(config) == []


def test_what_does_not_apply_to_points_is_refused():
    schedules = replace(small_config().schedules, augment_p=constant(0.5))
    config = plane_config(x_flip=True, schedules=schedules, network=replace(PLANE, base_resolution=4))
    assert {problem.path for problem in find_problems(config)} == {
        ("x_flip",),
        ("schedules", "augment_p"),
        ("network", "base_resolution"),
    }
    for wrong in (replace(PLANE, image_channels=1), replace(PLANE, base_resolution=0)):
        assert len(find_problems(plane_config(network=wrong))) >= 1
    (problem,) = availability_problems(plane_config(network=small_network()))
    assert "there is the preset plane" in problem.message
    (problem, *_) = availability_problems(plane_config(dataset="stacked-digits"))
    assert "stacked-digits has images, of 3 channels" in problem.message


def test_a_scatter_plot_shows_generated_points_above_real_ones_where_they_lie():
    generated = torch.tensor([[0.505 * REACH, -0.505 * REACH], [float("nan"), 0.0]])
    image = scatter(generated, torch.tensor([[-0.495 * REACH, 0.495 * REACH]]))
    drawn = {tuple(place) for place in np.argwhere((image != BACKGROUND).any(2)).tolist()}
    low, high = SIDE // 4, SIDE * 3 // 4  # pixels from 0 to 1/4 and 3/4
    assert drawn == {(high, high), (low, low)}
    red, green, blue = image[high, high].tolist()
    assert red > max(green, blue)
    far = scatter(torch.tensor([[99.0, 99.0]]))
    assert (far[0, -1] != BACKGROUND).any()


def test_commands_plot_and_write_points_or_say_that_they_are_of_images(tmp_path, capsys):
    job, _ = run_inside(plane_config(total_kimg=0.08), tmp_path / "job")
    folder = str(JobDir(job.root).last_checkpoint())
    assert main(["generate", folder, str(tmp_path / "a.png"), "--count", "5000"]) == 0
    assert Image.open(tmp_path / "a.png").size == (SIDE, SIDE)
    assert main(["generate", folder, str(tmp_path / "a.safetensors"), "--count", "7"]) == 0
    assert load_file(tmp_path / "a.safetensors")["images"].shape == (7, 2, 1, 1)
    assert main(["export", folder, str(tmp_path / "b.safetensors")]) == 0
    assert "images [N, 2, 1, 1]" in capsys.readouterr().out
    for command in (["generate", folder, "a.zip"], ["interpolate", folder, "a.gif"], ["explore", folder, "a.html"]):
        assert main([*command[:2], str(tmp_path / command[2])]) == 2
        assert "points of the plane" in capsys.readouterr().err


def test_two_ranks_see_the_batches_of_one():
    config, data = plane_config(), draw_points("circle")
    worlds = [World(rank, size, torch.device("cpu")) for rank, size in ((0, 1), (0, 2), (1, 2))]
    one, *two = (Batches(config, data, world).get("generator", 8) for world in worlds)
    assert torch.equal(one.real, torch.cat([part.real for part in two]))

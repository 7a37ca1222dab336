"""StyleGAN's styles in G: neutral at the start, and each part against another way to compute it."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from r3gan.config import AttentionConfig, StyleConfig, TransformerConfig
from r3gan.config_checks import find_problems
from r3gan.evaluation.sampling import fixed_inputs
from r3gan.generation.inputs import latents_of
from r3gan.identity import changes
from r3gan.model.networks import Generator, initialise
from r3gan.model.style import LR_MULTIPLIER, MappingLayer
from r3gan.snapshot import open_snapshot
from r3gan.streams import stream
from tests.r3gan.small import small_config, small_network
from tests.r3gan.training.test_train import run_inside

EVERYTHING = {"mapping_layers": 2, "modulation": "blocks", "noise": True}
NOISE = 4**2 + 8**2  # numbers of one block at 4x4 and one at 8x8


def made(classes=0, awake=True, **style):
    """A float64 generator at 8x8; awake: all that starts at zero is random."""
    network = small_network(
        conditional=classes > 0, style=StyleConfig(**style), attention=AttentionConfig(resolutions=(4,), heads=1)
    )
    generator = Generator(network, classes).double()
    initialise(generator, 0, "generator")
    for name, parameter in generator.named_parameters():
        if awake and not parameter.any():
            draw = torch.randn(parameter.shape, generator=stream(0, "awake", name))
            parameter.data.copy_(0.5 * draw / max(1, parameter[0].numel()) ** 0.5)
    return generator


def latents(count, generator):
    return torch.randn(count, generator.latent_dim, dtype=torch.float64, generator=stream(1, "latents"))


def test_the_default_is_no_difference_and_has_no_parameters_nor_noise():
    assert "style" not in changes(small_network(style=StyleConfig()))
    assert made().style is None
    assert (made().latent_dim, made(noise=True).latent_dim, made(noise=True).noise_dim) == (6, 6 + NOISE, NOISE)


def test_modulation_and_noise_start_as_the_plain_generator_to_the_bit():
    styled, plain = made(awake=False, modulation="blocks", noise=True), made(awake=False)
    for generator in (styled, plain):  # blocks add nothing yet, whatever their input: let them
        for stage in generator.stages:
            nn.init.ones_(stage.blocks[0].project.weight)
    z = latents(4, styled)
    assert torch.equal(styled(z), plain(z[:, :6]))


@pytest.mark.parametrize("classes", [0, 3])
def test_gradients_of_latents_and_parameters_are_those_of_finite_differences(classes):
    generator = made(classes, **EVERYTHING)
    z, labels = latents(2, generator).requires_grad_(), torch.eye(3, dtype=torch.float64)[:2] if classes else None
    second, crossings = latents(2, generator)[:, :6].flip(0).requires_grad_(), torch.tensor([2, 3])
    assert torch.autograd.gradcheck(generator, (z, labels, second, crossings), fast_mode=True)
    style = dict(generator.style.named_parameters())
    direction = {name: torch.randn(p.shape, dtype=p.dtype, generator=stream(2, name)) for name, p in style.items()}
    sought = torch.randn(2, 3, 8, 8, dtype=torch.float64, generator=stream(3))

    def loss(step):
        moved = {f"style.{name}": p + step * direction[name] for name, p in style.items()}
        return (torch.func.functional_call(generator, moved, (z, labels)) * sought).sum()

    gradients = torch.autograd.grad(loss(0.0), list(style.values()))
    along = sum((g * d).sum() for g, d in zip(gradients, direction.values(), strict=True))
    assert ((loss(1e-5) - loss(-1e-5)) / 2e-5).item() == pytest.approx(along.item(), rel=1e-6)


def test_a_scaled_input_is_a_scaled_weight_as_stylegan2_has_it():
    generator = made(modulation="blocks")
    z = latents(1, generator)
    plain = made()
    plain.load_state_dict({name: t for name, t in generator.state_dict().items() if not name.startswith("style.")})
    for stage, affine in zip(plain.stages, generator.style.scales, strict=True):
        scale = 1 + affine.weight @ z[0]
        stage.blocks[0].expand.weight.data *= scale[:, None, None]
        assert scale.std() > 0.1
    assert torch.allclose(generator(z), plain(z), rtol=1e-10)


def test_noise_is_a_map_for_every_block_times_a_strength_for_every_channel():
    generator = made(noise=True)
    z, seen = latents(2, generator), []
    for stage in generator.stages:
        stage.blocks[0].expand.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    generator(z)
    generator(torch.cat([z[:, :6], torch.zeros(2, NOISE, dtype=torch.float64)], dim=1))
    maps = z[:, 6:22].view(2, 1, 4, 4)
    strength = generator.style.strengths[0]
    assert torch.allclose(seen[0] - seen[2], strength[:, None, None] * maps, atol=1e-12)
    assert not torch.allclose(seen[1], seen[3])
    last = z.clone()
    last[:, 22:] = 0
    generator(last)
    assert torch.equal(seen[4], seen[0])


def test_the_mapping_network_is_a_perceptron_of_which_a_step_of_adam_counts_a_hundredth():
    generator = made(3, mapping_layers=2)
    z, labels = latents(5, generator), torch.eye(3, dtype=torch.float64)[torch.tensor([0, 1, 2, 0, 1])]
    layers = []
    for own in generator.style.mapping:
        layer = nn.Linear(*own.weight.shape[::-1]).double()
        layer.weight.data, layer.bias.data = own.weight.data * LR_MULTIPLIER, own.bias.data * LR_MULTIPLIER
        layers += [layer, nn.LeakyReLU(0.2)]
    expected = nn.Sequential(*layers)(torch.cat([z, generator.embedding(labels)], dim=1))
    assert torch.allclose(generator.code(z, labels), expected)
    assert generator.modulation.weight.shape == (16, 6)

    layer, plain = MappingLayer(64, 64), nn.Linear(64, 64)
    layer.weight.data.copy_(plain.weight.data / LR_MULTIPLIER)
    x, before = torch.randn(32, 64), plain.weight.data.clone()
    for module in (layer, plain):
        torch.nn.functional.leaky_relu(module(x)).sum().backward()
        torch.optim.Adam(module.parameters(), lr=1e-3).step()
    ours, theirs = layer.weight * LR_MULTIPLIER - before, plain.weight - before
    assert (ours.norm() / theirs.norm()).item() == pytest.approx(LR_MULTIPLIER, rel=1e-2)


def test_an_untrained_mapping_network_keeps_the_size_of_z():
    mapping = nn.Sequential(*(MappingLayer(512, 512) for _ in range(8)))
    initialise(mapping, 0, "generator")
    z = torch.randn(500, 512, generator=stream(4))
    assert mapping(z).square().mean().sqrt().item() == pytest.approx(1, rel=0.25)
    assert torch.allclose(mapping(0.5 * z), 0.5 * mapping(z), rtol=1e-4, atol=1e-5), "truncation would lose its meaning"


def test_an_image_crosses_over_to_the_second_latents_styles_at_its_own_block():
    generator = made(modulation="blocks", noise=True)
    first, second = latents(3, generator), latents(6, generator)[3:]
    mixed = generator(first, None, second[:, :6], torch.tensor([1, 2, 3]))
    alone = generator(first)
    assert torch.allclose(mixed[2], alone[2], rtol=1e-12)
    assert not torch.allclose(mixed[1], alone[1])

    ours, theirs = generator.styles(first), generator.styles(second)
    for image, blocks in ((0, [theirs, theirs]), (1, [ours, theirs])):
        x = generator.modulated(first)
        for i, stage in enumerate(generator.stages):
            x = stage(x, [ours[i][0]._replace(scale=blocks[i][i][0].scale)])
        assert torch.allclose(generator.to_rgb(x)[image], mixed[image], rtol=1e-10)


def test_the_class_stays_when_styles_are_mixed():
    generator = made(3, modulation="blocks")
    z, labels = latents(2, generator), torch.eye(3, dtype=torch.float64)[:2]
    same = generator(z, labels, z, torch.tensor([1, 1]))
    assert torch.allclose(same, generator(z, labels), rtol=1e-12)


@pytest.mark.parametrize(
    ("style", "words"),
    [
        ({"mixing": 0.5}, "needs modulation: blocks"),
        ({"mixing": 1.5, "modulation": "blocks"}, "from 0 to 1"),
        ({"mapping_layers": -1}, "from 0 to 64"),
    ],
)
def test_what_cannot_be_is_named(style, words):
    (problem,) = find_problems(small_config(network=small_network(style=StyleConfig(**style))))
    assert problem.path[:2] == ("network", "style")
    assert words in problem.message


def test_transformer_blocks_have_no_styles_and_it_is_said():
    network = small_network(style=StyleConfig(modulation="blocks"), transformer=TransformerConfig(resolutions=(8,)))
    (problem,) = find_problems(small_config(network=network))
    assert problem.path == ("network", "style", "modulation")
    only_d = replace(network, transformer=TransformerConfig(resolutions=(8,), networks=("discriminator",)))
    assert find_problems(small_config(network=only_d)) == []


def test_blocks_and_resolutions_have_their_noise():
    network = small_network(widths=(16, 8, 8), groups=(4, 2, 2), blocks=(2, 1, 3), style=StyleConfig(noise=True))
    assert network.noise_dim == 2 * 16 + 64 + 3 * 256 == Generator(network).noise_dim
    points = small_network(
        widths=(16,), groups=(4,), blocks=(2,), base_resolution=1, image_channels=2, style=StyleConfig(noise=True)
    )
    assert points.noise_dim == 2 == Generator(points).noise_dim
    assert replace(network, style=StyleConfig()).noise_dim == 0


def test_a_seed_and_a_sample_have_the_same_z_with_and_without_noise():
    noisy, plain = made(noise=True), made()
    seeds = range(20)
    assert torch.equal(latents_of(seeds, noisy.latent_dim, noisy.noise_dim)[:, :6], latents_of(seeds, 6))
    ours, theirs = (fixed_inputs(g, torch.zeros(0), 0, "evaluation", 100)[0] for g in (noisy, plain))
    assert torch.equal(ours[:, :6], theirs)
    for drawn in (ours, latents_of(seeds, noisy.latent_dim, noisy.noise_dim)):
        assert len(drawn[:, 6:].unique()) == len(drawn) * NOISE


def test_a_training_with_everything_ends_and_trains_it(tmp_path):
    config = small_config(network=small_network(style=StyleConfig(**EVERYTHING, mixing=0.9)))
    job, finished = run_inside(replace(config, evaluation=replace(config.evaluation, metrics=())), tmp_path)
    assert finished
    style = open_snapshot(job.root, "raw", torch.device("cpu")).generator.style
    assert all(p.any() for p in (*style.scales.parameters(), *style.strengths))

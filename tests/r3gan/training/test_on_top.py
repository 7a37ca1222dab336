"""What an earlier ablation put on top: instance noise, dropout in D, minibatch discrimination."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from r3gan.computation import Computation
from r3gan.config import AttentionConfig, CapacityConfig, PenaltyConfig, Schedule
from r3gan.config_checks import find_problems, group_problem
from r3gan.data.load import load_dataset
from r3gan.distributed import World
from r3gan.identity import changes
from r3gan.job import train_job
from r3gan.jobdir import JobDir
from r3gan.model.dropout import ChannelDropout, dropping
from r3gan.model.minibatch import DIMENSIONS, MinibatchHead
from r3gan.model.networks import Discriminator, Generator, initialise
from r3gan.training.batches import Batches, of_both
from r3gan.training.capacity import solved
from r3gan.training.estimate import parts_of
from r3gan.training.instance_noise import Noisy
from r3gan.training.loop import values_at
from r3gan.training.penalties import FIRST_ORDER, TWICE, backward_discriminator, form_in_use
from r3gan.training.penalty_check import awake_copy
from r3gan.training.steps import accumulate_discriminator, accumulate_generator
from tests.r3gan.small import constant, small_config, small_network, step_options
from tests.r3gan.training.test_train import make_job, run_inside

CPU = torch.device("cpu")
NOISE = Schedule(0.3, 0.0, 80.0)


def discriminator(**keys):
    network = Discriminator(small_network(**keys)).double()
    initialise(network, 0, "discriminator")
    return awake_copy(network)


def noise_config(**changed):
    return small_config(schedules=replace(small_config().schedules, instance_noise=NOISE), **changed)


def gradients(network, form, penalties=None, augment=None, pairs=8):
    draws = torch.Generator().manual_seed(1)
    real, fake = torch.randn(2, pairs, 3, 8, 8, dtype=torch.float64, generator=draws)
    network.zero_grad(set_to_none=True)
    options = step_options(penalties=penalties, penalty_form=form)
    terms = backward_discriminator(network, real, fake, None, options, augment=augment)
    return terms, {name: p.grad.clone() for name, p in network.named_parameters()}


def require_equal_forms(network, augment=None):
    (ours, mine), (theirs, other) = (gradients(network, form, augment=augment) for form in ("first-order", "double"))
    assert torch.allclose(ours.r1, theirs.r1)
    assert torch.allclose(ours.r2, theirs.r2)
    for name in other:
        assert torch.allclose(mine[name], other[name], atol=1e-10), name


def test_defaults_are_no_difference_and_record_and_draw_nothing(tmp_path):
    config = small_config()
    assert not changes(config.network).keys() & {"dropout", "minibatch_kernels", "minibatch_group"}
    assert "instance_noise" not in changes(config.schedules)
    assert "instance_noise" not in values_at(config, 8)
    assert not [m for m in discriminator().modules() if isinstance(m, ChannelDropout | MinibatchHead)]
    batch = Batches(config, load_dataset("stacked-digits", tmp_path, CPU), World(0, 1, CPU)).get("discriminator", 0)
    assert (batch.instance_noise, batch.dropout) == (None, None)


def test_two_ranks_see_the_noise_and_the_dropped_channels_of_one_and_other_draws_stay(tmp_path):
    config, data = noise_config(network=small_network(dropout=0.2)), load_dataset("stacked-digits", tmp_path, CPU)
    for network in ("discriminator", "generator"):
        one, *two = (Batches(config, data, World(*w, CPU)).get(network, 8) for w in ((0, 1), (0, 2), (1, 2)))
        for name in ("instance_noise", "dropout"):
            assert torch.equal(getattr(one, name), torch.cat([getattr(part, name) for part in two])), name
        plain = Batches(small_config(), data, World(0, 1, CPU)).get(network, 8)
        assert torch.equal(one.real, plain.real)
        assert torch.equal(one.latents, plain.latents)
    assert one.instance_noise.shape == (8, 2, 3, 8, 8)
    assert one.instance_noise.flatten(0, 1).flatten(1).unique(dim=0).shape[0] == 16  # real and generated: other noise
    assert one.dropout.shape == (8, 2, 16 + 8)


def test_noise_keeps_the_exact_form_and_is_added_after_the_augmentation():
    draws = torch.randn(16, 3, 8, 8, dtype=torch.float64)

    class Doubled:
        def __call__(self, images):
            return 2 * images + 1

        def linear(self, directions):
            return 2 * directions

    x = torch.randn(16, 3, 8, 8, dtype=torch.float64)
    assert torch.equal(Noisy(Doubled(), draws, 0.5)(x), 2 * x + 1 + 0.5 * draws)
    assert torch.equal(Noisy(Doubled(), draws, 0.5).linear(x), 2 * x)
    for inner in (None, Doubled()):
        require_equal_forms(discriminator(), Noisy(inner, draws, 0.5))


def test_noise_decays_by_its_schedule_and_is_recorded(tmp_path):
    assert [values_at(noise_config(), n)["instance_noise"] for n in (0, 40, 80)] == pytest.approx([0.3, 0.15, 0.0])
    nothing_measured = replace(small_config().evaluation, metrics=())
    job, finished = run_inside(noise_config(evaluation=nothing_measured), tmp_path)
    assert finished
    assert job.points()[-1]["metrics"]["instance_noise"] == 0


def test_noise_is_what_d_and_g_are_trained_with(tmp_path):
    """The gradients of both steps, against images to which the noise was added by hand."""
    config, data = noise_config(), load_dataset("stacked-digits", tmp_path, CPU)
    generator, d = Generator(config.network), Discriminator(config.network)
    initialise(generator, 0, "generator")
    initialise(d, 0, "discriminator")
    batch = Batches(config, data, World(0, 1, CPU)).get("generator", 0)
    accumulate_generator(generator, d, batch, step_options(instance_noise=0.3, micro_batch=3))
    found = [p.grad.clone() for p in generator.parameters()]
    generator.zero_grad()
    real, fake = (d(x + 0.3 * batch.instance_noise[:, i]) for i, x in enumerate((batch.real, generator(batch.latents))))
    F.softplus(-(fake - real)).mean().backward()
    for ours, parameter in zip(found, generator.parameters(), strict=True):
        assert torch.allclose(ours, parameter.grad, atol=1e-6)

    penalties = PenaltyConfig(r1=False, r2=False)
    accumulate_discriminator(generator, d, batch, step_options(instance_noise=0.3, penalties=penalties))
    found = [p.grad.clone() for p in d.parameters()]
    d.zero_grad()
    with torch.no_grad():
        seen = torch.cat([batch.real, generator(batch.latents)]) + 0.3 * of_both(batch.instance_noise)
    real, fake = d(seen).chunk(2)
    F.softplus(-(real - fake)).mean().backward()
    for ours, parameter in zip(found, d.parameters(), strict=True):
        assert torch.allclose(ours, parameter.grad, atol=1e-6)


def test_dropout_drops_whole_channels_of_single_images_and_keeps_the_mean():
    layer = ChannelDropout(3, 0.25)
    x = torch.ones(2, 3, 4, 4)
    assert torch.equal(layer(x), x)
    with dropping(nn.Sequential(layer), torch.tensor([[0.0, 0.24, 0.25], [0.9, 0.1, 0.5]])):
        kept = torch.tensor([[0, 0, 4 / 3], [4 / 3, 0, 4 / 3]])
        assert torch.equal(layer(x), kept[:, :, None, None].expand_as(x))
        assert torch.equal(layer.vjp(x, None), layer(x))
    assert torch.equal(layer(x), x)


@pytest.mark.parametrize("changed", [{}, {"activation": "gelu"}])
def test_dropout_keeps_the_exact_form_with_one_mask_in_all_passes(changed):
    network = discriminator(dropout=0.5, **changed)
    with dropping(network, torch.rand(16, 24, generator=torch.Generator().manual_seed(2))):
        if changed:
            assert form_in_use(network, PenaltyConfig()) == TWICE
        else:
            assert form_in_use(network, PenaltyConfig()) == FIRST_ORDER
            require_equal_forms(network)
        with_it = gradients(network, "double")[1]
    without = gradients(network, "double")[1]
    assert any(not torch.allclose(with_it[name], without[name]) for name in without)


def test_dropout_before_attention_keeps_the_exact_form():
    network = discriminator(dropout=0.3, attention=AttentionConfig(resolutions=(4,), heads=2))
    with dropping(network, torch.rand(16, 24, generator=torch.Generator().manual_seed(3))):
        require_equal_forms(network)


def test_parts_drop_the_same_channels_as_the_whole_batch(tmp_path):
    config = small_config(network=small_network(dropout=0.3))
    data = load_dataset("stacked-digits", tmp_path, CPU)
    generator, d = Generator(config.network), Discriminator(config.network)
    initialise(generator, 0, "generator")
    initialise(d, 0, "discriminator")
    batch, found = Batches(config, data, World(0, 1, CPU)).get("discriminator", 0), []
    for size in (3, 8):
        accumulate_discriminator(generator, d, batch, step_options(micro_batch=size))
        found.append([p.grad.clone() for p in d.parameters()])
    for ours, theirs in zip(*found, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_nearness_by_hand_within_groups_alone():
    head = MinibatchHead(3, 2, kernels=2, group=2).double()
    for parameter in head.parameters():
        nn.init.normal_(parameter)
    h = torch.randn(4, 3, dtype=torch.float64)
    points = (h @ head.points.weight.t()).view(4, 2, DIMENSIONS)
    expected = []
    for i, j in ((0, 1), (1, 0), (2, 3), (3, 2)):
        near = torch.stack([torch.exp(-(points[i, k] - points[j, k]).abs().sum()) for k in range(2)])
        expected.append(head.weight @ h[i] + head.nearness.weight @ near)
    assert torch.allclose(head(h), torch.stack(expected))
    with pytest.raises(ValueError, match="3 images are not groups of 2"):
        head(h[:3])


def test_the_penalties_of_minibatch_discrimination_are_of_the_sum_of_the_logits():
    """R1 by a Jacobian over whole groups; the penalties' gradient by finite differences of them."""
    network = discriminator(minibatch_kernels=3, minibatch_group=4)
    assert form_in_use(network, PenaltyConfig()) == TWICE
    real, fake = torch.randn(2, 4, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    options = step_options(gamma=2.0)

    def objective():
        network.zero_grad(set_to_none=True)
        terms = backward_discriminator(network, real, fake, None, options)
        return terms, (terms.adversarial + (terms.r1 + terms.r2)).mean().item()

    terms, _ = objective()
    slopes = torch.autograd.functional.jacobian(network, real)  # [logits, images, 3, 8, 8]
    assert torch.allclose(terms.r1, slopes.sum(0).flatten(1).square().sum(1))
    assert slopes[0, 1].abs().max() > 0  # images of a group are coupled
    weight = network.trunk.head.points.weight
    analytic = weight.grad.clone()
    for i, j in ((0, 0), (7, 5)):
        values = []
        for step in (1e-5, -1e-5):
            with torch.no_grad():
                weight[i, j] += step
            values.append(objective()[1])
            with torch.no_grad():
                weight[i, j] -= step
        assert (values[0] - values[1]) / 2e-5 == pytest.approx(analytic[i, j].item(), rel=1e-4, abs=1e-9)


def test_groups_stay_whole_in_parts_of_any_size(tmp_path):
    network = small_network(minibatch_kernels=3, minibatch_group=4)
    config = small_config(network=network, batch_size=20)
    data = load_dataset("stacked-digits", tmp_path, CPU)
    generator, d = Generator(network), Discriminator(network)
    initialise(generator, 0, "generator")
    initialise(d, 0, "discriminator")
    batch = Batches(config, data, World(0, 1, CPU)).get("discriminator", 0)
    assert [len(part) for part in batch.parts(8, d.together)] == [4, 8, 8]
    found = []
    for size in (4, 8, 20):
        accumulate_discriminator(generator, d, batch, step_options(micro_batch=size))
        accumulate_generator(generator, d, batch, step_options(micro_batch=size))
        found.append([p.grad.clone() for each in (d, generator) for p in each.parameters() if p.grad is not None])
    for other in found[1:]:
        for ours, theirs in zip(found[0], other, strict=True):
            assert torch.allclose(ours, theirs, atol=1e-5)
    assert [parts_of(24, size, 4) for size in (1, 4, 7, 8, 11, 24, 99)] == [4, 4, 4, 8, 8, 24, 24]


def test_ranks_that_cannot_hold_whole_groups_are_refused_with_one_message(tmp_path, monkeypatch, capsys):
    network = small_network(minibatch_kernels=3, minibatch_group=4)
    config = small_config(network=network, batch_size=24)
    assert find_problems(config) == []
    assert (group_problem(config, 2), group_problem(config, 3)) == ("", "")
    ((problem),) = find_problems(replace(config, batch_size=22))
    assert problem.path == ("network", "minibatch_group")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert train_job(make_job(tmp_path, config), Computation()) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "4 does not divide the 6 images of each of 4 ranks" in line
    assert not JobDir(tmp_path).checkpoints.exists()


def test_capacity_is_moved_beside_minibatch_discrimination():
    network = small_network(minibatch_kernels=3, minibatch_group=4, capacity=CapacityConfig("flat", equal="operations"))
    alone = solved(replace(network, minibatch_kernels=0))
    assert solved(network).widths == alone.widths


def test_what_does_not_go_together_is_refused():
    differences = PenaltyConfig(finite_difference_sigma=0.1)
    for keys in ({"dropout": 0.1}, {"minibatch_kernels": 4}):
        ((problem),) = find_problems(small_config(network=small_network(**keys), penalties=differences))
        assert problem.path == ("penalties", "finite_difference_sigma")
    for keys in ({"dropout": 1.0}, {"minibatch_kernels": -1}, {"minibatch_kernels": 4, "minibatch_group": 1}):
        assert len(find_problems(small_config(network=small_network(**keys)))) == 1
    schedules = replace(small_config().schedules, instance_noise=constant(-1.0))
    assert {p.path[1] for p in find_problems(small_config(schedules=schedules))} == {"instance_noise"}

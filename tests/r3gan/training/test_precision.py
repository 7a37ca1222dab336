"""Float16 and bfloat16: what is rounded where, loss scales that lose nothing, and steps left out and counted."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from r3gan.config import NetworkConfig, OptimiserConfig, PenaltyConfig
from r3gan.config_checks import find_problems
from r3gan.distributed import World
from r3gan.identity import configuration_identity
from r3gan.jobdir import JobDir
from r3gan.model import conv
from r3gan.model.convolution import weight_gradient
from r3gan.model.formats import rounded
from r3gan.model.layers import Precision
from r3gan.model.networks import Discriminator, Generator
from r3gan.training.batches import Batch
from r3gan.training.checkpoint import load_checkpoint, save_checkpoint
from r3gan.training.cost import Workload
from r3gan.training.estimate import estimate
from r3gan.training.loss_scale import FIRST, LEAST, STEPS_TO_DOUBLE, LossScale, ScaleUnderflow
from r3gan.training.penalties import backward_discriminator
from r3gan.training.state import fresh_state
from r3gan.training.steps import NonFiniteLoss, accumulate_discriminator, accumulate_generator, update
from tests.r3gan.small import small_config, small_network, step_options
from tests.r3gan.training.test_first_order import make_discriminator, make_pairs
from tests.r3gan.training.test_network_axes import tensors_of, train
from tests.r3gan.training.test_train import assert_equal_weights, final_weights, make_job, run_inside, run_process

CPU = torch.device("cpu")
WORLD = World(0, 1, CPU)
FP16 = {"fp16_stages": 1, "emulate_precision": True}
PLAIN = replace(small_config(), evaluation=replace(small_config().evaluation, metrics=(), every_kimg=1.0))
EMULATED = replace(PLAIN, network=small_network(**FP16))


def test_rounding_is_the_formats_own_and_gradients_pass_straight_through_rounded():
    x = torch.tensor([1.0, 1 + 2**-11, 65504.0, 70000.0, 2**-24, 2**-26, -0.3], requires_grad=True)
    with np.errstate(over="ignore"):
        expected = x.detach().numpy().astype(np.float16).astype(np.float32)
    y = rounded(x, torch.float16)
    assert torch.equal(y, torch.from_numpy(expected))
    dy = torch.full_like(x, 1 + 2**-12, requires_grad=True)
    (dx,) = torch.autograd.grad(y, x, dy, create_graph=True)
    assert torch.equal(dx, torch.ones_like(x))
    (ddy,) = torch.autograd.grad(dx, dy, torch.full_like(x, 3.0))
    assert torch.equal(ddy, torch.full_like(x, 3.0))
    assert rounded(x, None) is x


def values_in(network, images_or_latents, format):
    """All inputs of convolutions, whose format it is."""
    seen = []
    for module in network.modules():
        if getattr(module, "format", None) is format and hasattr(module, "geometry"):
            module.register_forward_hook(lambda module, given, result: seen.append((module, given[0], result)))
    network(images_or_latents)
    return seen


@pytest.mark.parametrize("format", [torch.float16, torch.bfloat16])
def test_the_stages_asked_for_compute_with_numbers_of_the_format_and_the_others_do_not(format):
    stages = "fp16_stages" if format is torch.float16 else "bf16_stages"
    config = small_network(**{stages: 1, "emulate_precision": True})
    for network, given in ((Generator(config), torch.randn(4, 6)), (Discriminator(config), torch.randn(4, 3, 8, 8))):
        torch.manual_seed(0)
        for p in network.parameters():
            p.data.normal_(0, 0.1)
        seen = values_in(network, given, format)
        convolutions = [module for module in network.modules() if hasattr(module, "geometry")]
        assert 3 < len(seen) < len(convolutions)
        for module, _, result in seen:
            assert torch.equal(result, result.to(format).float())
            assert not torch.equal(module.weight, module.weight.to(format).float())
        exact = type(network)(replace(config, **{stages: 0}))
        exact.load_state_dict(network.state_dict())
        error = (network(given) - exact(given)).norm() / exact(given).norm()
        assert 1e-6 < error < 0.05


def test_all_stages_but_the_lowest_are_those_of_any_network():
    for stages in (2, 3, 5):
        network = small_network(widths=(8,) * stages, groups=(2,) * stages, blocks=(1,) * stages, fp16_stages=-1)
        assert network.low_stages == stages - 1


def test_emulated_bfloat16_is_near_what_the_library_computes_in_bfloat16():
    config = small_network(bf16_stages=2, emulate_precision=True)
    discriminator = make_discriminator(config).float()
    x = torch.randn(16, 8, 8, 8)
    blocks = discriminator.trunk.stages[0].blocks
    real = blocks(x.bfloat16()).float()
    exact = make_discriminator(small_network()).float().trunk.stages[0].blocks(x)
    assert (blocks(x) - real).norm() < 1.5 * (exact - real).norm() < 0.02 * exact.norm()


def test_without_emulation_a_cpu_computes_in_float32_to_the_same_bits_and_says_so(tmp_path):
    plain, _ = run_inside(PLAIN, tmp_path / "plain")
    asked, _ = run_inside(replace(PLAIN, network=small_network(fp16_stages=1)), tmp_path / "asked")
    assert_equal_weights(final_weights(plain), final_weights(asked))
    assert json.loads(asked.environment.read_text())["precision"] == "float32"


def test_a_training_in_emulated_float16_records_its_scales_and_what_it_is(tmp_path):
    job, finished = run_inside(EMULATED, tmp_path)
    assert finished
    environment = json.loads(job.environment.read_text())
    assert environment["precision"] == "float32, the 1 of the highest resolutions in float16, emulated by rounding"
    last = job.points()[-1]["metrics"]
    for d_or_g in "dg":
        assert last[f"loss_scale_{d_or_g}"] == FIRST / 2 ** last[f"skipped_steps_{d_or_g}"]
    assert last["skipped_steps_d"] > 0  # 2^16 itself is beyond float16


def small_batch():
    draw = torch.Generator().manual_seed(0)
    return Batch(real=torch.rand(8, 3, 8, 8, generator=draw), latents=torch.randn(8, 6, generator=draw))


def gradients(network, accumulate, scale, **options):
    asked = step_options(loss_scale=scale, micro_batch=3, **options)
    state = fresh_state(PLAIN, 0, CPU)
    train(state, PLAIN, 2)
    accumulate(state.generator, state.discriminator, small_batch(), asked)
    return [p.grad.clone() for p in getattr(state, network).parameters()]


@pytest.mark.parametrize(
    ("network", "accumulate", "options"),
    [
        ("discriminator", accumulate_discriminator, {}),
        ("discriminator", accumulate_discriminator, {"penalty_form": "double"}),
        ("discriminator", accumulate_discriminator, {"penalties": PenaltyConfig(r1=False, r2=False)}),
        ("generator", accumulate_generator, {}),
    ],
)
def test_a_scale_of_a_power_of_two_multiplies_every_gradient_and_changes_no_bit(network, accumulate, options):
    plain, scaled = (gradients(network, accumulate, scale, **options) for scale in (1.0, 1024.0))
    for one, other in zip(plain, scaled, strict=True):
        assert torch.equal(1024 * one, other)


def test_the_first_order_form_in_emulated_float16_is_double_backward_to_its_rounding():
    config = small_network(widths=(32, 32), groups=(4, 4), **FP16)
    pairs, found = [pair.float() for pair in make_pairs(config)[:2]], []
    for form in ("first-order", "double"):
        discriminator = make_discriminator(config).float()
        backward_discriminator(discriminator, *pairs, None, step_options(gamma=1.0, penalty_form=form))
        found.append(torch.cat([p.grad.flatten() for p in discriminator.parameters()]))
    assert 0 < (found[0] - found[1]).norm() < 0.01 * found[1].norm()


def all_gradients(config):
    """Of D and then of G, in a training's first step."""
    state = fresh_state(replace(PLAIN, network=config), 0, CPU)
    options = step_options(loss_scale=64.0)
    accumulate_discriminator(state.generator, state.discriminator, small_batch(), options)
    accumulate_generator(state.generator, state.discriminator, small_batch(), options)
    networks = (state.discriminator, state.generator)
    return [torch.cat([p.grad.flatten() for p in network.parameters()]) for network in networks]


def test_a_device_that_computes_in_float16_gets_through_every_pass_and_errs_as_much_as_the_emulation():
    config = small_network(widths=(32, 32), groups=(4, 4), **FP16)
    exact, emulated = all_gradients(replace(config, fp16_stages=0)), all_gradients(config)
    with pytest.MonkeyPatch.context() as patch:  # as if the CPU were such a device
        patch.setattr(Precision, "forward", lambda self, x: x.to(self.format if self.low else torch.float32))
        real = all_gradients(config)
    for e, r, x in zip(emulated, real, exact, strict=True):
        assert 1e-4 < (e - x).norm() / x.norm() < 0.02
        assert 1 / 3 < (e - x).norm() / (r - x).norm() < 3


@pytest.mark.parametrize("on_gpu", [False, True])
def test_its_cost_is_counted(on_gpu):
    plain, low = (estimate(Workload.of(config, 0), 8, on_gpu) for config in (PLAIN, EMULATED))
    assert low.flops_per_image == plain.flops_per_image
    assert (low.memory_bytes < plain.memory_bytes) == on_gpu


def test_on_a_gpu_float16_costs_what_bfloat16_does_and_less_memory_than_float32():
    def cost(**keys):
        return estimate(Workload.of(small_config(network=small_network(**keys)), classes=1), 64, on_gpu=True)

    plain, low = cost(), cost(fp16_stages=-1)
    assert low == cost(bf16_stages=1) == replace(plain, memory_bytes=low.memory_bytes)
    assert low.memory_bytes < 0.75 * plain.memory_bytes
    assert not low.double_backward


def test_the_passes_of_the_first_order_form_multiply_numbers_of_the_format(monkeypatch):
    config = small_network(fp16_stages=2, emulate_precision=True)
    discriminator, seen = make_discriminator(config).float(), []

    def noted(x, dy, weight, *geometry):
        seen.append((x, dy, weight))
        return weight_gradient(x, dy, weight, *geometry)

    monkeypatch.setattr(conv, "weight_gradient", noted)
    pairs = [pair.float() for pair in make_pairs(config)[:2]]
    backward_discriminator(discriminator, *pairs, None, step_options(gamma=1.0))
    assert len(seen) == sum(hasattr(module, "geometry") for module in discriminator.modules())
    for factors in seen:
        assert all(torch.equal(factor, rounded(factor, torch.float16)) for factor in factors)


def parameter(value):
    made = torch.nn.Parameter(torch.zeros(2))
    made.grad = torch.tensor([1.0, value])
    return made


def test_a_scale_halves_at_what_is_not_finite_and_doubles_after_enough_steps():
    scale = LossScale(8.0, dynamic=True)
    for bad in (math.inf, math.nan):
        assert not scale.unscale([parameter(bad)])
    assert (scale.scale, scale.skipped) == (2.0, 2)
    good = parameter(4.0)
    assert scale.unscale([good])
    assert good.grad.tolist() == [0.5, 2.0]
    for _ in range(STEPS_TO_DOUBLE - 1):
        assert scale.scale == 2.0
        scale.unscale([parameter(1.0)])
    assert (scale.scale, scale.since, scale.skipped) == (4.0, 0, 2)


def test_a_scale_that_cannot_fall_further_and_one_that_is_fixed_give_up():
    for scale in (LossScale(LEAST, dynamic=True), LossScale(1024.0, dynamic=False)):
        with pytest.raises(ScaleUnderflow, match="not finite at a loss scale"):
            scale.unscale([parameter(math.inf)])
    fixed = LossScale(1024.0, dynamic=False)
    for _ in range(STEPS_TO_DOUBLE + 1):
        fixed.unscale([parameter(1.0)])
    assert fixed.scale == 1024.0


def test_a_step_that_is_left_out_leaves_weights_and_moments_and_one_that_cannot_be_made_stops_the_job():
    state = fresh_state(EMULATED, 0, CPU)
    train(state, EMULATED, 3)
    before, skipped = tensors_of(state), state.loss_scales["generator"].skipped
    steps = state.generator_adam.state[0]["step"].clone()
    next(state.generator.parameters()).grad.fill_(math.inf)
    update(state, "generator", WORLD)
    assert all(torch.equal(value, before[name]) for name, value in tensors_of(state).items())
    assert state.loss_scales["generator"].skipped == skipped + 1
    assert torch.equal(state.generator_adam.state[0]["step"], steps)
    state.loss_scales["generator"].scale = LEAST
    next(state.generator.parameters()).grad.fill_(math.inf)
    with pytest.raises(NonFiniteLoss, match="generator: gradients are not finite"):
        update(state, "generator", WORLD)


def test_a_checkpoint_holds_the_scales_and_a_resumed_training_ends_with_the_same_bits(tmp_path):
    through, job = fresh_state(EMULATED, 0, CPU), JobDir(tmp_path)
    train(through, EMULATED, 3)
    save_checkpoint(through, EMULATED, job, keep=1)
    resumed = fresh_state(EMULATED, 0, CPU)
    load_checkpoint(resumed, job.last_checkpoint(), EMULATED)
    assert resumed.loss_scales == through.loss_scales != fresh_state(EMULATED, 0, CPU).loss_scales
    for state in (through, resumed):
        train(state, EMULATED, 3)
    assert all(torch.equal(value, tensors_of(resumed)[name]) for name, value in tensors_of(through).items())
    assert resumed.loss_scales == through.loss_scales


def test_what_has_no_effect_makes_no_other_job_and_what_cannot_be_is_refused():
    identity = configuration_identity
    scaled = OptimiserConfig(loss_scale=8.0)
    assert identity(replace(PLAIN, network=small_network(emulate_precision=True))) == identity(PLAIN)
    assert identity(replace(PLAIN, optimiser=scaled)) == identity(PLAIN)
    assert identity(replace(EMULATED, optimiser=scaled)) != identity(EMULATED)
    counted, named = (replace(PLAIN, network=small_network(fp16_stages=stages)) for stages in (1, -1))
    assert identity(counted) == identity(named)
    assert len({identity(c) for c in (PLAIN, EMULATED, replace(PLAIN, network=small_network(fp16_stages=1)))}) == 3
    for changes, place in (
        ({"network": small_network(fp16_stages=3)}, ("network", "fp16_stages")),
        ({"network": small_network(fp16_stages=-2)}, ("network", "fp16_stages")),
        ({"network": small_network(fp16_stages=1, bf16_stages=1)}, ("network", "fp16_stages")),
        ({"optimiser": OptimiserConfig(loss_scale=0.0)}, ("optimiser", "loss_scale")),
    ):
        assert [problem.path for problem in find_problems(replace(PLAIN, **changes))] == [place]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_training_runs_on_a_gpu_in_float16(tmp_path):
    config = replace(PLAIN, network=NetworkConfig(widths=(32, 32), groups=(4, 4), blocks=(1, 1), fp16_stages=1))
    job = run_process(make_job(tmp_path, config))
    environment = json.loads(job.environment.read_text())
    assert environment["precision"] == "float32, the 1 of the highest resolutions in float16"
    last = job.points()[-1]["metrics"]
    assert last["skipped_steps_d"] < 20
    assert all(math.isfinite(value) for value in last.values())

"""The first-order form gives the gradients of double backward, in float64 to 1e-10 per parameter, for every network."""

import copy
import random
from dataclasses import replace

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from r3gan.config import AttentionConfig, LossPhase, NetworkConfig, PenaltyConfig
from r3gan.distributed import World
from r3gan.model.conv import settle_weights
from r3gan.model.layers import Layer, Tape
from r3gan.model.networks import Discriminator, ResidualBlock
from r3gan.tables.activations import ACTIVATIONS
from r3gan.tables.attentions import ATTENTIONS
from r3gan.tables.resamplings import RESAMPLINGS
from r3gan.training.batches import Batch
from r3gan.training.penalties import FIRST_ORDER, NONE, TWICE, NotFirstOrder, backward_discriminator, form_in_use
from r3gan.training.steps import accumulate_discriminator
from tests.r3gan.small import small_network, step_options

TOLERANCE = 1e-10
CLASSES = 5
GAMMA = 3.0
LOSSES = [
    LossPhase(),
    LossPhase("relativistic-hinge", margin=0.7),
    LossPhase("non-saturating"),
    LossPhase("hinge", margin=0.7),
]


def make_discriminator(network, seed=0):
    torch.manual_seed(seed)
    discriminator = Discriminator(network, CLASSES).double()
    for parameter in discriminator.parameters():
        torch.nn.init.normal_(parameter, std=0.7 / max(1, parameter[0].numel()) ** 0.5)
    settle_weights(discriminator)
    return discriminator


def make_pairs(network, count=4):
    real, fake = torch.randn(2, count, 3, network.resolution, network.resolution, dtype=torch.float64)
    labels = torch.eye(CLASSES, dtype=torch.float64)[torch.randint(CLASSES, (count,))]
    return real, fake, labels if network.conditional else None


def by_double_backward(discriminator, real, fake, labels, options, **others):
    """The reference: the same call by the other form."""
    reference = copy.deepcopy(discriminator)
    assert form_in_use(reference, options.penalties, "double") == TWICE
    terms = backward_discriminator(reference, real, fake, labels, replace(options, penalty_form="double"), **others)
    return terms, {name: p.grad for name, p in reference.named_parameters()}


def assert_same(discriminator, gradients):
    """Parameter by parameter; one whose gradient cancels to nothing is measured against the whole gradient."""
    whole = torch.cat([gradient.flatten() for gradient in gradients.values()]).norm()
    for name, parameter in discriminator.named_parameters():
        expected = gradients[name]
        error = (parameter.grad - expected).norm() / expected.norm().clamp(min=1e-5 * whole)
        assert error < TOLERANCE, f"{name}: {error:.1e}"


def compare(network, penalties=PenaltyConfig(), phase=LossPhase(), augment=None):  # noqa: B008
    discriminator = make_discriminator(network)
    assert form_in_use(discriminator, PenaltyConfig()) == FIRST_ORDER
    arguments = (*make_pairs(network), step_options(phase, GAMMA, penalties))
    expected, gradients = by_double_backward(discriminator, *arguments, augment=augment)
    terms = backward_discriminator(discriminator, *arguments, augment=augment)
    assert_same(discriminator, gradients)
    for name, value in vars(expected).items():
        assert torch.allclose(getattr(terms, name), value, rtol=1e-10), name


def drawn_network(seed):
    """A random shape: stages, widths that differ, groups, blocks, expansion, classes, attention anywhere."""
    draw = random.Random(seed)
    stages = draw.randint(1, 4 if seed % 4 == 0 else 3)
    widths = tuple(draw.choice([4, 6, 8, 12]) for _ in range(stages))
    expansion = draw.choice([1, 2, 3])
    divisors = ([g for g in (1, 2, 3, 4, 6) if width * expansion % g == 0] for width in widths)
    return NetworkConfig(
        widths=widths,
        groups=tuple(draw.choice(choice) for choice in divisors),
        blocks=tuple(draw.randint(1, 2) for _ in widths),
        expansion=expansion,
        conditional=draw.random() < 0.5,
        attention=AttentionConfig(
            resolutions=tuple(4 * 2**i for i in range(stages) if draw.random() < 0.3), heads=draw.choice([1, 2])
        ),
    )


@pytest.mark.parametrize("seed", range(24))
def test_any_shape_of_network(seed):
    draw = random.Random(-seed)
    penalties = draw.choice([PenaltyConfig(), PenaltyConfig(r2=False), PenaltyConfig(r1=False)])
    compare(drawn_network(seed), penalties, draw.choice(LOSSES))


@pytest.mark.parametrize("phase", LOSSES, ids=lambda phase: phase.kind)
@pytest.mark.parametrize(("r1", "r2"), [(True, True), (True, False), (False, True)])
def test_every_loss_and_penalty(phase, r1, r2):
    compare(small_network(conditional=True), PenaltyConfig(r1, r2), phase)


@pytest.mark.parametrize("resampling", RESAMPLINGS)
def test_every_resampling(resampling):
    compare(small_network(resampling=resampling))


@pytest.mark.parametrize("changes", [{"activation": "relu"}, {"activation_after_mix": "none"}], ids=str)
@pytest.mark.parametrize("attention", [(), (4,)])
def test_other_piecewise_linear_blocks(changes, attention):
    compare(small_network(**changes, attention=AttentionConfig(resolutions=attention)))


@pytest.mark.parametrize("normalisation", ["magnitude-preserving", "spectral"])
@pytest.mark.parametrize("attention", [(), (4,)])
def test_normalised_weights(normalisation, attention):
    network = small_network(
        normalisation=normalisation, conditional=True, attention=AttentionConfig(resolutions=attention)
    )
    compare(network)
    compare(network, augment=AffineAugmentation(8, 8))


def test_the_form_is_chosen_by_name_and_refused_where_it_is_not_exact():
    smooth, piecewise = (make_discriminator(small_network(activation=name)) for name in ("gelu", "leaky-relu"))
    assert (
        form_in_use(piecewise, PenaltyConfig()) == form_in_use(piecewise, PenaltyConfig(), "first-order") == FIRST_ORDER
    )
    assert form_in_use(piecewise, PenaltyConfig(), "double") == form_in_use(smooth, PenaltyConfig()) == TWICE
    assert form_in_use(smooth, PenaltyConfig(False, False), "first-order") == NONE
    with pytest.raises(NotFirstOrder, match="use double"):
        form_in_use(smooth, PenaltyConfig(), "first-order")


@pytest.mark.parametrize("resolutions", [(4,), (8,), (4, 8)])
@pytest.mark.parametrize("kind", ATTENTIONS)
@pytest.mark.parametrize("position", ["none", "learned"])
def test_attention_at_any_resolutions(resolutions, kind, position):
    compare(small_network(attention=AttentionConfig(resolutions=resolutions, kind=kind, position=position)))


class AffineAugmentation:
    """For each image its own mix of colours, offset, quarter turn and erased square: affine."""

    def __init__(self, count, resolution):
        generator = torch.Generator().manual_seed(3)
        self.mix = torch.randn(count, 3, 3, generator=generator, dtype=torch.float64)
        self.offset = torch.randn(count, 3, 1, 1, generator=generator, dtype=torch.float64)
        self.mask = torch.ones(count, 1, resolution, resolution, dtype=torch.float64)
        self.mask[:, :, : resolution // 2, 1:3] = 0

    def linear(self, directions):
        mixed = torch.einsum("ncd,ndhw->nchw", self.mix, directions)
        turned = [torch.rot90(image, n % 4, (1, 2)) for n, image in enumerate(mixed)]
        return torch.stack(turned) * self.mask

    def __call__(self, images):
        return self.linear(images) + self.offset * self.mask


@pytest.mark.parametrize("attention", [(), (8,)])
@pytest.mark.parametrize("penalties", [PenaltyConfig(), PenaltyConfig(r2=False)])
def test_augmentation_inside_the_penalty(penalties, attention):
    network = small_network(conditional=True, attention=AttentionConfig(resolutions=attention))
    compare(network, penalties, augment=AffineAugmentation(8, 8))


@pytest.mark.parametrize("micro_batch", [1, 2, 3])
def test_parts_of_a_batch_add_up_to_the_whole(micro_batch):
    network = small_network(conditional=True, attention=AttentionConfig(resolutions=(8,)))
    discriminator = make_discriminator(network)
    real, fake, labels = make_pairs(network, count=4)
    options = step_options(gamma=GAMMA, micro_batch=micro_batch)
    expected, gradients = by_double_backward(discriminator, real, fake, labels, options)
    # The fakes stand in for latents, so that the "generator" hands them on.
    terms = accumulate_discriminator(
        lambda z, _: z, discriminator, Batch(real=real, latents=fake, labels=labels), options
    )
    assert_same(discriminator, gradients)
    assert terms["r1"].item() == pytest.approx(expected.r1.mean().item())


def rank_gradients(rank, network, pairs, store, results):
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    torch.set_num_threads(1)
    discriminator, world = make_discriminator(network), World(rank, 2, torch.device("cpu"))
    real, fake, labels = (part[world.part_of(len(part))] for part in pairs)
    backward_discriminator(discriminator, real, fake, labels, step_options(LossPhase(), GAMMA, PenaltyConfig()))
    world.average_gradients(discriminator.parameters())
    torch.save({name: p.grad for name, p in discriminator.named_parameters()}, f"{results}/{rank}.pt")
    dist.destroy_process_group()


def test_two_ranks_average_to_the_whole_batch(tmp_path):
    network = small_network(conditional=True, attention=AttentionConfig(resolutions=(8,)))
    discriminator, pairs = make_discriminator(network), make_pairs(network)
    _, gradients = by_double_backward(discriminator, *pairs, step_options(LossPhase(), GAMMA, PenaltyConfig()))
    mp.spawn(rank_gradients, (network, pairs, tmp_path / "store", tmp_path), nprocs=2)
    for rank in (0, 1):
        for name, parameter in discriminator.named_parameters():
            parameter.grad = torch.load(tmp_path / f"{rank}.pt")[name]
        assert_same(discriminator, gradients)


def test_gradients_add_to_those_that_are_there():
    network = small_network()
    discriminator, pairs = make_discriminator(network), make_pairs(network)
    for _ in range(2):
        backward_discriminator(discriminator, *pairs, step_options(LossPhase(), GAMMA, PenaltyConfig()))
    doubled = {name: p.grad.clone() for name, p in discriminator.named_parameters()}
    discriminator.zero_grad()
    backward_discriminator(discriminator, *pairs, step_options(LossPhase(), GAMMA, PenaltyConfig()))
    assert_same(discriminator, {name: value / 2 for name, value in doubled.items()})


@pytest.mark.parametrize(
    "changes", [{"activation": "gelu"}, {"activation": "swish"}, {"activation": "smu"}, {"normalisation": "group-norm"}]
)
def test_what_is_not_piecewise_linear_declares_itself_and_takes_the_general_path(changes):
    """Their gradient equals finite differences of the objective, which the first-order form would miss."""
    discriminator = make_discriminator(small_network(**changes))
    assert form_in_use(discriminator, PenaltyConfig()) == TWICE
    real, fake, labels = make_pairs(small_network())
    options = step_options(gamma=GAMMA)

    def objective():
        throwaway = copy.deepcopy(discriminator)
        terms = backward_discriminator(throwaway, real, fake, labels, options)
        return (terms.adversarial + GAMMA / 2 * (terms.r1 + terms.r2)).mean().item()

    backward_discriminator(discriminator, real, fake, labels, options)
    weight, step = discriminator.trunk.stages[0].blocks[0].mix.weight, 1e-6
    gradient = weight.grad[0, 0, 1, 1].item()
    values = []
    for sign in (1, -2):
        with torch.no_grad():
            weight[0, 0, 1, 1] += sign * step
        values.append(objective())
    assert gradient == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-5)


def add_undeclared_module(discriminator):
    discriminator.trunk.stages[0].blocks.append(torch.nn.GroupNorm(2, 8).double())


def add_layer_that_declares_nothing(discriminator):
    discriminator.trunk.stages[0].blocks.append(type("Sine", (Layer,), {"forward": lambda self, x: x.sin()})())


def change_forward_alone(discriminator):
    block = discriminator.trunk.stages[0].blocks[0]
    block.__class__ = type(
        "Squared", (ResidualBlock,), {"forward": lambda self, x: ResidualBlock.forward(self, x).square()}
    )


def normalise_weights(discriminator):
    torch.nn.utils.parametrizations.weight_norm(discriminator.trunk.from_rgb)


def use_a_block_twice(discriminator):
    blocks = discriminator.trunk.stages[0].blocks
    blocks.append(blocks[0])


def normalise_by_hooks(discriminator):
    torch.nn.utils.spectral_norm(discriminator.trunk.from_rgb)


def hook_a_block(discriminator):
    discriminator.trunk.stages[0].blocks[0].register_forward_hook(lambda module, args, y: y.sin())


def change_an_instance(discriminator):
    block = discriminator.trunk.stages[0].blocks[0]
    block.forward = lambda x: ResidualBlock.forward(block, x).sin()


def change_an_activation(discriminator):
    discriminator.trunk.stages[0].blocks[0].mix.activation = ACTIVATIONS["gelu"]


def normalise_the_embedding(discriminator):
    torch.nn.utils.parametrizations.weight_norm(discriminator.embedding)


CHANGES = [
    normalise_by_hooks,
    hook_a_block,
    change_an_instance,
    change_an_activation,
    normalise_the_embedding,
    add_undeclared_module,
    add_layer_that_declares_nothing,
    change_forward_alone,
    normalise_weights,
    use_a_block_twice,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_does_not_declare_itself_takes_the_general_path(change):
    network = small_network(conditional=True)
    discriminator = make_discriminator(network)
    assert discriminator.first_order
    change(discriminator)
    assert not discriminator.first_order
    arguments = (*make_pairs(network), step_options(LossPhase(), GAMMA, PenaltyConfig()))
    backward_discriminator(discriminator, *arguments)
    assert all(p.grad is not None for p in discriminator.parameters())


def test_frozen_parameters_get_no_gradient():
    network = small_network()
    discriminator = make_discriminator(network)
    discriminator.trunk.from_rgb.requires_grad_(False)
    backward_discriminator(discriminator, *make_pairs(network), step_options(LossPhase(), GAMMA, PenaltyConfig()))
    assert discriminator.trunk.from_rgb.weight.grad is None
    assert discriminator.trunk.head.weight.grad is not None


def test_no_layer_keeps_anything_after_a_step():
    """The tape is emptied on the way, so that memory is freed layer by layer and nothing lives on."""
    tapes = []
    original = Tape.__init__

    def remember(self, *args, **kwargs):
        original(self, *args, **kwargs)
        tapes.append(self)

    network = small_network(attention=AttentionConfig(resolutions=(4,)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tape, "__init__", remember)
        pairs = make_pairs(network)
        backward_discriminator(make_discriminator(network), *pairs, step_options(LossPhase(), GAMMA, PenaltyConfig()))
    kept = [value for value in tapes[0].notes.values() if value is not None and not isinstance(value, torch.dtype)]
    assert kept == []


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_bf16_gradients_on_a_gpu_are_as_close_to_float32_as_those_of_double_backward():
    """Sums over a batch cancel, so that biases lose up to a tenth in bfloat16, whichever way they are computed."""
    torch.manual_seed(0)
    pairs = [torch.randn(64, 3, 8, 8, device="cuda") for _ in range(2)]
    gradients = {}
    for stages, form in ((0, "auto"), (1, "auto"), (1, "double")):
        config = small_network(widths=(64, 64), groups=(8, 8), bf16_stages=stages)
        discriminator = make_discriminator(config).float().cuda()
        options = step_options(LossPhase(), GAMMA, PenaltyConfig(), penalty_form=form)
        backward_discriminator(discriminator, *pairs, None, options)
        gradients[stages, form] = [p.grad for p in discriminator.parameters()]
    for exact, low, twice in zip(*gradients.values(), strict=True):
        assert low.dtype == torch.float32
        assert (exact - low).norm() < 1.3 * (exact - twice).norm() + 0.02 * exact.norm()
        assert (exact - low).norm() < 0.15 * exact.norm()

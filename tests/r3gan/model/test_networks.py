import pytest
import torch

from r3gan.config import AttentionConfig, NetworkConfig
from r3gan.model.networks import Discriminator, Generator, initialise
from r3gan.model.resampling import downsample, downsample_vjp, upsample, upsample_vjp
from r3gan.presets import PRESETS
from r3gan.tables.lookup import UnknownChoice
from r3gan.tables.resamplings import FILTER, RESAMPLINGS
from tests.r3gan.small import small_network

# From the released networks: (conditional classes, G, D).
RELEASED_PARAMETERS = {
    "cifar10": (10, 20_781_952, 21_280_512),
    "ffhq64": (0, 22_429_824, 22_381_440),
    "ffhq256": (0, 23_057_952, 23_009_568),
    "imagenet32": (1000, 82_914_304, 86_548_992),
    "imagenet64": (1000, 103_570_432, 107_205_120),
}

BILINEAR = RESAMPLINGS["bilinear"].taps
FIXED = [name for name, row in RESAMPLINGS.items() if row.layers == FILTER]


def preset_network(name: str, **changes) -> NetworkConfig:
    row = PRESETS[name]
    fields = {
        "widths": row.widths,
        "groups": row.groups,
        "blocks": row.blocks,
        "latent_dim": row.latent,
        "conditional": row.cond,
    }
    return NetworkConfig(**fields | changes)


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("name", RELEASED_PARAMETERS)
def test_parameter_counts_are_those_of_the_release(name):
    classes, g_count, d_count = RELEASED_PARAMETERS[name]
    config = preset_network(name)
    with torch.device("meta"):
        assert count(Generator(config, classes)) == g_count
        assert count(Discriminator(config, classes)) == d_count


def test_unconditional_cifar10_has_the_released_parameter_counts():
    config = preset_network("cifar10", conditional=False)
    with torch.device("meta"):
        assert (count(Generator(config)), count(Discriminator(config))) == (20_732_160, 20_683_776)


@pytest.mark.parametrize(("stages", "resolution"), [(1, 4), (2, 8), (4, 32)])
def test_resolution_is_four_times_a_power_of_two(stages, resolution):
    config = NetworkConfig(widths=(8,) * stages, groups=(2,) * stages, blocks=(1,) * stages, latent_dim=5)
    images = Generator(config)(torch.randn(3, 5))
    assert config.resolution == resolution
    assert images.shape == (3, 3, resolution, resolution)
    assert Discriminator(config)(images).shape == (3,)


def test_resampling_is_bilinear_inside_and_zero_beyond_the_border():
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]], dtype=torch.float64)
    taps = torch.tensor([1, 3, 3, 1], dtype=torch.float64) / 8
    padded = torch.zeros(4, 4, dtype=torch.float64)
    padded[1:3, 1:3] = x[0, 0]
    # Down: one output, the window over the whole padded image.
    assert torch.allclose(downsample(x, BILINEAR), (taps @ padded @ taps).view(1, 1, 1, 1))
    # Up: insert zeros, then filter with four times the kernel.
    spread = torch.zeros(7, 7, dtype=torch.float64)
    spread[2:5:2, 2:5:2] = x[0, 0]
    expected = torch.stack(
        [torch.stack([4 * taps @ spread[i : i + 4, j : j + 4] @ taps for j in range(4)]) for i in range(4)]
    )
    assert torch.allclose(upsample(x, BILINEAR)[0, 0], expected)


def test_nearest_resampling_is_the_librarys_own_and_the_mean_of_four():
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    taps = RESAMPLINGS["nearest"].taps
    assert torch.allclose(upsample(x, taps), torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest"))
    assert torch.allclose(downsample(x, taps), torch.nn.functional.avg_pool2d(x, 2))


@pytest.mark.parametrize("name", FIXED)
@pytest.mark.parametrize(("resample", "vjp"), [(downsample, downsample_vjp), (upsample, upsample_vjp)])
def test_resampling_is_differentiable_twice_and_keeps_constants(name, resample, vjp):
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    taps = RESAMPLINGS[name].taps
    assert torch.autograd.gradcheck(resample, (x, taps))
    assert torch.autograd.gradgradcheck(resample, (x, taps))
    y = resample(x, taps)
    assert torch.allclose(torch.autograd.grad(y, x, torch.ones_like(y))[0], vjp(torch.ones_like(y), taps))
    inside = resample(torch.ones(1, 1, 8, 8), taps)[:, :, 1:-1, 1:-1]
    assert torch.allclose(inside, torch.ones_like(inside))


@pytest.mark.parametrize(
    "changes", [{"activation": "gleu"}, {"resampling": "neares"}], ids=["activation", "resampling"]
)
def test_a_name_that_no_table_has_is_an_error_with_those_that_it_has(changes):
    config = NetworkConfig(widths=(8, 8), groups=(2, 2), blocks=(1, 1), **changes)
    with pytest.raises(UnknownChoice, match=r"did you mean (gelu|nearest)\? valid: (leaky|bilinear)"):
        Generator(config)


def test_attention_starts_as_the_baseline_and_shares_its_weights():
    plain, attentive = small_network(), small_network(attention=AttentionConfig(resolutions=(4, 8), heads=2))
    z = torch.randn(4, plain.latent_dim)
    for cls, name in ((Generator, "generator"), (Discriminator, "discriminator")):
        ours, theirs = cls(plain), cls(attentive)
        initialise(ours, 3, name)
        initialise(theirs, 3, name)
        with_attention = dict(theirs.named_parameters())
        assert len(with_attention) == len(list(ours.parameters())) + 4  # qkv and project, at two resolutions
        for key, value in ours.named_parameters():
            assert torch.equal(value, with_attention[key]), key
        x = z if cls is Generator else torch.randn(4, 3, 8, 8)
        assert torch.equal(ours(x), theirs(x))


def test_attention_equals_softmax_attention_written_out():
    config = small_network(attention=AttentionConfig(resolutions=(8,), heads=2, networks=("generator",)))
    block = Generator(config).double().stages[1].blocks[1]
    with torch.no_grad():
        block.project.weight.normal_()
        block.qkv.weight.normal_(std=0.5)
    x = torch.randn(2, 8, 8, 8, dtype=torch.float64)
    qkv = torch.einsum("oc,bchw->bohw", block.qkv.weight[:, :, 0, 0], x).flatten(2)  # [B, 3C, HW]
    q, k, v = (part.view(2, 2, 4, 64) for part in qkv.split(8, dim=1))  # [B, heads, C/heads, HW]
    weights = torch.softmax(torch.einsum("nhci,nhcj->nhij", q, k) / 4**0.5, dim=-1)
    mixed = torch.einsum("nhij,nhcj->nhci", weights, v).reshape(2, 8, 8, 8)
    expected = x + torch.einsum("oc,bchw->bohw", block.project.weight[:, :, 0, 0], mixed)
    assert torch.allclose(block(x), expected)


@pytest.mark.parametrize("networks", [("generator",), ("discriminator",), ("generator", "discriminator")])
def test_attention_goes_only_where_it_is_asked_for(networks):
    config = small_network(attention=AttentionConfig(resolutions=(8,), networks=networks))
    for cls, name in ((Generator, "generator"), (Discriminator, "discriminator")):
        has = any("qkv" in key for key, _ in cls(config).named_parameters())
        assert has == (name in networks)


def test_initial_weights_have_the_released_scale_and_depend_on_the_seed():
    config = NetworkConfig(widths=(64,), groups=(4,), blocks=(4,), latent_dim=64)
    network = Generator(config)
    initialise(network, 0, "generator")
    first = network.stages[0].blocks[0]
    gain = (2 / 1.04) ** 0.5 * 4 ** (-1 / 4)
    assert first.expand.weight.std().item() == pytest.approx(gain / 64**0.5, rel=0.05)
    assert first.mix.weight.std().item() == pytest.approx(gain / (32 * 9) ** 0.5, rel=0.05)
    assert torch.count_nonzero(first.project.weight) == 0
    assert network.basis.std().item() == pytest.approx(1, rel=0.1)
    other = Generator(config)
    initialise(other, 1, "generator")
    assert not torch.equal(first.expand.weight, other.stages[0].blocks[0].expand.weight)


def test_conditional_discriminator_reads_its_label():
    network = Discriminator(small_network(conditional=True), classes=10)
    initialise(network, 0, "discriminator")
    x = torch.randn(2, 3, 8, 8)
    labels = torch.eye(10)
    assert not torch.allclose(network(x, labels[[0, 1]]), network(x, labels[[2, 3]]))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_bf16_stages_stay_close_to_float32_on_a_gpu():
    config = small_network(bf16_stages=1)
    network = Generator(config)
    initialise(network, 0, "generator")
    z = torch.randn(16, config.latent_dim)
    exact = network(z)
    low = network.cuda()(z.cuda()).cpu()
    assert low.dtype == torch.float32
    assert not torch.equal(exact, low)
    assert torch.allclose(exact, low, atol=0.05)

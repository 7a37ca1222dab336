from dataclasses import replace

import pytest
import torch

from r3gan.config import AttentionConfig, AugmentationConfig, NetworkConfig, PenaltyConfig
from r3gan.model.networks import Discriminator, Generator
from r3gan.training.augment import NOISE_SIZE
from r3gan.training.batches import Batch
from r3gan.training.cost import Workload
from r3gan.training.estimate import Meter, default_micro_batch, estimate, gpu_memory_bytes, parts_of
from r3gan.training.steps import accumulate_discriminator, accumulate_generator
from tests.r3gan.small import small_network, step_options

CPU = torch.device("cpu")


def work(network, classes=0, augments=False, pairs=8):
    augmentation = AugmentationConfig() if augments else None
    return Workload(network=network, classes=classes, penalties=PenaltyConfig(), augmentation=augmentation, pairs=pairs)


def block_macs(width, groups, size):
    """Multiplications per image of one residual block, by hand: 1x1, grouped 3x3, 1x1, with expansion 2."""
    return size**2 * (width * 2 * width + 9 * (2 * width) ** 2 // groups + 2 * width * width)


def test_operations_are_those_counted_by_hand():
    network = NetworkConfig(widths=(16, 16), groups=(4, 4), blocks=(1, 1), latent_dim=6)
    blocks = block_macs(16, 4, 4) + block_macs(16, 4, 8)
    resample = 4**2 * 16 * 16  # a 4x4 kernel per channel, at the small side
    ends = 8**2 * 3 * 16
    d_forward = blocks + resample + ends + 16
    g_forward = blocks + resample + ends + 6 * 16
    # D step: one forward of G, four of D for real and fake. G step: D forward for real; for fake, D forward and back to
    # the input, G forward and back to input and weights. What a pass does not need (weights of the resampling; input
    # gradients of the latents) is not counted.
    d_passes, g_passes = 4 * 2 + 1 + 2, 1 + 3
    missing = 2 * resample + resample + 6 * 16
    expected = 2 * (d_passes * d_forward + g_passes * g_forward - missing)
    cost = estimate(work(network, pairs=8), 8, False)
    assert cost.flops_per_image == pytest.approx(expected, rel=0.002)


def test_parameters_are_those_of_the_networks():
    network = small_network(conditional=True, attention=AttentionConfig(resolutions=(8,)))
    cost = estimate(work(network, classes=7, pairs=8), 8, False)
    for count, cls in ((cost.generator_parameters, Generator), (cost.discriminator_parameters, Discriminator)):
        assert count == sum(p.numel() for p in cls(network, 7).parameters())


@pytest.mark.parametrize("attention", [(), (8,)])
@pytest.mark.parametrize("augments", [False, True])
@pytest.mark.parametrize("activation", ["leaky-relu", "gelu"])
def test_memory_is_what_the_step_takes_on_a_cpu(attention, activation, augments):
    """Counted on real tensors: the larger of the two steps, with what training holds all the time.

    The meta device does not know that convolutions keep channels_last, and makes a few copies that training does not.
    """
    network = small_network(
        widths=(32, 32), groups=(4, 4), attention=AttentionConfig(resolutions=attention), activation=activation
    )
    generator, discriminator = Generator(network), Discriminator(network)
    for part in (generator, discriminator):
        part.to(memory_format=torch.channels_last)
    noise = torch.rand(16, 2, NOISE_SIZE) if augments else None
    batch = Batch(real=torch.randn(16, 3, 8, 8), latents=torch.randn(16, 6), noise=noise)
    options, peaks = step_options(augment_p=1.0), []
    with Meter() as meter:
        accumulate_discriminator(generator, discriminator, batch, options)
    peaks.append(meter.peak_bytes)
    with Meter() as meter:
        accumulate_generator(generator, discriminator, batch, options)
    peaks.append(meter.peak_bytes)
    g, d = (sum(p.nbytes for p in part.parameters()) for part in (generator, discriminator))
    expected = max(peaks) + 3 * (g + d) + max(g, d) + g + batch.real.nbytes
    cost = estimate(work(network, augments=augments, pairs=16), 16, False)
    assert cost.memory_bytes == pytest.approx(expected, rel=0.15)


def test_peak_memory_forgets_what_is_freed_and_counts_views_once():
    with Meter() as meter:
        a = torch.zeros(1000)
        assert meter.peak_bytes == 4000
        view = a[:10]
        del a
        assert meter.current_bytes == 4000
        del view
        assert meter.current_bytes == 0
        b = torch.zeros(10)
        assert (meter.current_bytes, meter.peak_bytes) == (b.nbytes, 4000)


def test_parts_take_less_memory():
    network = small_network(widths=(32, 32), groups=(4, 4))
    whole, parts = (estimate(work(network, pairs=64), size, False) for size in (64, 8))
    assert parts.memory_bytes < 0.3 * whole.memory_bytes
    assert parts.flops_per_image == pytest.approx(whole.flops_per_image, rel=0.01)


def test_on_a_cpu_parts_keep_activations_below_the_limit_of_the_allocator():
    wide = NetworkConfig(widths=(192,) * 4, groups=(24,) * 4, blocks=(2,) * 4)
    size = default_micro_batch(work(wide, pairs=64), gpu_memory_bytes(CPU))
    assert 2 * size * 2 * 192 * 32 * 32 * 4 <= 2**25 < 2 * (size + 1) * 2 * 192 * 32 * 32 * 4
    assert default_micro_batch(work(small_network(), pairs=64), gpu_memory_bytes(CPU)) == 64


def test_on_a_gpu_parts_are_as_large_as_its_memory_allows(monkeypatch):
    network, sizes = small_network(widths=(32, 32), groups=(4, 4)), {}
    for memory in (2**40, 2**22, 1):
        properties = type("Properties", (), {"total_memory": memory})
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device, found=properties: found)
        sizes[memory] = default_micro_batch(work(network, pairs=64), gpu_memory_bytes(torch.device("cuda", 0)))
    assert sizes[2**40] == 64
    assert sizes[1] == 1
    assert 1 < sizes[2**22] < 64
    assert estimate(work(network, pairs=64), sizes[2**22], True).memory_bytes <= 0.8 * 2**22


def test_bfloat16_takes_half_on_a_gpu_and_does_not_exist_on_a_cpu():
    sizes = {}
    for stages in (0, 2):
        network = small_network(widths=(32, 32), groups=(4, 4), bf16_stages=stages)
        for on_gpu in (False, True):
            sizes[stages, on_gpu] = estimate(work(network, pairs=64), 64, on_gpu).memory_bytes
    assert sizes[0, False] == sizes[2, False] == sizes[0, True]
    assert 0.5 < sizes[2, True] / sizes[0, True] < 0.65


def test_parts_on_a_cpu_know_of_attention():
    plain, attentive = (
        NetworkConfig(
            widths=(16,) * 4, groups=(2,) * 4, blocks=(1,) * 4, attention=AttentionConfig(resolutions=resolutions)
        )
        for resolutions in ((), (32,))
    )
    sizes = [default_micro_batch(work(network, pairs=64), gpu_memory_bytes(CPU)) for network in (plain, attentive)]
    assert sizes == [64, 2]  # two heads of 1024 x 1024 weights are 8 MiB for each image


def test_parts_are_named_by_their_real_size():
    assert [parts_of(32, size) for size in (100, 32, 21, 10, 1, 0)] == [32, 32, 16, 8, 1, 1]


def test_lazy_penalties_cost_their_share_and_finite_differences_more_than_the_exact_form():
    network = small_network(widths=(32, 32), groups=(4, 4))

    def flops(**penalties):
        asked = replace(work(network, pairs=8), penalties=PenaltyConfig(**penalties))
        return estimate(asked, 8, False).flops_per_image

    never, always, lazy, rare = flops(r1=False, r2=False), flops(), flops(every=4), flops(every=8)
    assert lazy - never == pytest.approx(2 * (rare - never))
    assert never < rare < always
    assert always < flops(finite_difference_sigma=0.1)

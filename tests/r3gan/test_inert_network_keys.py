"""Two networks are one job if, and only if, they begin with the same weights and compute the same with any weights."""

from dataclasses import fields, is_dataclass, replace

import pytest
import torch

from r3gan.config import NetworkConfig, TransformerConfig
from r3gan.config_checks import find_problems
from r3gan.identity import configuration_identity
from r3gan.model.dropout import dropping
from r3gan.model.networks import Discriminator, Generator, initialise
from r3gan.streams import stream
from tests.r3gan.small import small_config, small_network

CLASSES = 3
OTHERS = {  # key of the network -> other values than the default
    "widths": ((16, 16),),
    "groups": ((8, 2), (4, 4)),
    "blocks": ((2, 1),),
    "expansion": (4,),
    "kernel": (1, 5),
    "activation": ("relu", "gelu", "silu"),
    "activation_after_mix": ("none",),
    "activation_networks": (("generator",), ("discriminator",)),
    "normalisation": ("group-norm", "spectral"),
    "normalisation_networks": (("generator",),),
    "resampling": ("nearest",),
    "resampling_networks": (("discriminator",),),
    "base_resolution": (2,),
    "latent_dim": (5,),
    "conditional": (False,),
    "class_head": ("projection",),
    "bf16_stages": (1, 2),
    "fp16_stages": (1, -1),
    "emulate_precision": (False,),
    "dropout": (0.5,),
    "minibatch_kernels": (2,),
    "minibatch_group": (4,),
    "attention.resolutions": ((4,), (8, 4)),
    "attention.heads": (1, 4),
    "attention.networks": (("generator",),),
    "attention.kind": ("axial",),
    "attention.position": ("learned",),
    "transformer.heads": (1, 4),
    "style.mapping_layers": (1,),
    "style.modulation": ("blocks",),
    "style.noise": (True,),
}
ELSEWHERE = {
    "image_channels": "of another dataset",
    "transformer.resolutions": "what is varied between the tests",
    "transformer.networks": "the same",
    "capacity.shape": "widths stand for it",
    "capacity.blocks": "blocks stand for it",
    "capacity.equal": "widths stand for it",
    "style.mixing": "of the training alone",
}
BASES = {
    "residual blocks": {},
    "transformers in G": {"transformer": TransformerConfig(resolutions=(4, 8), networks=("generator",))},
    "transformers in D": {"transformer": TransformerConfig(resolutions=(4, 8), networks=("discriminator",))},
    "transformers": {"transformer": TransformerConfig(resolutions=(8, 4))},
    "transformers after nothing else": {
        "transformer": TransformerConfig(resolutions=(8, 4), networks=("generator",)),
        "activation_after_mix": "none",
    },
}
MERGED = {  # what is of residual blocks alone
    "residual blocks": set(),
    "transformers in G": {"activation_after_mix of the generator"},
    "transformers in D": {"activation_after_mix of the discriminator"},
    "transformers": {"groups", "expansion", "kernel", "activation_after_mix"},
}


def with_key(network, key, value):
    first, _, rest = key.partition(".")
    return replace(network, **{first: with_key(getattr(network, first), rest, value) if rest else value})


def networks_of(base):
    """The base, each other value of each key, and what several keys together come to."""
    plain = small_network(conditional=True, emulate_precision=True, **BASES[base])
    yield "", plain
    for key, values in OTHERS.items():
        yield from ((key, with_key(plain, key, value)) for value in values)
    for only in ("generator", "discriminator"):
        for key, value in (("activation_after_mix", "none"), ("activation", "relu"), ("activation", "leaky-relu")):
            yield f"{key} of the {only}", replace(with_key(plain, key, value), activation_networks=(only,))


def job_of(network):
    return replace(small_config(), network=network)


@torch.no_grad()
def computed(network):
    """Names and values of the initial weights, and outputs of G and D whose weights have all moved."""
    found = []
    draw = torch.Generator().manual_seed(0)
    labels = torch.eye(CLASSES)[torch.arange(8) % CLASSES] if network.conditional else None
    for cls, name in ((Generator, "generator"), (Discriminator, "discriminator")):
        part = cls(network, CLASSES)
        initialise(part, 0, name)
        found += [(f"{name}.{key}", value.clone()) for key, value in sorted(part.state_dict().items())]
        for key, value in part.named_parameters():
            value.add_(0.3 * torch.randn(value.shape, generator=stream(1, name, key)))
        if name == "generator":
            found.append(("images", part(torch.randn(8, part.latent_dim, generator=draw), labels)))
        else:
            images = torch.randn(8, 3, network.resolution, network.resolution, generator=stream(2, "images"))
            with dropping(part, torch.rand(8, sum(network.widths), generator=draw) if network.dropout else None):
                found.append(("logits", part(images, labels)))
    return found


def equal(one, other):
    return [k for k, _ in one] == [k for k, _ in other] and all(
        a.shape == b.shape and torch.equal(a, b) for (_, a), (_, b) in zip(one, other, strict=True)
    )


def test_every_key_of_the_network_is_varied():
    def keys(cls, prefix=""):
        for field in fields(cls):
            inner = field.default_factory if is_dataclass(field.default_factory) else None
            yield from keys(inner, f"{field.name}.") if inner else [f"{prefix}{field.name}"]

    assert set(keys(NetworkConfig)) == set(OTHERS) | set(ELSEWHERE)


@pytest.mark.parametrize("base", BASES)
def test_networks_are_one_job_exactly_if_they_are_the_same(base):
    made = [(key, net) for key, net in networks_of(base) if not find_problems(job_of(net))]
    results = [(key, configuration_identity(job_of(network)), computed(network)) for key, network in made]
    for i, (key, identity, one) in enumerate(results):
        for other_key, other_identity, other in results[:i]:
            assert (identity == other_identity) == equal(one, other), (key, other_key)
    alike = {key for key, identity, _ in results if identity == results[0][1]}
    assert MERGED.get(base, set()) <= alike


def test_what_transformers_have_in_place_of_residual_blocks_has_the_identity_that_it_had():
    everywhere = {"resolutions": (4, 8)}
    base = small_network(widths=(32, 16), groups=(4, 2), transformer=TransformerConfig(**everywhere))
    assert configuration_identity(job_of(base)) == "8fed1e3a73"
    at_8 = small_network(transformer=TransformerConfig(resolutions=(8,)))
    assert configuration_identity(job_of(replace(at_8, groups=(2, 2)))) != configuration_identity(job_of(at_8))

"""Snapshots of the official release (brownvc/R3GAN): its networks' tensors under our names, with our configuration.

A snapshot is a pickled dictionary of torch modules. It is read as data, see r3gan/generation/pickle_reader.py; the
official code is not needed, and neither it nor anything else that the file names is run.
"""

import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from r3gan.config import NetworkConfig
from r3gan.data.errors import BadData
from r3gan.generation.official_names import KERNEL, our_name
from r3gan.generation.pickle_reader import ORDERED_DICT, Instance, Name, RefusedPickle, read_pickle
from r3gan.generation.pickled_tensors import PARAMETER, STORAGE, TENSOR, rebuild_tensor
from r3gan.model.networks import Discriminator, Generator
from r3gan.tables.resamplings import FILTER, RESAMPLINGS

NETWORKS = {"G": "G", "D": "D", "G_ema": "G"}  # by their keys; which kind each is
COUNTER = "cur_nimg"
OUTER = {"G": Name("training.networks", "Generator"), "D": Name("training.networks", "Discriminator")}
BF16, FLOAT32 = Name("torch", "bfloat16"), Name("torch", "float32")
LAYERS = {
    "R3GAN.Networks": (
        *("Generator", "Discriminator", "GeneratorStage", "DiscriminatorStage", "GenerativeBasis"),
        *("DiscriminativeBasis", "ResidualBlock", "Convolution", "UpsampleLayer", "DownsampleLayer"),
    ),
    "R3GAN.FusedOperators": ("BiasedActivationCUDA", "BiasedActivationReference"),
    "R3GAN.Resamplers": tuple(
        f"Interpolative{way}sampler{form}" for way in ("Up", "Down") for form in ("CUDA", "Reference")
    ),
    "torch.nn.modules.container": ("ModuleList",),
    "torch.nn.modules.conv": ("Conv2d",),
    "torch.nn.modules.linear": ("Linear",),
}
KNOWN = {Name(module, name) for module, names in LAYERS.items() for name in names} | {
    *(*OUTER.values(), Name(*ORDERED_DICT), PARAMETER, TENSOR, STORAGE, BF16, FLOAT32)
}


class Official(NamedTuple):
    """A snapshot of the official release, as ours."""

    network: NetworkConfig
    classes: int  # 0: unconditional
    images: int  # real images shown to D before
    tensors: dict[str, dict[str, Tensor]]  # by the snapshot's keys, then by our names


def read_official(path: Path) -> Official:
    """The networks in a snapshot. Raises BadData if it is none, naming what was found in it."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            snapshot = read_pickle(content, KNOWN)  # type: ignore[arg-type]
        return as_ours(snapshot)
    except RefusedPickle as error:
        raise BadData(f"{path} is no snapshot of the official R3GAN: {error}; nothing in it was run") from error
    except (OSError, ValueError) as error:
        raise BadData(f"{path} cannot be read: {error}") from error


def as_ours(snapshot: Any) -> Official:
    """The content of a snapshot. Raises RefusedPickle."""
    expected = {*NETWORKS, COUNTER}
    held = sorted(map(str, snapshot)) if isinstance(snapshot, dict) else [f"a {type(snapshot).__name__}"]
    if not isinstance(snapshot, dict) or not expected <= set(snapshot):
        raise RefusedPickle(f"it holds {', '.join(held)[:200]}; {', '.join(sorted(expected))} were expected")
    images = snapshot[COUNTER]
    if type(images) is not int or images < 0:
        raise RefusedPickle(f"its {COUNTER} is a {type(images).__name__}, not a number of images")
    models = {key: model_of(key, snapshot[key]) for key in NETWORKS}
    found = {key: _renamed(key, model, NETWORKS[key]) for key, model in models.items()}
    wrapper = snapshot["G_ema"].state
    network = _network_of(found["G_ema"], models["G_ema"], wrapper.get("c_dim"))
    for key, tensors in found.items():
        _require_fit(key, tensors, network, wrapper["c_dim"])
        _require_said(key, snapshot[key].state, network, wrapper["c_dim"])
    own = {key: _without_kernels(tensors) for key, tensors in found.items()}
    return Official(network, wrapper["c_dim"], images, own)


def model_of(key: str, wrapper: Any) -> dict[str, Any]:
    """The tensors, and the stages' types, of the network in a wrapper, by their official names."""
    kind = OUTER[NETWORKS[key]]
    if not isinstance(wrapper, Instance) or wrapper.kind != kind or not isinstance(wrapper.state, dict):
        raise RefusedPickle(f"its {key} is no {kind}")
    model = _part(wrapper, "_modules").get("Model")
    if not isinstance(model, Instance) or model.kind.module != "R3GAN.Networks":
        raise RefusedPickle(f"its {key} has no Model of R3GAN.Networks")
    found: dict[str, Any] = {}
    waiting, seen = [("", model)], set()
    while waiting:
        prefix, module = waiting.pop()
        if not isinstance(module, Instance) or id(module) in seen:
            raise RefusedPickle(f"its {key} has no module of its own at {prefix or 'its top'}")
        seen.add(id(module))
        for part in ("_parameters", "_buffers"):
            found |= {f"{prefix}{name}": value for name, value in _part(module, part).items() if value is not None}
        if module.kind.name.endswith("Stage"):
            found[f"{prefix}DataType"] = (module.state or {}).get("DataType")
        waiting += [(f"{prefix}{name}.", child) for name, child in _part(module, "_modules").items()]
    return found


def _part(module: Instance, part: str) -> dict[str, Any]:
    found = (module.state or {}).get(part)
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise RefusedPickle(f"a {module.kind} of it has no {part}")
    return found


def _renamed(key: str, model: Mapping[str, Any], kind: str) -> dict[str, Tensor]:
    """The tensors by our names; kernels keep theirs."""
    found = {}
    for name, value in model.items():
        if name.endswith("DataType"):
            continue
        try:
            ours = our_name(name, kind) or name
        except KeyError:
            raise RefusedPickle(f"its {key} has {name}, which the released networks do not have") from None
        try:
            found[ours] = rebuild_tensor(value)
        except RefusedPickle as error:
            raise RefusedPickle(f"{error} ({key}.{name})") from error
    return found


def _without_kernels(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in tensors.items() if not name.endswith(KERNEL)}


def _network_of(tensors: Mapping[str, Tensor], model: Mapping[str, Any], classes: Any) -> NetworkConfig:
    """The configuration that G's tensors have the shapes of."""
    widths: list[int] = []
    groups: list[int] = []
    blocks: list[int] = []
    expansions: set[int] = set()
    while (expand := tensors.get(f"stages.{len(widths)}.blocks.0.expand.weight")) is not None:
        stage = f"stages.{len(widths)}.blocks"
        mix = tensors.get(f"{stage}.0.mix.weight")
        if mix is None or expand.ndim != 4 or mix.ndim != 4:
            raise RefusedPickle(f"its generator lacks the weights of {stage}.0")
        expanded, width = expand.shape[:2]
        widths.append(width)
        groups.append(max(1, expanded // mix.shape[1]))
        expansions.add(max(1, expanded // width))
        blocks.append(sum(f"{stage}.{i}.expand.weight" in tensors for i in range(100)))
    modulation = tensors.get("modulation.weight")
    if modulation is None or len(expansions) != 1 or type(classes) is not int or classes < 0:
        raise RefusedPickle("its generator has not the weights and sizes of the released ones")
    return NetworkConfig(
        widths=tuple(widths),
        groups=tuple(groups),
        blocks=tuple(blocks),
        expansion=expansions.pop(),
        resampling=_resampling_of(tensors),
        latent_dim=modulation.shape[-1] // (2 if classes else 1),
        conditional=classes > 0,
        bf16_stages=_bf16_stages(model, len(widths)),
    )


def _resampling_of(tensors: Mapping[str, Tensor]) -> str:
    """The row of the table whose kernel all stages have."""
    kernels = [tensor / tensor.sum() for name, tensor in tensors.items() if name.endswith(KERNEL)]
    fixed = {name: row for name, row in RESAMPLINGS.items() if row.layers == FILTER}
    for name, row in fixed.items():
        taps = torch.tensor(row.taps) / sum(row.taps)
        kernel = torch.outer(taps, taps)
        if all(k.shape == kernel.shape and torch.allclose(k, kernel, atol=1e-6) for k in kernels):
            return name
    raise RefusedPickle(f"it resamples with another kernel than {', '.join(fixed)}")


def _bf16_stages(model: Mapping[str, Any], stages: int) -> int:
    kinds = [model.get(f"MainLayers.{i}.DataType") for i in range(stages)]
    low = kinds.count(BF16)
    if kinds != [FLOAT32] * (stages - low) + [BF16] * low:
        raise RefusedPickle("its stages are not of float32 and, from the highest resolution down, of bfloat16")
    return low


def _require_said(key: str, said: Mapping[str, Any], network: NetworkConfig, classes: int) -> None:
    """Raises RefusedPickle if a generator's own numbers, which discriminators lack, are not those of its weights."""
    sizes = {"z_dim": network.latent_dim, "c_dim": classes, "img_resolution": network.resolution}
    if NETWORKS[key] == "G" and any(said.get(name) != size for name, size in sizes.items()):
        numbers = ", ".join(f"{name} {str(said.get(name))[:20]}" for name in sizes)
        held = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise RefusedPickle(f"its {key} says {numbers}, and the weights are of {held}")


def _require_fit(key: str, tensors: Mapping[str, Tensor], network: NetworkConfig, classes: int) -> None:
    """Raises RefusedPickle unless the tensors are those of our network of this configuration."""
    kind = Generator if NETWORKS[key] == "G" else Discriminator
    try:
        with torch.device("meta"):
            expected = {name: list(tensor.shape) for name, tensor in kind(network, classes).state_dict().items()}
    except (ValueError, RuntimeError, ZeroDivisionError) as error:
        raise RefusedPickle(f"the shapes of its {key} make no network ({str(error).splitlines()[0]})") from error
    found = {name: list(tensor.shape) for name, tensor in _without_kernels(tensors).items()}
    different = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if different:
        name = different[0]
        sizes = f"{found.get(name, 'missing')}, expected {expected.get(name, 'nothing')}"
        raise RefusedPickle(
            f"{len(different)} tensors of its {key} do not fit the released networks: {name} is {sizes}"
        )

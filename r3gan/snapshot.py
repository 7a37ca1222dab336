"""Generators from the files of a job, a checkpoint, or one file of weights; they carry their configuration."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from r3gan.config import NetworkConfig, TrainConfig
from r3gan.config_json import from_dict
from r3gan.jobdir import JobDir
from r3gan.model.networks import Generator
from r3gan.tensor_files import DamagedTensors, load_tensors, save_tensors

WeightsName = Literal["ema", "raw", "best"]
FILE_NAMES = {"ema": "ema.safetensors", "raw": "generator.safetensors"}
OF_GENERATORS = "basis"  # a tensor that generators have
OF_BOTH = "trunk."  # what names of tensors begin with in generators and discriminators


def save_weights(network: nn.Module, path: Path, config: TrainConfig, images: int, **facts: str | float) -> None:
    """Write a network's weights with what is to be known of them: the configuration, images shown, and `facts`."""
    save_tensors(network.state_dict(), path, config=asdict(config), images=images, **facts)


class NoSnapshot(Exception):
    """There is no generator to load; the message says where one was looked for."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A generator, and the training it comes from."""

    generator: Generator
    network: NetworkConfig
    dataset: str | None  # what it was trained on, if that is one of ours
    images: int  # real images shown to D before
    chosen: bool  # whether it is the best of several by a metric


def find_snapshot(source: Path, weights: WeightsName) -> Path | None:
    """The file of weights in a job directory or a checkpoint, or the file itself. None if `source` is none of these.

    Raises NoSnapshot for a job that has no such weights.
    """
    if source.suffix == ".safetensors":
        return source
    job = JobDir(source)
    if job.config.exists():
        folder = job.last_checkpoint()
        path = job.best if weights == "best" else folder and folder / FILE_NAMES[weights]
        if path is None or not path.exists():
            raise NoSnapshot(f"{source}: the job has no {'best weights' if weights == 'best' else 'checkpoint'} yet")
        return path
    if (source / FILE_NAMES["ema"]).exists():
        if weights == "best":
            raise NoSnapshot(f"{source} is a checkpoint: the best weights lie in its job's directory")
        return source / FILE_NAMES[weights]
    return None


def open_snapshot(source: Path, weights: WeightsName, device: torch.device) -> Snapshot:
    """The generator in whatever `find_snapshot` knows. Raises NoSnapshot if that is something else or damaged."""
    if not source.exists():
        raise NoSnapshot(f"{source} does not exist")
    path = find_snapshot(source, weights)
    if path is None:
        raise NoSnapshot(
            f"{source} holds no generator: a job directory, a checkpoint or a .safetensors file was expected"
        )
    if path == source and weights != "ema":
        raise NoSnapshot(f"{source} holds one generator: which of several ({weights}) is a question to a job directory")
    return load_snapshot(path, device)


def load_snapshot(path: Path, device: torch.device) -> Snapshot:
    """The generator in a file of weights. Raises NoSnapshot if it is no such file, or a damaged one."""
    try:
        weights, facts = load_tensors(path)
        trained: TrainConfig | None = from_dict(TrainConfig, facts["config"]) if "config" in facts else None
        if OF_GENERATORS not in weights and any(name.startswith(OF_BOTH) for name in weights):
            instead = f"name {FILE_NAMES['ema']} or {FILE_NAMES['raw']}, which lie beside it"
            raise NoSnapshot(f"{path} holds the weights of a discriminator, which makes no images: {instead}")
        network: NetworkConfig = trained.network if trained else from_dict(NetworkConfig, facts["network"])
        classes = weights["embedding.weight"].shape[1] if "embedding.weight" in weights else 0
        generator = Generator(network, classes)
        generator.load_state_dict(weights)
        images = int(facts["images"])
    except DamagedTensors as error:
        raise NoSnapshot(f"{error}: name another file of weights, or train again") from error
    except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise NoSnapshot(f"{path} holds no generator of this project: {str(error).splitlines()[0]}") from error
    generator.to(device).to(memory_format=torch.channels_last).eval().requires_grad_(False)
    dataset, chosen = trained.dataset if trained else None, "metric" in facts
    return Snapshot(generator=generator, network=network, dataset=dataset, images=images, chosen=chosen)

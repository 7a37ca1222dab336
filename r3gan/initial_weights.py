"""Fine-tuning: the weights that a training begins with, from a job, a checkpoint, or one file of weights."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from torch import Tensor, nn

from r3gan.data.errors import BadData
from r3gan.jobdir import JobDir
from r3gan.snapshot import OF_GENERATORS
from r3gan.tensor_files import DamagedTensors, hash_tensors, load_tensors

NETWORKS = ("generator", "discriminator", "ema")  # as checkpoints name their files
OF_STAGES = re.compile(r"^(trunk\.stages\.)(-?\d+)\.")  # names of D's tensors; G's stages count up from 4x4
INSTEAD = {"generator": "ema", "ema": "generator"}  # which begins as the other, where one is missing
Tensors = Mapping[str, Tensor]


class BadWeights(BadData):
    """There are no weights to begin with; the message says what was found where."""


@dataclass(frozen=True)
class Begun:
    """What a network took from the weights."""

    loaded: int  # tensors
    left_out: tuple[str, ...]  # a text for each that is not in both, or has another shape


def find_files(source: Path) -> dict[str, Path]:
    """Network -> file. A single file is a generator's or D's by what it holds. Raises BadWeights."""
    if source.is_file():
        return {"": source}
    job = JobDir(source)
    folder = job.last_checkpoint() if job.config.exists() else source
    if folder is None:
        raise BadWeights(f"{source}: the job has no checkpoint yet")
    found = {name: folder / f"{name}.safetensors" for name in NETWORKS if (folder / f"{name}.safetensors").is_file()}
    if not found:
        what = "holds no generator.safetensors, ema.safetensors or discriminator.safetensors"
        raise BadWeights(f"{source} {what if source.exists() else 'does not exist'}")
    return found


def load_weights(source: Path) -> dict[str, Tensors]:
    """Network -> tensors. Raises BadWeights if there are none, or damaged ones."""
    try:
        found: dict[str, Tensors] = {name: load_tensors(path)[0] for name, path in find_files(source).items()}
    except (DamagedTensors, OSError) as error:
        raise BadWeights(str(error)) from error
    if "" in found:
        tensors = found.pop("")
        found["generator" if OF_GENERATORS in tensors else "discriminator"] = tensors
    return found


def content_hash(weights: Mapping[str, Tensors]) -> str:
    """Sixteen hexadecimal digits that stand for all names, types, shapes and values."""
    return hash_tensors({f"{network}.{name}": t for network, of in weights.items() for name, t in of.items()})[:16]


def weights_content(source: Path) -> str:
    """The hash of the weights at a path. Raises BadWeights."""
    try:
        files = sorted(find_files(source).values())
        return _content(source, tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in files))
    except OSError as error:
        raise BadWeights(f"{source} cannot be read: {error.strerror or error}") from error


@cache
def _content(source: Path, files: tuple[tuple[Path, int, int], ...]) -> str:
    """Hashed once while the files are the same: a plan asks for every variant."""
    return content_hash(load_weights(source))


def begin_with(networks: Mapping[str, nn.Module], source: Path, content: str) -> dict[str, Begun]:
    """Load what fits into the networks, named as in NETWORKS; all else stays as it is.

    Raises BadWeights, also if nothing fits: a training from scratch would not be what was asked for.
    """
    weights = load_weights(source)
    found = content_hash(weights)
    if found != content:
        raise BadWeights(
            f"{source} holds other weights ({found}) than those this training was planned with ({content})"
        )
    begun = {}
    for name, network in networks.items():
        theirs = weights.get(name) or weights.get(INSTEAD.get(name, ""), {})
        begun[name] = load_fitting(network, theirs)
    if not any(taken.loaded for taken in begun.values()):
        texts = next(taken.left_out for taken in begun.values() if taken.left_out)
        raise BadWeights(f"{source}: no tensor of its networks fits this training's, such as {texts[0]}")
    return begun


def load_fitting(network: nn.Module, theirs: Tensors) -> Begun:
    """Load the tensors whose names and shapes are the network's."""
    ours = network.state_dict()
    theirs = aligned(theirs, ours)
    fitting = {name: tensor for name, tensor in theirs.items() if name in ours and ours[name].shape == tensor.shape}
    network.load_state_dict(ours | fitting)
    names = [name for name in {**ours, **theirs} if name not in fitting]
    return Begun(
        len(fitting), tuple(f"{name} ({_shape(theirs, name)} there, {_shape(ours, name)} here)" for name in names)
    )


def aligned(theirs: Tensors, ours: Tensors) -> Tensors:
    """D's tensors under the names of the same resolutions in our D, whose stages count down from the highest one."""
    shift = _stages(ours) - _stages(theirs)

    def renamed(found: re.Match[str]) -> str:
        return f"{found[1]}{int(found[2]) + shift}."

    return {OF_STAGES.sub(renamed, name): tensor for name, tensor in theirs.items()}


def _stages(tensors: Tensors) -> int:
    return 1 + max((int(found[2]) for name in tensors if (found := OF_STAGES.match(name))), default=-1)


def _shape(tensors: Tensors, name: str) -> str:
    return str(list(tensors[name].shape)) if name in tensors else "none"

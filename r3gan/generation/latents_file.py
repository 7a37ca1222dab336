"""Latents, and classes, that a user made: a safetensors file with `z` and, for a conditional generator, `labels`."""

from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from r3gan.data.errors import BadData
from r3gan.data.progress import tell
from r3gan.generation.inputs import as_one_hot
from r3gan.generation.load import LoadedGenerator

Z, LABELS = "z", "labels"


def read_latents(path: Path, generator: LoadedGenerator) -> tuple[Tensor, Tensor | None]:
    """Latents [N, Z] and, if the file has them, weights of classes [N, K]. Raises BadData for any other content."""
    try:
        with safe_open(path, "pt") as file:
            names = set(file.keys())
            found = {name: file.get_tensor(name) for name in (Z, LABELS) if name in names}
    except (OSError, SafetensorError) as error:
        raise BadData(f"{path} cannot be read as safetensors: {str(error).splitlines()[0]}") from error
    if Z not in found:
        held = ", ".join(sorted(names)) or "nothing"
        raise BadData(f"{path} holds {held}: a tensor {Z!r} with the latents was expected")
    z, labels = found[Z], found.get(LABELS)
    if z.ndim != 2 or z.shape[1] != generator.latent_dim or not len(z):
        raise BadData(f"{path}: z is {list(z.shape)}: [N, {generator.latent_dim}] was expected by this generator")
    if not z.is_floating_point() or not z.isfinite().all():
        raise BadData(f"{path}: z is to hold finite floating-point numbers")
    if labels is not None:
        _require_labels(path, labels, len(z), generator.classes)
    if names - set(found):
        tell(f"{path}: left out {', '.join(sorted(names - set(found)))}")
    if labels is not None:
        labels = as_one_hot(labels.long(), generator.classes) if labels.ndim == 1 else labels.float()
    return z.float(), labels


def _require_labels(path: Path, labels: Tensor, count: int, classes: int) -> None:
    if not classes:
        raise BadData(f"{path}: it has labels, and this generator is unconditional: leave them out")
    if labels.ndim == 1 and not labels.is_floating_point():
        fits = len(labels) == count and int(labels.min()) >= 0 and int(labels.max()) < classes
    else:
        fits = list(labels.shape) == [count, classes] and bool(labels.isfinite().all())
    if not fits:
        expected = f"classes [{count}] from 0 to {classes - 1}, or weights [{count}, {classes}]"
        raise BadData(f"{path}: labels are {list(labels.shape)}: {expected} were expected")

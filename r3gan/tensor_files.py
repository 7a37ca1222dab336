"""Tensors in safetensors files that carry a hash of all they hold, so that a damaged one is never taken for sound.

All facts are one entry of the file's metadata, because the format keeps several in no fixed order.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

METADATA = "r3gan"
DIGEST = "sha256"
REFUSED = re.compile(r"\(os error (\d+)\)")  # how safetensors tells that the system does not write


class DamagedTensors(Exception):
    """A file does not hold what was written into it; the message says which and how that shows."""


def save_tensors(tensors: Mapping[str, Tensor], path: Path, **facts: Any) -> None:
    """Write tensors with facts about them (plain JSON data) and a hash of both. Raises OSError."""
    own = {name: tensor.contiguous() for name, tensor in tensors.items()}
    try:
        save_file(own, path, {METADATA: json.dumps(facts | {DIGEST: hash_tensors(own, facts)})})
    except SafetensorError as error:
        refused = REFUSED.search(str(error))
        if refused is None:
            raise
        number = int(refused[1])
        raise OSError(number, os.strerror(number), str(path)) from error


def load_tensors(path: Path, device: str = "cpu") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the facts that `save_tensors` wrote. Raises DamagedTensors, and OSError if there is no file."""
    try:
        with safe_open(path, "pt", device=device) as file:
            facts: dict[str, Any] = json.loads((file.metadata() or {})[METADATA])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        promised = facts.pop(DIGEST)
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedTensors(f"{path} is no sound file of tensors ({_first_line(error)})") from error
    found = hash_tensors(tensors, facts)
    if found != promised:
        raise DamagedTensors(f"{path} is damaged (its content hash is {found[:10]}, not {str(promised)[:10]})")
    return tensors, facts


def hash_tensors(tensors: Mapping[str, Tensor], facts: Mapping[str, Any] | None = None) -> str:
    """SHA-256 over facts, and over names, types, shapes and values of tensors, whatever the order."""
    digest = hashlib.sha256(json.dumps(facts or {}, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _first_line(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"its metadata has no {error}, which this project writes"
    return (str(error).splitlines() or [type(error).__name__])[0]

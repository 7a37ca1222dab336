"""Tensors that take long to compute, kept for all jobs. Jobs that start together wait for the first.

A file that is damaged is said, and made again.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from r3gan.data.catalog import cache_root
from r3gan.files import file_lock, replace_file
from r3gan.tensor_files import DamagedTensors, load_tensors, save_tensors

Content = tuple[dict[str, Tensor], dict[str, Any]]  # tensors, and facts about them


def cached(name: str, compute: Callable[[], Content]) -> tuple[Path, Content]:
    """The cache's file of this name and what it holds; it is computed if the file is not there, whole and sound.

    Raises OSError.
    """
    path = cache_root() / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    with file_lock(path.with_suffix(".lock")):
        content = _read(path)
        if content is None:
            tensors, facts = content = compute()
            replace_file(path, lambda temporary: save_tensors(tensors, temporary, **facts))
    return path, content


def _read(path: Path) -> Content | None:
    if not path.exists():
        return None
    try:
        return load_tensors(path)
    except DamagedTensors as error:
        print(f"warning: {error}: it is computed again", file=sys.stderr)
        return None

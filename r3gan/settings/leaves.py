"""Configurations as {dotted key: value}."""

from dataclasses import asdict
from typing import Any

from r3gan.config import TrainConfig
from r3gan.settings.values import KeyPath, dotted


def flatten(tree: Any, path: KeyPath = ()) -> dict[KeyPath, Any]:
    """Nested mappings, and lists of mappings, as {path: leaf}; other lists are leaves."""
    if isinstance(tree, dict) and tree:
        items: Any = tree.items()
    elif isinstance(tree, (list, tuple)) and tree and isinstance(tree[0], dict):
        items = enumerate(tree)
    else:
        return {path: list(tree) if isinstance(tree, tuple) else tree}
    return {p: leaf for key, value in items for p, leaf in flatten(value, (*path, key)).items()}


def leaves(config: TrainConfig) -> dict[str, Any]:
    """A configuration as {dotted key: value}, without the keys that are not set."""
    return {dotted(path): value for path, value in flatten(asdict(config)).items() if value is not None}

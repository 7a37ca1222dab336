"""Layers of settings, of which later ones win. Every key remembers the layer that set it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from r3gan.settings.problems import BadSettings, SettingProblem
from r3gan.settings.values import KeyPath


@dataclass(frozen=True)
class Origin:
    """Where a key was set, for the user: "ablations.yaml:12" or an option, and the key as it stands there."""

    where: str
    key: str


@dataclass(frozen=True)
class Node:
    """A value and where it was set: a mapping of further nodes, or anything else as a whole."""

    value: Any
    origin: Callable[[KeyPath], Origin]  # of a path below this node

    def plain(self) -> Any:
        """The value without origins."""
        return {key: node.plain() for key, node in self.value.items()} if isinstance(self.value, dict) else self.value

    def origin_at(self, path: KeyPath) -> Origin:
        """Where the value at a path, or what holds it, was set."""
        if path and isinstance(self.value, dict) and path[0] in self.value:
            return self.value[path[0]].origin_at(path[1:])
        return self.origin(path)


def annotate(tree: Any, origin: Callable[[KeyPath], Origin], path: KeyPath = ()) -> Node:
    """A layer as nodes; `origin` says where a path of the layer was set."""
    tree = _constant_schedule(path, tree)
    value = {k: annotate(v, origin, (*path, k)) for k, v in tree.items()} if isinstance(tree, dict) else tree
    return Node(value, lambda rest: origin((*path, *rest)))


def merge(below: Node, above: Node) -> Node:
    """Two layers as one: mappings key by key, everything else as a whole, the upper one wins."""
    if not (isinstance(below.value, dict) and isinstance(above.value, dict)):
        return above
    merged = {key: merge(below.value[key], node) if key in below.value else node for key, node in above.value.items()}
    return Node({**below.value, **merged}, above.origin)


def override(node: Node, key: str, value: Any, origin: Callable[[KeyPath], Origin]) -> Node:
    """The tree with the value at a dotted key replaced; a number in the key is a position in a list.

    Raises BadSettings if the key points into a list at an entry that is not there.
    """
    layer = _nested(node.plain(), split_key(key), value, key, origin)
    return merge(node, annotate(layer, origin))


def split_key(key: str) -> KeyPath:
    """The path of a dotted key: loss.1.margin is ("loss", 1, "margin")."""
    return tuple(int(part) if part.isascii() and part.isdecimal() else part for part in key.split("."))


def _nested(tree: Any, path: KeyPath, value: Any, key: str, origin: Callable[[KeyPath], Origin]) -> Any:
    """The layer that sets one path: mappings around the value, and whole copies of the lists on the way."""
    if not path:
        return value
    first, rest = path[0], path[1:]
    if isinstance(tree, (list, tuple)):
        if not isinstance(first, int) or first >= len(tree):
            place = origin(split_key(key))
            message = f"{first} is not an entry of the list of {len(tree)}"
            raise BadSettings([SettingProblem(place.where, place.key, message)])
        entry = _nested(tree[first], rest, value, key, origin)
        if isinstance(entry, dict) and isinstance(tree[first], dict):
            entry = tree[first] | entry
        return [entry if i == first else item for i, item in enumerate(tree)]
    return {first: _nested(tree.get(first) if isinstance(tree, dict) else None, rest, value, key, origin)}


def _constant_schedule(path: KeyPath, value: Any) -> Any:
    """A schedule given as one number is constant."""
    if len(path) == 2 and path[0] == "schedules" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return {"start": value, "end": value, "decay_img": 0, "warmup_img": 0, "shape": "cosine"}
    return value

"""Values as YAML has them, and the dotted keys that they stand under."""

from collections.abc import Iterator
from datetime import date
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError

KeyPath = tuple[str | int, ...]


class UnreadableValue(MarkedYAMLError):
    """A value that YAML allows and Python does not, such as a number of 5000 digits."""


class Constructor(RoundTripConstructor):
    """ruamel.yaml's, which knows the line of a value that Python does not read."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """Raises UnreadableValue, and what ruamel.yaml raises."""
        try:
            return super().construct_object(node, deep=deep)
        except ValueError as error:
            what = str(error).partition(";")[0]  # behind it, advice to those who write Python
            raise UnreadableValue(problem=what, problem_mark=node.start_mark) from error


def load_yaml(text: str) -> Any:
    """What a text holds, as ruamel.yaml has it. Raises YAMLError."""
    yaml = YAML(typ="rt")
    yaml.Constructor = Constructor
    return yaml.load(StringIO(text))


def parse_value(text: str) -> Any:
    """A value as YAML reads it, for the command line. Raises ValueError if it is not valid YAML."""
    try:
        value = plain(load_yaml(text), (), {})
    except UnreadableValue as error:
        raise ValueError(error.problem) from error
    except YAMLError as error:
        raise ValueError(f"{text!r} is not a YAML value") from error
    for *_, message in unquoted_names(value):
        raise ValueError(message)
    return value


def unquoted_names(tree: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any, str]]:
    """Where a mapping has a name that YAML reads as something else than text: its path, the name, and what to do.

    A search names its choices as it likes (experiments/tuning/value_checks.py).
    """
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        if isinstance(tree, dict) and not isinstance(key, str) and path[-1:] != ("choice",):
            yield path, key, not_text_message(key)
        yield from unquoted_names(value, (*path, key))


def not_text_message(value: Any) -> str:
    """What is said of a value where a text was expected."""
    kinds = {bool: "true or false", int: "a number", float: "a number", type(None): "nothing", date: "a date"}
    kind = next((text for kind, text in kinds.items() if isinstance(value, kind)), None)
    if kind is None:
        return f"{as_written(value)}: a text was expected"
    return f'YAML reads {as_written(value)} as {kind}: write it in quotes, "{as_written(value)}"'


def as_written(value: Any) -> str:
    """A plain value as YAML has it."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def dotted(path: KeyPath) -> str:
    """("loss", 1, "margin") as "loss.1.margin"."""
    return ".".join(map(str, path))


def plain(node: Any, path: KeyPath, lines: dict[KeyPath, int]) -> Any:
    """Parsed YAML as dicts, lists and scalars; `lines` receives the line of every key path."""
    if isinstance(node, CommentedMap):
        for key in node:
            lines[*path, key] = (node.lc.key(key)[0] if key in (node.lc.data or {}) else node.lc.line) + 1
        return {key: plain(value, (*path, key), lines) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        for i in range(len(node)):
            lines[*path, i] = node.lc.item(i)[0] + 1
        return [plain(value, (*path, i), lines) for i, value in enumerate(node)]
    if isinstance(node, bool) or node is None:
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return str(node)  # dates and the like: no key takes one, and the error shall show what was written

"""YAML with line numbers: plain data, and for every key the line that it stands on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from experiments.origin import content_hash
from experiments.study.problems import StudyError, StudyProblem

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A parsed file: `data` holds only dicts, lists and scalars; `lines` maps key paths to line numbers from 1."""

    name: str
    data: dict[str, Any]
    lines: dict[KeyPath, int]
    content: str = ""  # hash of the text; empty where there was no file

    def where(self, path: KeyPath) -> str:
        """File and line of the innermost key of the path that the file holds."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines.get(path, 1)}"

    def problem(self, path: KeyPath, message: str) -> StudyProblem:
        """A problem with the key at this path."""
        return StudyProblem(self.where(path), dotted(path), message)


def read_document(file: Path) -> Document:
    """Read a YAML file. Raises StudyError if there is none, or if it is not a YAML mapping."""
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError([StudyProblem(str(file), "", f"cannot be read: {error}")]) from error
    return parse_document(text, str(file))


def parse_document(text: str, file: str) -> Document:
    """The same for a text; `file` is what problems call it."""
    try:
        parsed = YAML(typ="rt").load(StringIO(text))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        message = " ".join(str(error.problem or error.context).split())
        raise StudyError([StudyProblem(f"{file}:{line}", "", f"not valid YAML: {message}")]) from error
    except YAMLError as error:
        raise StudyError([StudyProblem(file, "", f"not valid YAML: {' '.join(str(error).split())}")]) from error
    if not isinstance(parsed, CommentedMap):
        raise StudyError([StudyProblem(f"{file}:1", "", "a mapping with the keys of a study was expected")])
    lines: dict[KeyPath, int] = {}
    document = Document(file, _plain(parsed, (), lines), lines, content_hash(text))
    unquoted = [
        StudyProblem(document.where((*path, name)), dotted((*path, as_written(name))), message)
        for path, name, message in unquoted_names(document.data)
    ]
    if unquoted:
        raise StudyError(unquoted)
    return document


def parse_value(text: str) -> Any:
    """A value as YAML reads it, for the command line. Raises ValueError if it is not valid YAML."""
    try:
        value = _plain(YAML(typ="rt").load(StringIO(text)), (), {})
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


def _plain(node: Any, path: KeyPath, lines: dict[KeyPath, int]) -> Any:
    if isinstance(node, CommentedMap):
        for key in node:
            lines[*path, key] = (node.lc.key(key)[0] if key in (node.lc.data or {}) else node.lc.line) + 1
        return {key: _plain(value, (*path, key), lines) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        for i in range(len(node)):
            lines[*path, i] = node.lc.item(i)[0] + 1
        return [_plain(value, (*path, i), lines) for i, value in enumerate(node)]
    if isinstance(node, bool) or node is None:
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return str(node)  # dates and the like: no key takes one, and the error shall show what was written

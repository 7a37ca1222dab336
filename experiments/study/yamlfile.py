"""YAML with line numbers: plain data, and for every key the line that it stands on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from experiments.origin import content_hash
from experiments.study.problems import StudyError, StudyProblem
from r3gan.settings.values import KeyPath, as_written, dotted, load_yaml, plain, unquoted_names


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
        parsed = load_yaml(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        message = " ".join(str(error.problem or error.context).split())
        raise StudyError([StudyProblem(f"{file}:{line}", "", f"not valid YAML: {message}")]) from error
    except YAMLError as error:
        raise StudyError([StudyProblem(file, "", f"not valid YAML: {' '.join(str(error).split())}")]) from error
    if not isinstance(parsed, CommentedMap):
        raise StudyError([StudyProblem(f"{file}:1", "", "a mapping with the keys of a study was expected")])
    lines: dict[KeyPath, int] = {}
    document = Document(file, plain(parsed, (), lines), lines, content_hash(text))
    unquoted = [
        StudyProblem(document.where((*path, name)), dotted((*path, as_written(name))), message)
        for path, name, message in unquoted_names(document.data)
    ]
    if unquoted:
        raise StudyError(unquoted)
    return document

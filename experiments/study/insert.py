"""A new variant written into a study file, by inserting text: not a byte of the rest changes."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from experiments.names import BASELINE
from experiments.study.problems import StudyError, StudyProblem
from experiments.study.study import Study, name_problem
from experiments.study.tune_section import Tuned
from experiments.study.yamlfile import Document, parse_document, read_document
from r3gan.files import write_text
from r3gan.settings.typed import Tree

SECTION = "variants"
KEY_DEPTH = 3  # of a variant's keys: from here on, mappings of plain values are written in braces


def check_name(study: Study, name: str) -> list[StudyProblem]:
    """Why a variant of this name cannot be written into the study's file."""
    where = study.document.where((SECTION, name))
    if problem := name_problem(name):
        return [StudyProblem("--apply", name, problem)]
    if name == BASELINE or name in study.includes:
        return [StudyProblem(where, f"{SECTION}.{name}", "is there already: choose another name")]
    if is_flow_style(study.document):
        message = "is written in braces, where nothing can be inserted: write one variant per line"
        return [study.document.problem((SECTION,), message)]
    try:
        changed_text(Path(study.document.name), name, {"x_flip": True}, "")  # whether it can be done at all
    except StudyError as error:
        return error.problems
    return []


def apply_variant(file: Path, name: str, include: list[str], settings: Tree, tuned: Tuned, comment: str) -> None:
    """Add a variant as the last one of the file's `variants`, which is made if there is none.

    settings: nested configuration keys. Raises StudyError, with the file as it was, if the file cannot hold it.
    """
    content: Tree = {"include": include} if include else {}
    content |= {"tuned": tuned.model_dump(), **settings}
    replace_text(file, changed_text(file, name, content, comment))


def changed_text(file: Path, name: str, content: Tree, comment: str) -> str:
    """The file's text with the variant in it. Raises StudyError if it would not say just that."""
    document = read_document(file)
    with file.open(newline="") as opened:
        text = opened.read()
    changed = insert_variant(text, document, name, content, comment)
    expected = {**document.data, SECTION: {**(document.data.get(SECTION) or {}), name: content}}
    message = "a variant cannot be inserted here: write `variants` as one key with one variant per line below it"
    problem = StudyError([document.problem((SECTION,), message)])
    try:
        found = parse_document(changed, str(file)).data
    except StudyError as error:
        raise problem from error
    if _as_json(found) != _as_json(expected):
        raise problem
    return changed


def is_flow_style(document: Document) -> bool:
    """Whether `variants` has entries, all on the section's own line."""
    entries = document.data.get(SECTION) or {}
    lines = {document.lines[SECTION, name] for name in entries}
    return bool(lines) and document.lines[(SECTION,)] in lines


def insert_variant(text: str, document: Document, name: str, content: Tree, comment: str) -> str:
    """The file's text with the variant in it."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith(("\n", "\r")):
        lines[-1] += end
    entries = document.data.get(SECTION)
    indent = indentation(lines, document)
    block = [line + end for line in variant_lines(name, content, comment, indent)]
    if (SECTION,) not in document.lines:
        return "".join([*lines, end, f"{SECTION}:{end}", *block])
    first = document.lines[(SECTION,)] - 1
    if not entries:  # nothing, or {}: only the key stays, with its comment
        note = lines[first].partition("#")
        lines[first] = f"{SECTION}:" + (f"  #{note[2].rstrip()}" if note[1] else "") + end
    at = end_of_section(lines, first)
    return "".join([*lines[:at], *block, *lines[at:]])


def indentation(lines: list[str], document: Document) -> int:
    """By how many spaces the file's variants are indented."""
    entries = list(document.data.get(SECTION) or {})
    if not entries:
        return 2
    line = lines[document.lines[SECTION, entries[0]] - 1]
    return len(line) - len(line.lstrip(" "))


def end_of_section(lines: list[str], first: int) -> int:
    """The line before which a section that begins on line `first` ends: behind its last indented line."""
    last = first
    for i in range(first + 1, len(lines)):
        line = lines[i]
        if not line.strip():
            continue
        if not line.startswith((" ", "\t")) and not line.startswith("#"):
            break
        if line.startswith((" ", "\t")):
            last = i
    return last + 1


def variant_lines(name: str, content: Tree, comment: str, indent: int) -> list[str]:
    """The variant as YAML, in the file's indentation, with a comment behind its name."""
    yaml = YAML()
    yaml.width = 10_000  # no line is broken
    yaml.indent(mapping=indent, sequence=indent + 2, offset=indent)
    out = StringIO()
    yaml.dump(_styled({SECTION: {name: content}}, 0), out)
    lines = out.getvalue().splitlines()[1:]
    return [f"{lines[0]}  # {comment}", *lines[1:]]


def replace_text(file: Path, text: str) -> None:
    """Put the text in the file's place, whole or not at all. Keeps the file's mode. Raises StudyError."""
    try:
        write_text(file, text)
    except OSError as error:
        raise StudyError([StudyProblem(str(file), "", f"cannot be written: {error}")]) from error


def _as_json(data: Any) -> str:
    return json.dumps(data, sort_keys=True)


def _styled(node: Any, depth: int) -> Any:
    """For ruamel: mappings and lists of plain values in one line, others in blocks."""
    if not isinstance(node, (dict, list)):
        return node
    values = list(node.values()) if isinstance(node, dict) else node
    styled = [_styled(value, depth + 1) for value in values]
    made = CommentedMap(zip(node, styled, strict=True)) if isinstance(node, dict) else CommentedSeq(styled)
    inner = [item for value in values for item in (value if isinstance(value, list) else [value])]
    if depth >= KEY_DEPTH and not any(isinstance(item, (dict, list)) for item in inner):
        made.fa.set_flow_style()
    return made

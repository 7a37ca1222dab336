"""The command line's small languages: `--only axis=value,...` and `--set key=value`."""

from collections.abc import Iterable
from typing import Any

from experiments.study.plan import AXES
from experiments.study.problems import StudyError, StudyProblem
from experiments.study.yamlfile import parse_value
from r3gan.tables.lookup import unknown_message


def parse_only(options: Iterable[str]) -> dict[str, list[str]]:
    """Axis -> admitted values. "variant=both,attention,seed=0" admits two variants and one seed. Raises StudyError."""
    only: dict[str, list[str]] = {}
    axis = None
    for part in (part for option in options for part in option.split(",")):
        name, equals, value = part.partition("=")
        if equals:
            axis = name.strip()
        if axis not in AXES:
            raise StudyError([StudyProblem("--only", part, unknown_message("axis", name, AXES))])
        only.setdefault(axis, []).append((value if equals else name).strip())
    return only


def parse_settings(options: Iterable[str]) -> dict[str, Any]:
    """Dotted key -> value, which is read as YAML. Raises StudyError."""
    settings: dict[str, Any] = {}
    for option in options:
        key, equals, text = option.partition("=")
        if not equals or not all(key.split(".")):
            raise StudyError([StudyProblem("--set", option, "KEY=VALUE was expected, such as total_kimg=10")])
        try:
            settings[key] = parse_value(text)
        except ValueError as error:
            raise StudyError([StudyProblem("--set", key, str(error))]) from error
    return settings

"""Validation errors of the library, in the project's words."""

import types
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError

from r3gan.settings.values import KeyPath, not_text_message
from r3gan.tables.lookup import unknown_message


def explain(error: ValidationError, schema: Any, fixed: Sequence[str] = ()) -> Iterator[tuple[KeyPath, str]]:
    """Path and message of every error; `schema` is the model or dataclass that was validated.

    fixed: its keys that come from elsewhere, and are not among those that an unknown key may have meant.
    """
    for detail in error.errors(include_url=False):
        path: KeyPath = tuple(detail["loc"])
        kind, given = detail["type"], detail["input"]
        if kind in ("extra_forbidden", "unexpected_keyword_argument"):
            yield path, _unknown_key(schema, path, fixed)
        elif kind in ("missing", "missing_argument"):
            yield path, "is missing"
        elif kind in ("model_type", "dict_type"):
            yield path, f"a mapping of keys was expected, not {given!r}"
        elif kind == "string_type" and not isinstance(given, (dict, list)):
            yield path, not_text_message(given)
        elif kind == "value_error":
            yield path, detail["msg"].removeprefix("Value error, ")
        elif kind == "literal_error":
            yield path, unknown_message("value", given, get_args_at(schema, path))
        else:
            message = detail["msg"].removeprefix("Input should be ")
            yield path, f"{given!r} is not {message}" if message != detail["msg"] else f"{message}, not {given!r}"


def _unknown_key(schema: Any, path: KeyPath, fixed: Sequence[str]) -> str:
    places = places_of(schema, str(path[-1])) if is_dataclass(schema) else []
    if len(places) == 1:
        return f"unknown key {path[-1]}; did you mean {places[0]}?"
    known = [key for key in keys_at(schema, path[:-1]) if path[:-1] or key not in fixed]
    return unknown_message("key", path[-1], known)


def restore(tree: dict[str, Any], base: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    """A copy of the tree in which what is wrong at the path has the base's value again, or is gone.

    With the first mistakes undone, validation goes on to the others, so that all are reported at once.
    """
    key, rest = str(path[0]), path[1:]
    below, under = tree.get(key), base.get(key)
    if rest and isinstance(below, dict) and rest[0] in below:
        return {**tree, key: restore(below, under if isinstance(under, dict) else {}, rest)}
    return {k: v for k, v in tree.items() if k != key} | ({key: under} if key in base else {})


def keys_at(schema: Any, path: KeyPath) -> list[str]:
    """The keys that are valid below a path."""
    schema = _at(schema, path)
    if is_dataclass(schema):
        return [f.name for f in fields(schema)]
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return list(schema.model_fields)
    return []


def places_of(schema: Any, name: str) -> list[str]:
    """Every dotted key below a dataclass whose last part is the name: lr is schedules.lr."""
    found = []
    for key, kind in get_type_hints(schema).items():
        inner = _without_none(kind)
        if get_origin(inner) is tuple:
            key, inner = f"{key}.0", get_args(inner)[0]
        if key == name:
            found.append(key)
        elif is_dataclass(inner):
            found += [f"{key}.{place}" for place in places_of(inner, name)]
    return found


def get_args_at(schema: Any, path: KeyPath) -> tuple[Any, ...]:
    """The values of the Literal type at a path."""
    return get_args(_at(schema, path))


def _at(schema: Any, path: KeyPath) -> Any:
    for key in path:
        schema = _without_none(schema)
        origin = get_origin(schema)
        if origin is dict:
            schema = get_args(schema)[1]
        elif origin in (tuple, list):
            schema = get_args(schema)[0]
        else:
            hints = get_type_hints(schema)
            schema = hints.get(str(key)) or get_args(hints.get("__pydantic_extra__", dict[str, Any]))[1]
    return _without_none(schema)


def _without_none(schema: Any) -> Any:
    if get_origin(schema) in (Union, types.UnionType):
        return next(arg for arg in get_args(schema) if arg is not types.NoneType)
    return schema

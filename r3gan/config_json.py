"""Configurations, and other dataclasses, from plain data."""

import dataclasses
import types
from typing import Any, Union, get_args, get_origin, get_type_hints


def from_dict(cls: Any, data: Any) -> Any:
    """Build a configuration (or a tuple of them) from parsed JSON that `dataclasses.asdict` wrote.

    Raises TypeError for keys that are missing or unknown. Types are taken as written: studies are validated before.
    """
    if dataclasses.is_dataclass(cls):
        hints = get_type_hints(cls)
        return cls(**{key: from_dict(hints.get(key), value) for key, value in data.items()})  # type: ignore[operator]
    if get_origin(cls) is tuple:
        return tuple(from_dict(get_args(cls)[0], item) for item in data)
    if get_origin(cls) in (Union, types.UnionType) and data is not None:
        return from_dict(next(a for a in get_args(cls) if a is not types.NoneType), data)
    return data

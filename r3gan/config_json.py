"""Configurations, and other dataclasses, from plain data."""

import dataclasses
import types
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints


def from_dict(cls: Any, data: Any) -> Any:
    """Build a dataclass, or tuples and mappings of them, from parsed JSON that `dataclasses.asdict` wrote.

    Raises TypeError for keys that are missing or unknown and where no object is, and ValueError for a member that an
    enumeration lacks. Other types are taken as written: studies are validated before.
    """
    if dataclasses.is_dataclass(cls):
        kind: Any = cls
        if not isinstance(data, dict):
            raise TypeError(f"{kind.__name__} is written as an object, not as {data!r:.40}")
        hints = _hints(kind)
        return cls(**{key: from_dict(hints.get(key), value) for key, value in data.items()})  # type: ignore[operator]
    origin, inner = get_origin(cls), get_args(cls)
    if origin is tuple:
        every = len(inner) == 2 and inner[1] is Ellipsis
        kinds = [inner[0]] * len(data) if every else inner
        return tuple(from_dict(kind, item) for kind, item in zip(kinds, data, strict=True))
    if origin is dict and isinstance(data, dict):
        return {key: from_dict(inner[1], value) for key, value in data.items()}
    if origin in (Union, types.UnionType) and data is not None:
        return from_dict(next(a for a in inner if a is not types.NoneType), data)
    if isinstance(cls, type) and issubclass(cls, Enum):
        return cls(data)
    return data


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls)

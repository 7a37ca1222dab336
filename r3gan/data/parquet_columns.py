"""Which columns of parquet files hold the images and the labels, from their names, types and the types' names."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from r3gan.data.errors import BadData
from r3gan.data.label_columns import is_label_name, labels_of_columns, labels_of_values, require_column
from r3gan.data.sources import Labels

IMAGE_COLUMNS = ("image", "img", "picture", "photo", "images")  # by custom; the first that is there is no other's mask


class Column(NamedTuple):
    """A column, as far as its type tells what it can hold."""

    name: str
    kind: str  # "images", "labels" (whole numbers or text) or "other"
    class_names: tuple[str, ...]  # of a ClassLabel of Hugging Face's


def read_columns(schema: Any) -> tuple[Column, ...]:
    """The columns of a pyarrow schema."""
    class_names = _class_labels(schema.metadata or {})
    return tuple(Column(field.name, _kind(field.type), class_names.get(field.name, ())) for field in schema)


def image_column(columns: Sequence[Column], asked: str | None, where: str) -> str:
    """The column of images: the one asked for, the only one of their type, or the only one with an image's name.

    Raises BadData with the columns that there are if that is none, or unclear.
    """
    fit = [column.name for column in columns if column.kind == "images"]
    if asked is not None:
        require_column(asked, [column.name for column in columns], where)
        if asked not in fit:
            raise BadData(f"{where}: the column {asked!r} does not hold images (bytes, or a struct with bytes)")
        return asked
    if not fit:
        names = ", ".join(column.name for column in columns)
        raise BadData(f"{where} has no column of images (bytes, or a struct with bytes), only {names}")
    named = fit if len(fit) == 1 else [name for name in fit if name.lower() in IMAGE_COLUMNS]
    if len(named) != 1:
        raise BadData(
            f"{where} has several columns of images ({', '.join(fit)}): say which to take with --image-column NAME"
        )
    return named[0]


def label_columns(columns: Sequence[Column], asked: str | None, where: str) -> tuple[Column, ...]:
    """The columns that may hold the labels: the one asked for, or all that are typed or named so. Raises BadData."""
    if asked is None:
        return tuple(c for c in columns if c.kind == "labels" and (c.class_names or is_label_name(c.name)))
    require_column(asked, [column.name for column in columns], where)
    (column,) = (column for column in columns if column.name == asked)
    if column.kind != "labels":
        raise BadData(f"{where}: the column {asked!r} does not hold labels (whole numbers or text)")
    return (column,)


def column_labels(columns: Sequence[Column], read: Callable[[str], Sequence[Any]], where: str) -> Labels | None:
    """The labels in columns that may hold them. `read` gives a column's values. Raises BadData if they differ."""
    found = {c.name: labels_of_values(read(c.name), c.class_names, c.name, where) for c in columns}
    return labels_of_columns(found, where)


def _kind(type_: Any) -> str:
    import pyarrow.types as types  # type: ignore[import-untyped]

    value = type_.value_type if types.is_dictionary(type_) else type_
    if types.is_struct(value):
        names = [value.field(i).name for i in range(value.num_fields)]
        return "images" if "bytes" in names else "other"
    if types.is_binary(value) or types.is_large_binary(value):
        return "images"
    texts = types.is_string(value) or types.is_large_string(value)
    return "labels" if texts or types.is_integer(value) or types.is_boolean(value) else "other"


def _class_labels(metadata: Mapping[bytes, bytes]) -> dict[str, tuple[str, ...]]:
    """Column -> names of its classes, as Hugging Face's datasets write them into a schema; empty without them."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        return {
            name: tuple(map(str, feature["names"]))
            for name, feature in features.items()
            if isinstance(feature, dict) and isinstance(feature.get("names"), list)
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}  # written by another program, which has no such types

"""Which column of a table holds the labels, and what its values say: known by names, types and values alone."""

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from r3gan.data.errors import BadData
from r3gan.data.sources import Labels, checked_labels

WORDS = ("label", "labels", "class", "classes", "target", "targets", "category", "categories", "cls", "y")
OTHER_WORDS = ("num", "count", "path", "file", "url", "bbox", "mask", "score", "confidence", "probability", "weight")
_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def is_label_name(name: str) -> bool:
    """Whether a column of this name holds labels by custom: label, fine_label, classId, target, category ..."""
    tokens = [token.lower() for token in _TOKEN.findall(name)]
    return any(token in WORDS for token in tokens) and not any(token in OTHER_WORDS for token in tokens)


def require_column(asked: str, columns: Sequence[str], where: str) -> str:
    """The column that was asked for. Raises BadData with those that there are."""
    if asked not in columns:
        raise BadData(f"{where} has no column {asked!r}, only {', '.join(columns)}")
    return asked


def labels_of_columns(columns: Mapping[str, Labels], where: str) -> Labels | None:
    """The labels of the columns that may hold them: of the only one, or of several that say the same.

    Numbers go before names, which then name the classes. Raises BadData, naming the columns, if they differ.
    """
    if not columns:
        return None
    first, *others = columns
    if any(not same_partition(columns[first].values, columns[other].values) for other in others):
        raise BadData(
            f"{where} has several columns of labels ({', '.join(columns)}): say which to take with --label-column NAME"
        )
    numbered = next((labels for labels in columns.values() if not labels.names), columns[first])
    named = next((labels for labels in columns.values() if labels.names), None)
    return numbered if numbered.names or named is None else with_names(numbered, named)


def labels_of_values(values: Sequence[Any], names: Sequence[str], column: str, where: str) -> Labels:
    """Labels as a column has them: whole numbers, or names of classes, which are numbered in sorted order.

    names: of the classes 0, 1, ..., where the column's type tells them. Raises BadData if an image has none.
    """
    where, origin = f"{where}, column {column}", f"column {column}"
    if any(isinstance(value, str | bool) for value in values):
        texts = [str(value).strip() if isinstance(value, str | bool) else "" for value in values]
        if "" in texts:
            i = texts.index("")
            raise BadData(f"{where}: image {i} has {values[i]!r}, no name of a class")
        if not all(text.isdecimal() for text in texts):
            different = sorted(set(texts))
            numbers = {name: i for i, name in enumerate(different)}
            return Labels(checked_labels([numbers[text] for text in texts], where), tuple(different), origin)
        values = [int(text) for text in texts]
    labels = checked_labels(values, where)
    classes = int(labels.max()) + 1
    if names and classes > len(names):
        raise BadData(f"{where} has the label {classes - 1}, but only {len(names)} classes are named in its type")
    return Labels(labels, tuple(names[:classes]), origin)


def same_partition(ours: Sequence[Hashable] | np.ndarray, theirs: Sequence[Hashable] | np.ndarray) -> bool:
    """Whether two labellings of the same images put the same ones together."""
    pairs = set(zip(np.asarray(ours).tolist(), np.asarray(theirs).tolist(), strict=True))
    return len(pairs) == len({our for our, _ in pairs}) == len({their for _, their in pairs})


def with_names(numbered: Labels, named: Labels) -> Labels:
    """Labels with the class names of others that put the same images together; without if a class has no image."""
    name_of = {int(i): named.names[int(j)] for i, j in zip(numbered.values, named.values, strict=True)}
    classes = int(numbered.values.max()) + 1
    names = tuple(name_of[i] for i in range(classes)) if len(name_of) == classes else ()
    return numbered._replace(names=names)

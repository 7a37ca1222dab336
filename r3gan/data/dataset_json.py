"""The labels of the StyleGAN and EDM tools: dataset.json, {"labels": [[name, label], ...]} or {"labels": null}."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from r3gan.data.errors import BadData
from r3gan.data.files import Files
from r3gan.data.member_names import normal_name
from r3gan.data.sources import Labels, checked_labels

LABELS_FILE = "dataset.json"


def json_labels(files: Files, base: str, names: Sequence[str]) -> Labels | None:
    """The labels of images in the dataset.json in their folder `base`; None if it has none. Raises BadData."""
    where = files.where(base + LABELS_FILE)
    try:
        data = json.loads(files.read(base + LABELS_FILE))
    except (ValueError, RecursionError) as error:
        raise BadData(f"{where} is not JSON: {error}") from error
    if not isinstance(data, dict) or "labels" not in data:
        raise BadData(f'{where} has no "labels"')
    if data["labels"] is None:
        return None
    labels: dict[str, Any] = {}
    for name, label in _label_pairs(data["labels"], where):
        if labels.setdefault(name, label) != label:
            raise BadData(f"{where} gives {name} two labels, {labels[name]} and {label}")
    ours = [name[len(base) :] for name in names]
    missing = [name for name in ours if name not in labels]
    if missing:
        raise BadData(f"{where} has no label for {len(missing)} of {len(ours)} images, such as {missing[0]}")
    absent = next((name for name in labels if base + name not in files.sizes), None)
    if absent is not None:
        raise BadData(f"{where} labels {absent}, which is not there")
    return Labels(checked_labels([labels[name] for name in ours], where), (), LABELS_FILE)


def _label_pairs(pairs: Any, where: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(pairs, list):
        raise BadData(f'{where}: "labels" is a {type(pairs).__name__}, not a list of [name, label]')
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)):
            raise BadData(f"{where}: {json.dumps(pair)[:80]} is not a pair [name, label]")
        yield normal_name(pair[0]) or pair[0], pair[1]

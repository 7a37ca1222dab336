"""The manifest of a prepared dataset: what its arrays hold, known without opening them. Needs no torch."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from r3gan.data.errors import BadData
from r3gan.files import write_json

MANIFEST, IMAGES, LABELS = "manifest.json", "images.npy", "labels.npy"  # the files of a prepared dataset's folder
PREPARED_FILES = (MANIFEST, IMAGES, LABELS)
FORMAT = 1
PARTIAL = ".partial"  # behind the name of a folder that is not complete


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a prepared dataset is."""

    name: str
    source: str  # kind and file name of what it was made from
    count: int  # images
    resolution: int  # height and width
    classes: int  # the largest label + 1; 0 without labels
    label_histogram: tuple[int, ...]  # images per class
    content_hash: str  # the first 16 hexadecimal digits of sha256 over all image bytes, then all label bytes
    class_names: tuple[str, ...] = ()  # of the classes 0, 1, ...; empty if they have none. Not part of the hash
    background: str = ""  # what transparent parts of images show, #rrggbb; empty if none has any

    def write(self, folder: Path) -> None:
        """Write it into the folder, whole or not at all."""
        write_json(folder / MANIFEST, {"format": FORMAT, **asdict(self)})


def is_prepared(folder: Path) -> bool:
    """Whether a prepared dataset lies in the folder, sound or damaged. Another program's manifest.json is none."""
    path = folder / MANIFEST
    return path.is_file() and ((folder / IMAGES).exists() or _is_ours(path))


def _is_ours(path: Path) -> bool:
    """Whether a manifest bears the marks of a prepared dataset's."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(data, dict) and {"format", "content_hash"} <= data.keys()


def is_resolution(value: int) -> bool:
    """Whether networks can make images of this size: 4 times a power of two."""
    return value >= 4 and value & (value - 1) == 0


def read_manifest(folder: Path) -> Manifest:
    """The manifest in the folder. Raises BadData if it cannot be read or contradicts itself."""
    path = folder / MANIFEST
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise BadData(f"{path} cannot be read: {error}; prepare the dataset again") from error
    if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
        way_out = "prepare the dataset again, or rename the file if it is another program's"
        raise BadData(f"{path} is not a manifest of format {FORMAT} of a prepared dataset; {way_out}")
    data = {"class_names": [], "background": "", **data}  # which older manifests lack
    types = {field.name: field.type for field in fields(Manifest)}
    wrong = [key for key, kind in types.items() if not _is_of(data.get(key), kind)]
    if wrong or set(data) != set(types):
        raise BadData(f"{path} is damaged at {', '.join(wrong or set(data) ^ set(types))}; prepare the dataset again")
    tuples: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    manifest = Manifest(**tuples)
    problem = _contradiction(manifest)
    if problem:
        raise BadData(f"{path} contradicts itself: {problem}; prepare the dataset again")
    return manifest


def _is_of(value: object, kind: object) -> bool:
    if kind is str:
        return isinstance(value, str)
    if kind == tuple[str, ...]:
        return isinstance(value, list) and all(isinstance(v, str) for v in value)
    values = [value] if kind is int else value
    return isinstance(values, list) and all(type(v) is int and v >= 0 for v in values)


def _contradiction(manifest: Manifest) -> str | None:
    if manifest.count < 1:
        return f"{manifest.count} images"
    if not is_resolution(manifest.resolution):
        return f"resolution {manifest.resolution} is not 4 times a power of two"
    if len(manifest.label_histogram) != manifest.classes:
        return f"{manifest.classes} classes, but a histogram of {len(manifest.label_histogram)}"
    if manifest.class_names and len(manifest.class_names) != manifest.classes:
        return f"{manifest.classes} classes, but {len(manifest.class_names)} names of classes"
    if manifest.classes and sum(manifest.label_histogram) != manifest.count:
        return f"{manifest.count} images, but {sum(manifest.label_histogram)} labels"
    return None

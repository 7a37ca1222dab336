"""Image files in a folder or a zip, with labels from class folders or from the StyleGAN/EDM tools' dataset.json."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from r3gan.data.errors import BadData
from r3gan.data.files import Files
from r3gan.data.member_names import normal_name
from r3gan.data.sources import Item, LabelMode, checked_labels

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
UNREAD_SUFFIXES = (".tif", ".tiff", ".gif", ".jfif", ".jp2", ".heic", ".avif", ".ppm")
LABELS_FILE = "dataset.json"
NUMBERED = re.compile(r"\d{5,}")  # folders that only keep folders small, as in FFHQ and the StyleGAN/EDM tools


@dataclass(frozen=True)
class ImageFiles:
    """Image files by sorted relative name."""

    files: Files
    names: tuple[str, ...]
    labels: np.ndarray | None

    @property
    def description(self) -> str:
        """Folder or zip, by name."""
        return f"{'folder' if self.files.path.is_dir() else 'zip'} {self.files.path.name}"

    @property
    def parts(self) -> Sequence[tuple[str, int]]:
        """The images and their sizes."""
        return [(name, self.files.sizes[name]) for name in self.names]

    def __len__(self) -> int:
        return len(self.names)

    def items(self, start: int) -> Iterator[Item]:
        """Encoded images, in order."""
        for name in self.names[start:]:
            yield Item(self.files.where(name), self.files.read(name))


def image_names(files: Files) -> tuple[str, ...]:
    """The names that end like an image's, sorted."""
    return tuple(name for name in files.sizes if name.lower().endswith(SUFFIXES))


def open_image_files(files: Files, mode: LabelMode) -> ImageFiles:
    """The images among the files, with labels from where `mode` says. Raises BadData.

    auto: from dataset.json if there is one, else from class folders if every image lies in one of several.
    """
    names = image_names(files)
    unread = next((name for name in files.sizes if name.lower().endswith(UNREAD_SUFFIXES)), None)
    if unread is not None:
        raise BadData(f"{files.where(unread)} is of a kind that is not read ({', '.join(SUFFIXES)} are): convert it")
    if not names:
        raise BadData(f"{files.path} holds no images ({', '.join(SUFFIXES)})")
    base = common_folder(names)
    if mode == "none":
        return ImageFiles(files, names, None)
    above = [base[: i + 1] for i, letter in enumerate(base) if letter == "/"]
    tables = [folder for folder in ("", *above) if folder + LABELS_FILE in files.sizes]
    if mode == "auto" and tables:
        return ImageFiles(files, names, json_labels(files, tables[-1], names))
    return ImageFiles(files, names, folder_labels(files, base, names, mode))


def common_folder(names: Sequence[str]) -> str:
    """The folders around all of the names, as a prefix that ends with a slash or is empty.

    Names in one class folder only keep it in common: they have no classes.
    """
    parents = [PurePosixPath(name).parent.parts for name in (min(names), max(names))]
    shared = []
    for ours, theirs in zip(*parents, strict=False):
        if ours != theirs:
            break
        shared.append(ours + "/")
    return "".join(shared)


def folder_labels(files: Files, base: str, names: Sequence[str], mode: LabelMode) -> np.ndarray | None:
    """Class folders in sorted order as labels. Raises BadData if `mode` demands them or they may not be meant."""
    folders = [name[len(base) :].rpartition("/")[0].partition("/")[0] for name in names]
    classes = sorted(set(folders))
    if len(classes) < 2 or "" in classes:
        found = "images beside folders of images" if "" in classes and len(classes) > 1 else "no two class folders"
        if mode == "folders":
            raise BadData(f"{files.path} has {found}: --labels folders needs every image in one of several")
        if len(classes) > 2:  # several folders, and images beside them
            stray = files.where(names[folders.index("")])
            raise BadData(f"{files.path} has {found}, such as {stray}: move them, or say --labels none")
        return None
    if mode == "auto" and all(NUMBERED.fullmatch(name) for name in classes):
        raise BadData(
            f"{files.path / base} has numbered folders such as {classes[0]}: "
            "say --labels folders if they are classes, or --labels none"
        )
    numbers = {name: i for i, name in enumerate(classes)}
    return checked_labels([numbers[name] for name in folders], str(files.path))


def json_labels(files: Files, base: str, names: Sequence[str]) -> np.ndarray | None:
    """The labels in dataset.json: {"labels": [[name, label], ...]} or {"labels": null}. Raises BadData."""
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
    if len(labels) > len(ours):
        absent = next(name for name in labels if name not in set(ours))
        raise BadData(f"{where} labels {absent}, which is not there")
    return checked_labels([labels[name] for name in ours], where)


def _label_pairs(pairs: Any, where: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(pairs, list):
        raise BadData(f'{where}: "labels" is a {type(pairs).__name__}, not a list of [name, label]')
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)):
            raise BadData(f"{where}: {json.dumps(pair)[:80]} is not a pair [name, label]")
        yield normal_name(pair[0]) or pair[0], pair[1]

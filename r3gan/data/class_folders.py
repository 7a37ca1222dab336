"""Class folders: the folders that tell the classes of the images in them, if there are several and all lie in one."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from r3gan.data.errors import BadData
from r3gan.data.sources import Labels, checked_labels

NUMBERED = re.compile(r"\d{5,}")  # folders that only keep folders small, as in FFHQ and the StyleGAN/EDM tools


class Folders(NamedTuple):
    """The folders of images below those that lie around all of them."""

    base: str  # the folders around, as a prefix that ends with a slash or is empty
    of_images: tuple[str, ...]  # each image's folder; "" for one that lies in none
    different: tuple[str, ...]  # sorted

    @property
    def are_classes(self) -> bool:
        """Whether they can be classes, and are surely no parts of a large folder."""
        return len(self.different) > 1 and "" not in self.different and not self.are_numbered

    @property
    def are_numbered(self) -> bool:
        """Whether they have numbers for names."""
        return all(NUMBERED.fullmatch(name) for name in self.different)


def find_folders(names: Sequence[str]) -> Folders:
    """The folders of relative names."""
    base = common_folder(names)
    folders = tuple(name[len(base) :].rpartition("/")[0].partition("/")[0] for name in names)
    return Folders(base, folders, tuple(sorted(set(folders))))


def common_folder(names: Sequence[str]) -> str:
    """The folders around all of the names, as a prefix that ends with a slash or is empty.

    Names in one class folder only keep it in common: they have no classes.
    """
    parents = [name.split("/")[:-1] for name in (min(names), max(names))]
    shared = []
    for ours, theirs in zip(*parents, strict=False):
        if ours != theirs:
            break
        shared.append(ours + "/")
    return "".join(shared)


def require_classes(folders: Folders, place: Path, stray: str) -> Labels:
    """Labels from the folders. Raises BadData, naming `place`, if they cannot be classes.

    stray: an image that lies in none of them, for the message.
    """
    if len(folders.different) < 2 or "" in folders.different:
        beside = "" in folders.different and len(folders.different) > 1
        found = f"images beside folders of images, such as {stray}" if beside else "no two class folders"
        raise BadData(f"{place} has {found}: --labels folders needs every image in one of several")
    numbers = {name: i for i, name in enumerate(folders.different)}
    return Labels(
        checked_labels([numbers[name] for name in folders.of_images], str(place)), folders.different, "class folders"
    )


def likely_classes(folders: Folders, place: Path, stray: str) -> Labels | None:
    """Labels from the folders; None if there are none. Raises BadData if they may be meant, and may be not."""
    if folders.are_classes:
        return require_classes(folders, place, stray)
    if "" in folders.different and len(folders.different) > 2:  # several folders, and images beside them
        found = f"images beside folders of images, such as {stray}"
        raise BadData(f"{place} has {found}: move them, or say --labels none")
    if len(folders.different) > 1 and "" not in folders.different:
        raise BadData(
            f"{place / folders.base} has numbered folders such as {folders.different[0]}: "
            "say --labels folders if they are classes, or --labels none"
        )
    return None

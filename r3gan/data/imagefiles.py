"""Image files in a folder or a zip: those of the training split, in the order of their names."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from r3gan.data.errors import BadData
from r3gan.data.files import Files
from r3gan.data.image_formats import READ_TEXT, SUFFIXES, UNREAD_SUFFIXES
from r3gan.data.image_labels import find_labels
from r3gan.data.litter import litter_note
from r3gan.data.signatures import kind_of
from r3gan.data.sources import ANY_COLUMNS, Columns, Item, LabelMode
from r3gan.data.splits import split_files_note, training_images


@dataclass(frozen=True, kw_only=True)
class ImageFiles:
    """Image files by sorted relative name."""

    files: Files
    names: tuple[str, ...]
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    notes: tuple[str, ...]

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


def image_names(names: Iterable[str]) -> tuple[str, ...]:
    """The names that end like an image's, also of a kind that is not read."""
    return tuple(name for name in names if name.lower().endswith(SUFFIXES + UNREAD_SUFFIXES))


def open_image_files(files: Files, mode: LabelMode, columns: Columns = ANY_COLUMNS) -> ImageFiles:
    """The images of the training split among the files, with labels from where `mode` says. Raises BadData."""
    taken = training_images(image_names(files.sizes), files.path, mode == "folders")
    unread = next((name for name in taken.names if name.lower().endswith(UNREAD_SUFFIXES)), None)
    if unread is not None:
        kind = kind_of(files.read(unread)) or f"named like images that are not read ({READ_TEXT} are): convert it"
        raise BadData(f"{files.where(unread)} is {kind}")
    if not taken.names:
        raise BadData(f"{files.path} holds no images ({', '.join(SUFFIXES)})")
    if columns.image is not None:
        raise BadData(f"{files.path} holds image files, not a column of images: leave --image-column out")
    labels, notes = find_labels(files, taken, mode, columns.label)
    return ImageFiles(
        files=files,
        names=taken.names,
        labels=None if labels is None else labels.values,
        class_names=() if labels is None else labels.names,
        notes=(*taken.notes, *split_files_note(taken.names), *notes, *litter_note(files.litter)),
    )

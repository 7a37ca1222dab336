"""What a dataset is, in words: for the end of preparing, for checking and for listing."""

from collections.abc import Sequence

from r3gan.data.manifest import Manifest
from r3gan.data.sources import Source, histogram_of

SHOWN = 3  # names of classes


def shape_text(count: int, resolution: int, classes: int, names: Sequence[str]) -> str:
    """Images, size and classes."""
    return f"{count} images, {resolution}x{resolution}, {classes_text(classes, names)}"


def classes_text(classes: int, names: Sequence[str]) -> str:
    """How many classes, and how the first ones are called."""
    first = f" ({first_names(names)})" if names else ""
    return f"{classes or 'no'} classes{first}"


def first_names(names: Sequence[str]) -> str:
    """The first names of a list."""
    return ", ".join(names[:SHOWN]) + (" ..." if len(names) > SHOWN else "")


def manifest_text(manifest: Manifest) -> str:
    """A prepared dataset."""
    shape = shape_text(manifest.count, manifest.resolution, manifest.classes, manifest.class_names)
    ground = f", transparent parts on {manifest.background}" if manifest.background else ""
    return f"{shape}{ground}, content hash {manifest.content_hash}"


def class_notes(histogram: Sequence[int], names: Sequence[str]) -> tuple[str, ...]:
    """What is odd about the classes: some without an image, or as many as images."""
    notes = []
    empty = [i for i, count in enumerate(histogram) if not count]
    if empty:
        some = first_names([f"{i} ({names[i]})" if names else str(i) for i in empty])
        hint = "; do the labels count from 1?" if empty == [0] else ""
        notes.append(f"{len(empty)} of {len(histogram)} classes have no image: {some}{hint}")
    if len(histogram) > 1 and len(histogram) - len(empty) == sum(histogram):
        notes.append("no two images are of one class: is the label a name or a number of the image?")
    return tuple(notes)


def all_notes(source: Source) -> tuple[str, ...]:
    """What a source says of itself, and what is odd about its classes."""
    return (*source.notes, *class_notes(histogram_of(source.labels), source.class_names))


def with_notes(text: str, notes: Sequence[str]) -> str:
    """A line, and a line below it for each note."""
    return "\n".join([text, *(f"  {note}" for note in notes)])

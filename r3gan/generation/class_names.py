"""`--classes`: numbers, ranges and names of a generator's classes, and where their names are known from."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from r3gan.data.catalog import data_root
from r3gan.data.errors import BadData
from r3gan.data.manifest import is_prepared, read_manifest
from r3gan.data.progress import warn
from r3gan.files import read_object
from r3gan.generation.load import LoadedGenerator
from r3gan.jobdir import JobDir

NUMBERS = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
LISTED = 10  # names in a message


def named_classes(text: str | None, source: Path, generator: LoadedGenerator) -> tuple[int, ...]:
    """The classes that `--classes` names, in its order; empty without it. Raises BadData."""
    if text is None:
        return ()
    if not generator.classes:
        raise BadData("--classes: this generator is unconditional and knows no classes: leave it out")
    names = class_names(source, generator)
    if text in names:
        return (names.index(text),)  # which may have commas
    return tuple(number for part in text.split(",") for number in _classes_of(part.strip(), names, generator))


def class_names(source: Path, generator: LoadedGenerator) -> tuple[str, ...]:
    """The names of all classes, from the dataset if it is here, or from what lies beside the weights; else empty.

    Raises BadData if the dataset is damaged.
    """
    recorded = recorded_dataset(source, generator.dataset)
    names: Sequence[str] = recorded.get("first_class_names", ())
    folder = data_root() / (generator.dataset or "")
    if len(names) != generator.classes and generator.dataset and is_prepared(folder):
        manifest = read_manifest(folder)
        same = recorded.get("content_hash", manifest.content_hash) == manifest.content_hash
        names = manifest.class_names if same else ()
    return tuple(names) if len(names) == generator.classes else ()


def recorded_dataset(source: Path, dataset: str | None) -> dict[str, Any]:
    """What environment.json beside the weights says of the dataset that they were trained on; empty if nothing."""
    recorded = (read_object(folder_of(source).environment) or {}).get("dataset", {})
    return recorded if dataset is not None and recorded.get("name") == dataset else {}


def folder_of(source: Path) -> JobDir:
    """A job's directory and its checkpoints have the same records by the same names."""
    return JobDir(source if source.is_dir() else source.parent)


def _classes_of(part: str, names: tuple[str, ...], generator: LoadedGenerator) -> range:
    numbers = NUMBERS.fullmatch(part)
    if numbers is None:
        if part not in names:
            raise BadData(f"--classes: {_unknown(part, names, generator)}")
        return range(names.index(part), names.index(part) + 1)
    first, last = int(numbers[1]), int(numbers[2] or numbers[1])
    if first > last:
        raise BadData(f"--classes: {part}: the first number of a range comes first, {last}-{first}")
    if last >= generator.classes:
        wrong = max(first, generator.classes)
        raise BadData(f"--classes: {wrong} is no class of this generator, which has 0 to {generator.classes - 1}")
    if part in names and names.index(part) != first:
        warn(f"--classes: {part} is taken as a number, that of {names[first]}; the class {part} is {names.index(part)}")
    return range(first, last + 1)


def _unknown(part: str, names: tuple[str, ...], generator: LoadedGenerator) -> str:
    numbers = f"0 to {generator.classes - 1}"
    if not names:
        where = f"those of {generator.dataset}, which is not here" if generator.dataset else "which nothing here says"
        return f"{part!r} is no number, and the names of the classes are not known ({where}): use {numbers}"
    near = get_close_matches(part, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    listed = ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")
    return f"{part!r} is no class of this generator; {hint}it has {numbers}: {listed}"

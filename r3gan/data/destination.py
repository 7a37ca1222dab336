"""Where a prepared dataset may be written: what cannot be, or what no study could name, is refused before any work."""

import os
from pathlib import Path

from r3gan.data.archive import is_zip
from r3gan.data.catalog import DATASETS, OWN_NAME, data_root
from r3gan.data.errors import BadData
from r3gan.data.facts import Facts
from r3gan.data.manifest import PARTIAL, is_prepared
from r3gan.data.places import longest_name, require_writable
from r3gan.data.prepare import Options, partial_of, resolution_of
from r3gan.data.sources import Source, count_classes
from r3gan.data.writer import is_partial


def require_destination(destination: Path, holds_source: bool = False) -> None:
    """Raises BadData if a dataset cannot be written there. Raises OSError if that cannot be found out.

    Names hold everywhere, because every folder may become the data folder; a zip may have any.
    holds_source: the destination may be a folder that holds the files to be prepared.
    """
    _require_name(destination)
    _require_length(destination)
    _require_room(destination, holds_source)
    partial = partial_of(destination)
    if os.path.lexists(partial) and not is_partial(partial):
        raise BadData(f"{partial}, where the work on {destination} would lie, is something else: rename it")
    require_writable(destination.parent)
    if destination.exists():
        require_writable(destination)


def require_known_place(destination: Path, source: Source, options: Options) -> None:
    """Raises BadData if the destination has a known dataset's name and the source, taken so, is not that dataset."""
    name = destination.name
    if is_zip(destination) or name not in DATASETS:
        return
    known = DATASETS[name].facts
    found = Facts(resolution_of(source, options), count_classes(source.labels), len(source))
    if found != known:
        place = f"{destination} is the place of {name}, {known}"
        raise BadData(f"{place}; {source.description} is {found}: prepare it under another name")


def _require_name(destination: Path) -> None:
    name = destination.name
    if name in ("", ".."):
        raise BadData(f"{destination} names no dataset: name a new folder, such as {data_root() / 'NAME'}, or a .zip")
    if is_zip(destination):
        return
    if not OWN_NAME.fullmatch(name):
        rule = "letters, digits, _, - and ., the first of them a letter, a digit or _"
        raise BadData(f"{destination}: no study could name a dataset {name!r}; {rule}, were expected")
    if name.endswith(PARTIAL):
        raise BadData(f"{destination}: names that end in {PARTIAL} are those of unfinished datasets; name it otherwise")


def _require_length(destination: Path) -> None:
    size, most = len(os.fsencode(destination.name)), longest_name(destination.parent) - len(PARTIAL)
    if size > most:
        raise BadData(
            f"{destination} has a name of {size} bytes: at most {most} can be, so that {PARTIAL} fits behind it"
        )


def _require_room(destination: Path, holds_source: bool) -> None:
    if not os.path.lexists(destination):
        return
    if not destination.exists():
        raise BadData(f"{destination} is a link to what is not there: remove it, or name another place")
    if is_zip(destination) == destination.is_dir():
        found, expected = ("folder", "a file that ends in .zip") if destination.is_dir() else ("file", "a new folder")
        raise BadData(f"{destination} is a {found}: {expected} was expected")
    if is_zip(destination) or is_prepared(destination):
        raise BadData(f"{destination} is there already: remove it to prepare it again")
    other = next((path for path in sorted(destination.iterdir()) if not path.name.startswith(".")), None)
    if other is not None and not holds_source:
        raise BadData(f"{destination} holds something else already, such as {other.name}: name a new folder")

"""Reading datasets whole, to say that they are sound, or what is wrong with them."""

from collections.abc import Sequence
from pathlib import Path

from r3gan.data.facts import Facts
from r3gan.data.known import require_counts
from r3gan.data.prepare import Options, resolution_of, survey
from r3gan.data.progress import progress_bar
from r3gan.data.recognise import open_source
from r3gan.data.remarks import NONE
from r3gan.data.sources import ANY_COLUMNS, Columns, count_classes
from r3gan.data.store import open_prepared, verify
from r3gan.data.summary import all_notes, class_notes, manifest_text, shape_text, with_notes


def check_prepared(folder: Path) -> str:
    """Read a prepared dataset and compare it with its manifest. Returns what it is. Raises BadData."""
    data = open_prepared(folder)
    verify(data, folder)
    notes = class_notes(data.manifest.label_histogram, data.manifest.class_names)
    return with_notes(f"sound, {manifest_text(data.manifest)}", notes)


def check_source(
    name: str, paths: Sequence[Path], options: Options, columns: Columns = ANY_COLUMNS, known: Facts | None = None
) -> str:
    """Read every image of a source, as preparing it would. Returns what it is. Raises DatasetUnavailable or BadData.

    known: what the source must be.
    """
    source = open_source(paths, options.labels, columns)
    if known:
        require_counts(name, source, paths[0], known)
    size, done, remarks = resolution_of(source, options), 0, NONE
    with progress_bar(f"reading {name}") as progress:
        for stack in survey(source, options, size):
            done += len(stack.images)
            remarks += stack.remarks
            progress(done, len(source))
    text = shape_text(done, size, count_classes(source.labels), source.class_names)
    return with_notes(f"sound, not prepared, {text}", (*all_notes(source), *remarks.notes(done, options.conversion)))

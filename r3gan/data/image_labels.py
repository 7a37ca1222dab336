"""Where the labels of image files come from: dataset.json, a table, or class folders, which must not contradict."""

from collections.abc import Sequence

from r3gan.data.class_folders import Folders, common_folder, find_folders, likely_classes, require_classes
from r3gan.data.dataset_json import LABELS_FILE, json_labels
from r3gan.data.errors import BadData
from r3gan.data.files import Files
from r3gan.data.label_columns import same_partition, with_names
from r3gan.data.metadata_tables import METADATA, metadata_files, metadata_labels
from r3gan.data.sources import LabelMode, Labels
from r3gan.data.split_words import Taken

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
Found = tuple[Labels | None, tuple[str, ...]]  # labels, and what to say of them


def find_labels(files: Files, taken: Taken, mode: LabelMode, column: str | None) -> Found:
    """The labels of the images taken, from where `mode` says, and what was ignored. Raises BadData.

    auto: from dataset.json or a metadata table if there is one, else from class folders if every image lies in one of
    several. Where both tell, they must tell the same. column: of the table.
    """
    folders = find_folders([taken.unsplit(name) for name in taken.names])
    stray = files.where(taken.names[folders.of_images.index("")]) if "" in folders.different else ""
    json_file = _json_file(files, common_folder(taken.names))
    tables = metadata_files(files, taken.names)
    if column is not None and (not tables or mode in ("folders", "none")):
        why = f"there is no {' or '.join(METADATA)}" if not tables else f"--labels {mode} takes none"
        raise BadData(f"{files.path}: --label-column {column} names a column of a table, but {why}")
    if mode == "none":
        return None, ()
    used: list[str] = []
    notes: tuple[str, ...] = ()
    if mode == "folders":
        labels: Labels | None = require_classes(folders, files.path, stray)
    else:
        from_file, used, notes = _from_files(files, taken.names, json_file, tables, column)
        if mode == "file" and not used:
            raise BadData(f"{files.path} has no {LABELS_FILE} and no {' or '.join(METADATA)} with labels")
        labels = from_file if mode == "file" else _agreed(from_file, used, folders, files, stray)
    return labels, (*notes, *_origin_note(labels), *_unused_note(files, used))


def _from_files(
    files: Files, names: Sequence[str], json_file: str | None, tables: Sequence[str], column: str | None
) -> tuple[Labels | None, list[str], tuple[str, ...]]:
    """Labels of a file beside the images, the files that have them, and which columns are ignored."""
    labels: Labels | None = None
    used: list[str] = []
    notes: tuple[str, ...] = ()
    if tables:
        labels, notes = metadata_labels(files, tables, names, column)
        used = list(tables) if labels is not None else []
    if json_file is None or column is not None:
        return labels, used, notes
    ours = json_labels(files, json_file.removesuffix(LABELS_FILE), names)
    if labels is not None and (ours is None or not same_partition(ours.values, labels.values)):
        raise BadData(f"{files.where(json_file)} and {files.where(tables[0])} give other labels: keep one of them")
    if labels is not None and labels.names and ours is not None:
        ours = with_names(ours, labels)
    return ours, [json_file, *used], notes


def _agreed(from_file: Labels | None, used: Sequence[str], folders: Folders, files: Files, stray: str) -> Labels | None:
    """The file's labels if there is one, which class folders may name and must not contradict."""
    if not used:
        return likely_classes(folders, files.path, stray)
    if not folders.are_classes:
        return from_file
    if from_file is None or not same_partition(from_file.values, folders.of_images):
        says = "has no labels, unlike" if from_file is None else "gives other labels than"
        shown = ", ".join(folders.different[:3])
        raise BadData(
            f"{files.where(used[0])} {says} the class folders ({shown} ...): say --labels file or --labels folders"
        )
    return from_file if from_file.names else with_names(from_file, require_classes(folders, files.path, stray))


def _json_file(files: Files, base: str) -> str | None:
    """The dataset.json nearest to the images, in a folder around all of them."""
    above = ["", *(base[: i + 1] for i, letter in enumerate(base) if letter == "/")]
    return next((folder + LABELS_FILE for folder in reversed(above) if folder + LABELS_FILE in files.sizes), None)


def _origin_note(labels: Labels | None) -> tuple[str, ...]:
    return () if labels is None else (f"labels from {labels.origin}",)


def _unused_note(files: Files, used: Sequence[str]) -> tuple[str, ...]:
    """Tables that were not read, which may have been meant."""
    unused = [name for name in files.sizes if name.lower().endswith(TABLE_SUFFIXES) and name not in used]
    more = f" and {len(unused) - 3} more" if len(unused) > 3 else ""
    return (f"not used: {', '.join(unused[:3])}{more}",) if unused else ()

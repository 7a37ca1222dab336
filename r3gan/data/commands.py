"""`python -m r3gan data list|check|prepare|download`: what is there, whether it is sound, and how to get it ready."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from r3gan.data.archive import is_zip
from r3gan.data.catalog import (
    DATASETS,
    DatasetUnavailable,
    data_root,
    dataset_row,
    find_row,
    own_names,
    state_of,
    unknown_dataset_message,
)
from r3gan.data.checks import check_prepared, check_source
from r3gan.data.conversion import Conversion
from r3gan.data.destination import require_destination, require_known_place
from r3gan.data.errors import BadData
from r3gan.data.load import ensure_dataset
from r3gan.data.manifest import is_prepared, read_manifest
from r3gan.data.prepare import Options, write_prepared
from r3gan.data.progress import progress_bar
from r3gan.data.recognise import open_source
from r3gan.data.signals import Stopped, stop_on_signals
from r3gan.data.sources import Columns, count_classes
from r3gan.data.summary import first_names, manifest_text, shape_text, with_notes
from r3gan.data.system_errors import told_in_one_sentence


def list_datasets(_: argparse.Namespace) -> int:
    """`data list`."""
    table = Table()
    for column in ("name", "resolution", "classes", "images", "state", "where", "class names"):
        right = column in ("resolution", "classes", "images")
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for name in [*DATASETS, *own_names(data_root())]:
        table.add_row(name, *facts_cells(name), *state_of(name), names_cell(data_root() / name))
    Console(highlight=False).print(table)
    return 0


def facts_cells(name: str) -> tuple[str, str, str]:
    """Resolution, classes and images of a dataset, as far as they are known."""
    try:
        known = dataset_row(name).facts
    except DatasetUnavailable:
        return "?", "?", "-"
    images = f"{known.images:,}" if known.images else "-"
    return f"{known.resolution}x{known.resolution}", str(known.classes or "-"), images


def names_cell(folder: Path) -> str:
    """The first names of the classes of what is prepared in a folder."""
    try:
        return first_names(read_manifest(folder).class_names) if is_prepared(folder) else ""
    except BadData:
        return ""  # its state says so


def check_datasets(arguments: argparse.Namespace) -> int:
    """`data check`. Every dataset is checked, also after a bad one."""
    root, failed = data_root(), False
    options, columns = options_of(arguments), columns_of(arguments)
    names = arguments.datasets or [name for name in [*DATASETS, *own_names(root)] if not state_of(name).is_missing]
    for name in names:
        try:
            with told_in_one_sentence():
                print(f"{name}: {check_one(name, root, options, columns)}", flush=True)
        except DatasetUnavailable as error:
            print(f"error: {error}", file=sys.stderr, flush=True)
            failed = True
    return 2 if failed else 0


def check_one(name: str, root: Path, options: Options, columns: Columns) -> str:
    """Read a dataset, prepared or as it comes, by name or by path, and say what it is. Raises DatasetUnavailable.

    options, columns: how what lies at a path is taken, unless it is prepared.
    """
    row, path = find_row(name), Path(name)
    if row is None and not path.exists():
        raise DatasetUnavailable(f"{name} is no path; {unknown_dataset_message(name)}")
    if row is None and not is_prepared(path):
        return check_source(name, [path], options, columns)
    if options != Options() or any(columns):
        what = "is prepared already" if is_prepared(path if row is None else root / name) else "is a known dataset"
        raise BadData(f"{name} {what}: options say how other images at a path are taken; leave them out")
    return check_prepared(path) if row is None else row.storage.check(name, row.facts, root)


def prepare_dataset(arguments: argparse.Namespace) -> int:
    """`data prepare`. Returns 128 + n after signal n, with what was done kept."""
    try:
        with stop_on_signals():
            return _prepare(arguments)
    except Stopped as stop:
        print("stopped; run the same command again to go on", file=sys.stderr)
        return 128 + int(stop.args[0])


def _prepare(arguments: argparse.Namespace) -> int:
    name, root, options, columns = arguments.source, data_root(), options_of(arguments), columns_of(arguments)
    if name in DATASETS:
        known = DATASETS[name].facts
        if options.resolution not in (None, known.resolution) or options.labels != "auto" or any(columns):
            raise BadData(f"{name} has its own resolution and labels: name its path to prepare it otherwise")
        destination = arguments.destination or root / name
        if destination.name != name and destination.name in DATASETS:
            raise BadData(f"{destination} is the place of another known dataset than {name}: name another folder")
        require_destination(destination, holds_source=destination.resolve() == (root / name).resolve())
        notes = DATASETS[name].storage.prepare(name, known, root, destination, options.conversion)
        shape = str(known)
    else:
        destination = arguments.destination
        if destination is None:
            raise BadData(f"name the folder or .zip to prepare {name} into, such as {root / 'NAME'}")
        if not Path(name).exists():
            raise DatasetUnavailable(f"{name} does not exist, and is no known dataset ({', '.join(DATASETS)})")
        if destination.resolve() == Path(name).resolve():
            raise BadData(f"{destination} is the source itself: name another folder or .zip to prepare it into")
        if Path(name).resolve() in destination.resolve().parents:
            raise BadData(f"{destination} lies in the source {name}: name a folder outside of it")
        require_destination(destination)
        source = open_source([Path(name)], options.labels, columns)
        require_known_place(destination, source, options)
        with progress_bar(f"preparing {destination.name}") as progress:
            manifest, notes = write_prepared(source, destination, options, progress)
        shape = shape_text(len(source), manifest.resolution, count_classes(source.labels), source.class_names)
    _print_written(destination, root, shape, notes)
    return 0


def _print_written(destination: Path, root: Path, shape: str, notes: Sequence[str]) -> None:
    text = f" is written: {shape}" if is_zip(destination) else f": {manifest_text(read_manifest(destination))}"
    print(with_notes(f"{destination}{text}", notes))
    above = destination.resolve().parent
    if not is_zip(destination) and above != root.resolve():
        print(f"studies find it if R3GAN_DATA is {above}")


def options_of(arguments: argparse.Namespace) -> Options:
    """How images are to be taken. Raises BadData if an option were without effect."""
    if arguments.background is not None and not arguments.to_rgb:
        raise BadData("--background is what transparent images show when --to-rgb converts them: say --to-rgb too")
    conversion = Conversion(arguments.to_rgb, arguments.background, arguments.apply_rotation)
    return Options(arguments.resolution, arguments.labels, conversion)


def columns_of(arguments: argparse.Namespace) -> Columns:
    """The columns that are asked for."""
    return Columns(arguments.label_column, arguments.image_column)


def download_dataset(arguments: argparse.Namespace) -> int:
    """`data download`."""
    name, root = arguments.dataset, data_root()
    row = DATASETS[name]
    there = row.storage.state(name, row.facts, root).word in ("ready", "prepared")
    if row.storage.download is None and not there:
        message = row.storage.missing_message(name, root)
        raise DatasetUnavailable(f"{name} has no public source to download from. {message}")
    ensure_dataset(name, root)
    print(f"{name}: {', '.join(row.storage.state(name, row.facts, root))}")
    return 0

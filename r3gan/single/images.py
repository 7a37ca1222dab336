"""`--data`: the name of a dataset, or images at a path, which are prepared for the network's resolution."""

import re
from pathlib import Path

from r3gan.data.catalog import data_root, find_row, unknown_dataset_message
from r3gan.data.errors import BadData, DatasetUnavailable
from r3gan.data.manifest import is_prepared, read_manifest
from r3gan.data.prepare import Options, write_prepared
from r3gan.data.progress import progress_bar, tell
from r3gan.data.recognise import open_source
from r3gan.data.summary import manifest_text, with_notes


def dataset_of(data: str, resolution: int) -> str:
    """The name of the dataset, under which images at a path are or will be prepared. Raises DatasetUnavailable."""
    if find_row(data) is not None:
        return data
    path = Path(data).resolve()
    if path.parent == data_root().resolve() and is_prepared(path):
        return path.name
    if not Path(data).exists():
        raise DatasetUnavailable(f"--data {data} is no path; {unknown_dataset_message(data)}")
    stem = re.sub(r"[^\w.-]", "-", path.name.removesuffix(".zip")).strip(".-") or "images"
    return f"{stem}-{resolution}"


def prepare_images(data: str, name: str, resolution: int) -> None:
    """Prepare the images at a path as the dataset of a name, unless that is there. Raises BadData and OSError."""
    destination = data_root() / name
    source = open_source([Path(data)], "auto")
    if find_row(name) is not None:
        manifest = read_manifest(destination)
        made_from, here = (
            f"{count} images of {what}"
            for count, what in ((manifest.count, manifest.source), (len(source), source.description))
        )
        if made_from != here:
            raise BadData(f"{destination} was prepared from {made_from}, not from {here}: delete it, or rename one")
        tell(f"{destination} is prepared already, from {made_from}: delete it if they have changed")
        return
    with progress_bar(f"preparing {name}") as progress:
        manifest, notes = write_prepared(source, destination, Options(resolution), progress, wait=True)
    tell(with_notes(f"{destination}: {manifest_text(manifest)}", notes))

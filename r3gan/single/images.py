"""`--data`: the name of a dataset, or images at a path, which are prepared for the network's resolution."""

import re
from pathlib import Path

from r3gan.data.catalog import data_root, find_row, unknown_dataset_message
from r3gan.data.errors import BadData, DatasetUnavailable
from r3gan.data.facts import Facts
from r3gan.data.images import take_whole
from r3gan.data.manifest import is_prepared, read_manifest
from r3gan.data.places import require_writable
from r3gan.data.prepare import Options, write_prepared
from r3gan.data.progress import progress_bar, tell
from r3gan.data.recognise import open_source
from r3gan.data.sources import Source, count_classes
from r3gan.data.summary import manifest_text, with_notes
from r3gan.files import read_object
from r3gan.jobdir import JobDir
from r3gan.preset_choice import RESOLUTIONS, PresetChoice


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


def images_at(data: str, name: str) -> Source | None:
    """The images at a path, to be prepared as the dataset of a name; None if that is there. Raises BadData."""
    if find_row(data) is not None or not Path(data).exists():
        return None
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
        return None
    require_writable(destination.parent)
    return source


def facts_of(source: Source, preset: PresetChoice, resolution: int) -> Facts:
    """What will be known of the images once they are prepared. Raises BadData if the first is too small."""
    item = next(source.items(0))
    size = min(take_whole(item).pixels.shape[:2])
    if size < resolution:
        largest = max((each for each in RESOLUTIONS if each <= size), default=RESOLUTIONS[0])
        advice = preset.advice(largest, "--preset '", "'")
        raise BadData(f"{item.name} is smaller than the {resolution}x{resolution} of the network: {advice}")
    return Facts(resolution, count_classes(source.labels), len(source))


def prepare_images(source: Source, name: str, resolution: int) -> None:
    """Prepare images as the dataset of a name. Raises BadData and OSError."""
    destination = data_root() / name
    with progress_bar(f"preparing {name}") as progress:
        manifest, notes = write_prepared(source, destination, Options(resolution), progress, wait=True)
    tell(with_notes(f"{destination}: {manifest_text(manifest)}", notes))


def require_same_images(job: JobDir, name: str) -> None:
    """Raises BadData if a training that was begun, or has finished, saw other images than are prepared now."""
    before, folder = (read_object(job.environment) or {}).get("dataset", {}), data_root() / name
    if before.get("name") != name or not is_prepared(folder):
        return
    found = read_manifest(folder).content_hash
    if before.get("content_hash") != found:
        content = f"content {before.get('content_hash')}, which is {found} now"
        raise BadData(
            f"{job.root} was trained on {name} with {content}: bring the old images back, or name another --out"
        )

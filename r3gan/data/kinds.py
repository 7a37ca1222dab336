"""The kinds of data among file names, so that a source with two of them can be told from one."""

from collections.abc import Iterable, Mapping, Sequence

from r3gan.data.batchfiles import is_batch
from r3gan.data.imagefiles import image_names
from r3gan.data.metadata_tables import is_parquet_table

BATCHES, IMAGES, PARQUET, ARCHIVES = "batch files", "images", "parquet files", "archives"
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")


def kinds_of(names: Iterable[str]) -> dict[str, list[str]]:
    """Kind -> the relative names of that kind; kinds that do not occur are left out. Other files are of none."""
    kinds: dict[str, list[str]] = {BATCHES: [], IMAGES: [], PARQUET: [], ARCHIVES: []}
    names = list(names)
    kinds[IMAGES] = list(image_names(names))
    for name in names:
        if is_batch(name):
            kinds[BATCHES].append(name)
        elif name.lower().endswith(".parquet") and not (kinds[IMAGES] and is_parquet_table(name)):
            kinds[PARQUET].append(name)
        elif name.lower().endswith(ARCHIVE_SUFFIXES):
            kinds[ARCHIVES].append(name)
    return {kind: found for kind, found in kinds.items() if found}


def kinds_text(kinds: Mapping[str, Sequence[str]]) -> str:
    """The kinds with their counts and an example each."""
    return " beside ".join(f"{kind} ({len(names)}, such as {names[0]})" for kind, names in kinds.items())

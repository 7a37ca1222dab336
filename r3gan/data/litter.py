"""What systems and programs leave beside one's files: never data, and skipped wherever files are listed.

A hidden file, or a name of this list in any case, is litter with all that lies in it.
"""

from collections.abc import Iterable, Mapping

LITTER = (
    "@eaDir",  # Synology: thumbnails, under the names of the images
    "#recycle",
    "#snapshot",
    "@Recycle",  # QNAP
    "@Recently-Snapshot",
    "__MACOSX",  # macOS, in its zips
    "Icon\r",
    "Network Trash Folder",
    "Temporary Items",
    "Thumbs.db",  # Windows
    "ehthumbs.db",
    "desktop.ini",
    "$RECYCLE.BIN",
    "System Volume Information",
    "lost+found",  # Linux
    "__pycache__",
    ".DS_Store",
    ".git",
    ".cache",
    ".ipynb_checkpoints",
)
_BY_NAME = {name.casefold(): name.strip() for name in LITTER}


def litter_kind(part: str) -> str | None:
    """What a file or folder of this name is counted as; None if it is no litter."""
    kind = _BY_NAME.get(part.casefold())
    if kind is None and part.startswith("."):
        return "._*" if part.startswith("._") else "hidden files"
    return kind


def litter_above(name: str) -> tuple[str, str] | None:
    """The outermost part of a relative name that is litter: its kind, and the name up to it. None if there is none."""
    parts = name.split("/")
    for i, part in enumerate(parts):
        kind = litter_kind(part)
        if kind is not None:
            return kind, "/".join(parts[: i + 1])
    return None


def count_kinds(kinds: Iterable[str]) -> Mapping[str, int]:
    """How often each kind occurs, in the order of the kinds."""
    counts: dict[str, int] = {}
    for kind in sorted(kinds):
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def litter_note(counts: Mapping[str, int]) -> tuple[str, ...]:
    """What was skipped, as a sentence; none if nothing was."""
    if not counts:
        return ()
    return (f"skipped what systems leave: {', '.join(f'{kind} ({count})' for kind, count in counts.items())}",)

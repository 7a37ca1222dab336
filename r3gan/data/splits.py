"""Which of many image files are the training split, where folders are named after splits.

Such folders lie around class folders, around plain images, or within class folders: train/cat/0.png, train/0.png or
cat/train/0.png. They are known by each other: beside other folders, "train" is a class.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from r3gan.data.errors import BadData
from r3gan.data.split_words import TRAIN, Taken, split_name

Tree = Mapping[str, Sequence[str]]  # folder, "" for the outermost -> the folders in it, by name


def training_images(names: Sequence[str], place: Path, folders_are_classes: bool = False) -> Taken:
    """The images of the training split among relative names, in their order; all if no folders are named after splits.

    folders_are_classes: folders that may be splits or classes are classes.
    Raises BadData, naming `place`, if they may be either, or if there is no training split among several.
    """
    tree, depths = folder_tree(names), set()
    for folder, children in tree.items():
        if are_splits(children):
            depths.add(folder.count("/") + 1 if folder else 0)
        elif may_be_splits(tree, folder) and not folders_are_classes:
            raise BadData(_either_message(place, folder, children))
    if not depths:
        return Taken(tuple(names), _around(names))
    depth = min(depths)
    folders = [_folder_at(name, depth) for name in names]
    others = {folder for folder in set(folders) if split_name(folder) is None}
    stranger = next((name for name, folder in zip(names, folders, strict=True) if folder in others), None)
    if stranger is not None:
        raise BadData(
            f"{place} has folders named after splits, and {stranger} beside them: {_advice(place, 'one of them')}"
        )
    return _taken(names, folders, depth, place)


def split_files_note(names: Sequence[str]) -> tuple[str, ...]:
    """What to say of images that are themselves named after splits, such as test_0.png: they are all taken."""
    found = {name: split_name(name.rpartition("/")[2].rpartition(".")[0]) for name in (min(names), max(names))}
    if None in found.values() or len({split.split for split in found.values() if split is not None}) < 2:
        return ()
    return (f"took images of different splits together, by their names: {' and '.join(found)}",)


def folder_tree(names: Sequence[str]) -> Tree:
    """The folders in which images lie somewhere."""
    tree: dict[str, dict[str, None]] = defaultdict(dict)
    for parent in dict.fromkeys(name.rpartition("/")[0] for name in names):
        parts = parent.split("/") if parent else []
        for i, part in enumerate(parts):
            tree["/".join(parts[:i])][part] = None
    return {folder: list(children) for folder, children in sorted(tree.items())}


def are_splits(children: Sequence[str]) -> bool:
    """Whether folders side by side are splits: named alike but for the split, and every split once."""
    found = [split_name(child) for child in children]
    splits = [name.split for name in found if name is not None]
    return len(children) == len(set(splits)) > 1 and len({name.frame for name in found if name is not None}) == 1


def may_be_splits(tree: Tree, folder: str) -> bool:
    """Whether the folders in one, which are not plainly splits, may be some.

    They may if two of them differ in the split alone, if all are named after splits, or if one alone is named so and
    holds folders as classes are, which the others do not hold, or hold by the same names.
    """
    children = tree[folder]
    named = {child: found for child in children if (found := split_name(child)) is not None}
    by_frame = defaultdict(set)
    for found in named.values():
        by_frame[found.frame].add(found.split)
    if any(len(splits) > 1 for splits in by_frame.values()):
        return True
    if len({found.split for found in named.values()}) > 1 and len(named) == len(children):
        return True
    bare = [child for child, found in named.items() if found.is_bare]
    if len(bare) != 1 or len(children) == 1:
        return False
    inner = {child: set(tree.get(f"{folder}/{child}".lstrip("/"), ())) for child in children}
    ours = inner.pop(bare[0])
    others = set().union(*inner.values())
    return len(ours) > 1 and (not others or bool(ours & others))


def _around(names: Sequence[str]) -> str | None:
    """The split that a folder around all images is named after."""
    shared = names[0].split("/")[:-1] if names else []
    around = [part for part in shared if (found := split_name(part)) is not None and found.is_bare]
    prefix = f"{'/'.join(shared[: shared.index(around[0]) + 1])}/" if around else ""
    return around[0] if around and all(name.startswith(prefix) for name in names) else None


def _taken(names: Sequence[str], folders: Sequence[str], depth: int, place: Path) -> Taken:
    split_of = {folder: found.split for folder in sorted(set(folders)) if (found := split_name(folder)) is not None}
    train = [folder for folder, split in split_of.items() if split == TRAIN]
    if not train:
        raise BadData(
            f"{place} has the splits {', '.join(split_of)}, but none for training: {_advice(place, 'the one to use')}"
        )
    counts = Counter(folders)
    return Taken(
        tuple(name for name, folder in zip(names, folders, strict=True) if folder in train),
        " and ".join(train),
        {folder: f"{counts[folder]} images" for folder in split_of if folder not in train},
        depth,
    )


def _folder_at(name: str, depth: int) -> str:
    parts = name.split("/")
    return parts[depth] if depth < len(parts) - 1 else ""


def _either_message(place: Path, folder: str, children: Sequence[str]) -> str:
    named = [child for child in children if split_name(child) is not None]
    split = next((child for child in named if split_name(child)[0] == TRAIN), named[0])  # type: ignore[index]
    shown = ", ".join(sorted(children, key=lambda child: (child not in named, child))[:5])
    more = f" and {len(children) - 5} more" if len(children) > 5 else ""
    inner = f"{folder}/{split}".lstrip("/")
    return (
        f"{place / folder} holds folders that may be splits or classes ({shown}{more}): if {split} is the training "
        f"split, {_advice(place, str(place / inner) if place.is_dir() else inner)}; "
        "if all of them are classes, say --labels folders"
    )


def _advice(place: Path, what: str) -> str:
    return f"name {what} as SOURCE" if place.is_dir() else f"unpack the archive and name {what} as SOURCE"

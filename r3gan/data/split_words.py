"""Names of splits: train, test and validation, as files and folders of datasets are called after them.

`training_set`, `Test`, `val2017` and `seg_train` are names of splits too.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

TRAIN = "train"
WORDS = {
    TRAIN: ("train", "training", "trainset"),
    "test": ("test", "testing", "testset", "eval", "evaluation"),
    "validation": ("validation", "valid", "val", "valset", "dev"),
}  # as Hugging Face has them
FILLERS = ("set", "split", "data", "dataset", "images", "image", "imgs", "img")  # "train_images" is "train"
_SPLIT_OF = {word: split for split, words in WORDS.items() for word in words}
_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")  # "trainA" is "train", "A"


class SplitName(NamedTuple):
    """A name that has a split's word in it."""

    split: str  # "train", "test" or "validation"
    frame: tuple[str, ...]  # the name's words with "*" for the split's: equal in names that differ only in the split

    @property
    def is_bare(self) -> bool:
        """Whether the name says nothing but the split."""
        return self.frame == ("*",)


def split_name(name: str) -> SplitName | None:
    """Which split a file or folder is named after; None without such a word, or with several."""
    tokens = [token.lower() for token in _TOKEN.findall(name)]
    splits = [_SPLIT_OF[token] for token in tokens if token in _SPLIT_OF]
    if len(splits) != 1:
        return None
    return SplitName(splits[0], tuple("*" if token in _SPLIT_OF else token for token in tokens if token not in FILLERS))


class Taken(NamedTuple):
    """What is taken of a source with splits."""

    names: tuple[str, ...]
    split: str | None = None  # as it is written; None if nothing is named after one
    left_out: Mapping[str, str] = {}  # name of what is left out -> how much, in words
    depth: int | None = None  # of the folder named after the split, in the parts of every name

    @property
    def notes(self) -> tuple[str, ...]:
        """What to say of it."""
        if self.split is None:
            return ()
        if not self.left_out:
            return (f"took the split {self.split}, the only one there",)
        others = ", ".join(f"{name} ({count})" for name, count in self.left_out.items())
        return (f"took the split {self.split}; left out: {others}",)

    def unsplit(self, name: str) -> str:
        """What a name is within its split: without the split's folder."""
        if self.depth is None:
            return name
        parts = name.split("/")
        return "/".join(parts[: self.depth] + parts[self.depth + 1 :])

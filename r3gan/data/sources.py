"""What a source of images is, whatever its format: so many images, from any index on, with labels known at once."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, Protocol, get_args

import numpy as np

from r3gan.data.errors import BadData

LabelMode = Literal["auto", "folders", "file", "none"]
LABEL_MODES: tuple[LabelMode, ...] = get_args(LabelMode)
CLASSES_LIMIT = 100_000  # far above any dataset, far below what a slip would write


class Columns(NamedTuple):
    """Columns of parquet files and tables that are asked for by name. None: the one that can be meant."""

    label: str | None = None
    image: str | None = None


ANY_COLUMNS = Columns()


class Labels(NamedTuple):
    """The labels of N images of K classes."""

    values: np.ndarray  # int64 [N] in 0..K-1
    names: tuple[str, ...]  # of the classes, K; empty if they have none
    origin: str  # where they come from, in words


class Item(NamedTuple):
    """One image."""

    name: str  # for messages: which file it comes from
    data: bytes | np.ndarray  # an encoded image, or uint8 [H, W, 3]


class Source(Protocol):
    """Images in a fixed order."""

    @property
    def description(self) -> str:
        """Kind and file name, for the record."""

    @property
    def labels(self) -> np.ndarray | None:
        """int64 [N] in 0..K-1; None without labels. Checked by `checked_labels`."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the K classes; empty if they have none."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken and what was left out or ignored, in sentences."""

    @property
    def parts(self) -> Sequence[tuple[str, int]]:
        """Names and sizes of what the source consists of: changed parts are another source."""

    def __len__(self) -> int:
        """N, how many images there are."""

    def items(self, start: int) -> Iterator[Item]:
        """The images from index `start` on. Raises BadData where one cannot be read."""


def checked_labels(values: Sequence[Any] | np.ndarray, where: str) -> np.ndarray:
    """Labels as int64 [N]. Raises BadData, naming `where`, unless they are whole numbers from 0 up, not all equal."""
    for i, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise BadData(f"{where}: label {value!r} of image {i} is not a whole number")
        if not 0 <= value < CLASSES_LIMIT:
            can_be = f"0 to {CLASSES_LIMIT - 1} can be; --labels none leaves labels out"
            raise BadData(f"{where}: label {value} of image {i} is out of range: {can_be}")
    labels = np.asarray(values, np.int64)
    if len(labels) > 1 and labels.min() == labels.max():
        raise BadData(f"{where}: all {len(labels)} labels are {labels[0]}: --labels none leaves them out")
    return labels


def count_classes(labels: np.ndarray | None) -> int:
    """The largest label + 1; 0 without labels."""
    return 0 if labels is None else int(labels.max()) + 1


def histogram_of(labels: np.ndarray | None) -> tuple[int, ...]:
    """Images per class; empty without labels."""
    return () if labels is None else tuple(np.bincount(labels).tolist())

"""What is known of a dataset before its files are, and whether they are there. Needs no torch."""

from typing import NamedTuple

MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
MNIST_COUNTS = (60_000, 10_000)  # of training and test digits


class Facts(NamedTuple):
    """What is known of a dataset before its files are."""

    resolution: int
    classes: int  # 0: without labels
    images: int | None = None  # None: endless, drawn by combination
    channels: int = 3  # of an image; 2 of points in the plane

    def __str__(self) -> str:
        count = "endlessly many" if self.images is None else self.images
        if self.channels == 2:
            return f"points of the plane, {self.classes} classes, {count} points"
        return f"{self.resolution}x{self.resolution}, {self.classes} classes, {count} images"


class State(NamedTuple):
    """Whether a dataset is there, in a word or two, and where it is or should be."""

    word: str
    where: str

    @property
    def is_missing(self) -> bool:
        """Whether nothing of it was found."""
        return self.word == "missing"

"""Stacked digits: three grey digits as the colours of one image.

Shapes: N images in the set, B in a batch, R resolution. Images handed out are uint8 [B, 3, R, R] in 0..255.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from r3gan.data.errors import BadData, DatasetUnavailable
from r3gan.data.facts import MNIST_FILES
from r3gan.data.idx import read_images, read_labels
from r3gan.data.idx_files import find_idx_files
from r3gan.streams import stream

DIGITS = 10


@dataclass(frozen=True)
class DigitImages:
    """Grey digits: images uint8 [N, R, R], labels int64 [N] in 0..9."""

    images: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> "DigitImages":
        """The digits on a device."""
        return DigitImages(self.images.to(device), self.labels.to(device))

    def enlarged(self, times: int) -> "DigitImages":
        """Every pixel a square of so many by so many."""
        return replace(self, images=self.images.repeat_interleave(times, 1).repeat_interleave(times, 2))

    def reduced(self, times: int) -> "DigitImages":
        """Undo that."""
        return replace(self, images=self.images[:, ::times, ::times].contiguous())


@dataclass(frozen=True, kw_only=True)
class StackedDigits:
    """Three random training digits as the R, G and B of one image: 1000 equally wanted modes.

    The digits live on one device as uint8; images are stacked there from index triples, so the set has N^3 images.
    The held-out test digits are for the classifier's accuracy only.
    """

    name: str
    source: str  # where the digits came from, for the record
    train: DigitImages
    test: DigitImages
    enlarged: int = 1  # height and width of the squares that pixels became

    classes = DIGITS**3
    class_names = ()  # they are numbers

    @property
    def resolution(self) -> int:
        """Height and width of the images."""
        return self.train.images.shape[-1]

    def __len__(self) -> int:
        return len(self.train.images) ** 3

    @property
    def original(self) -> "StackedDigits":
        """Before its pixels became squares."""
        if self.enlarged == 1:
            return self
        train, test = (part.reduced(self.enlarged) for part in (self.train, self.test))
        return replace(self, train=train, test=test, enlarged=1)

    @cached_property
    def label_histogram(self) -> Tensor:
        """How many of the N^3 images show each mode: int64 [1000]."""
        digits = torch.bincount(self.train.labels.cpu(), minlength=DIGITS)
        return torch.einsum("r,g,b->rgb", digits, digits, digits).flatten()

    @cached_property
    def content_hash(self) -> str:
        """A hash of every pixel and label, of training and test digits."""
        digest = hashlib.sha256()
        for part in (self.train, self.test):
            digest.update(part.images.cpu().numpy().tobytes())
            digest.update(part.labels.cpu().numpy().tobytes())
        return digest.hexdigest()[:16]

    def indices(self, seed: int, network: str, position: int, count: int) -> Tensor:
        """Which digits make the `count` images at `position` of the network's own endless order: int64 [count, 3]."""
        return torch.randint(len(self.train.images), (count, 3), generator=stream(seed, "data", network, position))

    def is_on(self, device: torch.device) -> bool:
        """Whether the images live on this device."""
        return self.train.images.device == device

    def gather(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Images uint8 [B, 3, R, R] and labels int64 [B] in 0..999 for index triples [B, 3], where the images live."""
        return self.train.images[indices], stacked_label(self.train.labels[indices])


def stacked_label(digits: Tensor) -> Tensor:
    """Digit triples [B, 3] to modes [B]: 100 R + 10 G + B."""
    return (digits * torch.tensor([100, 10, 1], device=digits.device)).sum(-1)  # GPUs have no product of whole numbers


def digits_of(labels: Tensor) -> Tensor:
    """Modes [B] to digit triples [B, 3], the inverse."""
    return torch.stack([labels // 100, labels // 10 % 10, labels % 10], dim=-1)


def load_embedded_digits(root: Path) -> tuple[DigitImages, DigitImages, str]:
    """scikit-learn's 1797 digits of 8x8 pixels: four in five for training, every fifth for testing.

    They are read from its file: to load the package takes seconds. Raises DatasetUnavailable.
    """
    file = embedded_file()
    rows = torch.from_numpy(np.loadtxt(file, delimiter=","))  # 64 pixels in 0..16, then the digit
    images = (rows[:, :-1] * (255 / 16)).round().to(torch.uint8).view(-1, 8, 8)
    labels = rows[:, -1].long()
    held_out = torch.arange(len(labels)) % 5 == 4
    train, test = (DigitImages(images[part], labels[part]) for part in (~held_out, held_out))
    return train, test, "sklearn.datasets.load_digits"


def embedded_file() -> Path:
    """Where scikit-learn keeps its digits. Raises DatasetUnavailable."""
    found = find_spec("sklearn")
    if found is None or found.origin is None:
        raise DatasetUnavailable("stacked-digits is made of scikit-learn's digits: pip install scikit-learn")
    file = Path(found.origin).parent / "datasets" / "data" / "digits.csv.gz"
    if not file.exists():
        raise DatasetUnavailable(f"stacked-digits was not found: this scikit-learn has no {file}")
    return file


def load_mnist(folder: Path) -> tuple[DigitImages, DigitImages, str]:
    """MNIST from its four IDX files in a folder, padded from 28x28 to 32x32. Raises BadData, naming a file."""
    files = find_idx_files(folder, MNIST_FILES)
    missing = [name for name in MNIST_FILES if name not in files]
    if missing:
        raise DatasetUnavailable(f"{folder} lacks {', '.join(missing)}")
    train_images, train_labels, test_images, test_labels = files.values()
    return read_digits(train_images, train_labels), read_digits(test_images, test_labels), "MNIST"


def read_digits(image_file: Path, label_file: Path) -> DigitImages:
    """Digits and their labels from two IDX files that belong together. Raises BadData, naming one."""
    images, labels = read_images(image_file), read_labels(label_file, DIGITS)
    if len(images) != len(labels):
        counts = f"{image_file} holds {len(images)} images, {label_file} {len(labels)} labels"
        raise BadData(f"{counts}; one label for each image was expected")
    return DigitImages(pad(torch.from_numpy(images.copy()), (2, 2, 2, 2)), torch.from_numpy(labels.copy()).long())

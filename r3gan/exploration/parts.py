"""What a section of the page is made of."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Picture:
    """An image with a sentence below it."""

    png: bytes
    caption: str
    zoom: int = 1  # pixels of the page to one of the image


@dataclass(frozen=True)
class Table:
    """Cells as they are shown."""

    head: tuple[str, ...]
    rows: list[tuple[str, ...]]


Part = Text | Picture | Table
Parts = Iterator[Part]

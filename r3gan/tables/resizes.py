"""How images in files become squares of one size before a feature network sees them, for `r3gan evaluate`."""

from dataclasses import dataclass

from r3gan.deferred import Deferred
from r3gan.tables.lookup import row_of

AS_IS = "as-is"


@dataclass(frozen=True)
class ResizeRow:
    """One rule: a function of (name, image uint8 [H, W, 3], size or None) that returns uint8 [R, R, 3]."""

    function: Deferred
    sized: bool  # whether it takes a size
    text: str


RESIZES = {
    AS_IS: ResizeRow(
        Deferred("r3gan.evaluation.resizing:as_is"), False, "none: squares of one size, which the network itself scales"
    ),
    "crop-lanczos": ResizeRow(
        Deferred("r3gan.data.images:square"),
        True,
        "the central square, reduced by Pillow's LANCZOS: as `data prepare --resolution`; smaller images are an error",
    ),
    "bilinear-crop": ResizeRow(
        Deferred("r3gan.evaluation.resizing:bilinear_crop"),
        True,
        "the shorter side to the size by Pillow's bilinear filter, then the central square: torch-fidelity's "
        "`--samples-resize-and-crop`",
    ),
}


@dataclass(frozen=True)
class Resize:
    """A rule with its size."""

    rule: str = AS_IS
    size: int | None = None

    def __str__(self) -> str:
        return self.rule if self.size is None else f"{self.rule}:{self.size}"


UNCHANGED = Resize()


def read_resize(text: str) -> Resize:
    """`crop-lanczos:64`. Raises UnknownChoice, and ValueError for a size that is missing, none, or without effect."""
    name, colon, size = text.partition(":")
    row = row_of(RESIZES, "resize", name)
    if not row.sized and colon:
        raise ValueError(f"{text!r}: {name} takes no size")
    if row.sized and not (size.isdecimal() and int(size)):
        raise ValueError(f"{text!r}: a size was expected, such as {name}:64")
    return Resize(name, int(size) if row.sized else None)

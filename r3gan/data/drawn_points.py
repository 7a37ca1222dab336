"""Datasets that are drawn when they are loaded: points of the plane. Needs no torch until one is loaded."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from r3gan.data.conversion import Conversion
from r3gan.data.errors import BadData
from r3gan.data.facts import Facts, State
from r3gan.deferred import Deferred
from r3gan.tables.metrics import Kind

if TYPE_CHECKING:
    import torch

    from r3gan.data.dataset import Dataset


class DrawnPoints:
    """Points of the shape that the dataset is named after (r3gan/data/shapes.py)."""

    kind: ClassVar[Kind] = "points"
    download: ClassVar[Deferred | None] = None
    advice = "nothing: drawn from a seeded stream"

    def state(self, name: str, known: Facts, root: Path) -> State:
        """See Storage."""
        return State("ready", "drawn when it is loaded")

    def missing_message(self, name: str, root: Path) -> str:
        """See Storage."""
        return f"{name} is drawn, and cannot be missing"

    def ensure(self, name: str, known: Facts, root: Path) -> None:
        """See Storage."""

    def prepare(
        self, name: str, known: Facts, root: Path, destination: Path, conversion: Conversion
    ) -> tuple[str, ...]:
        """See Storage."""
        raise BadData(f"{name} needs no preparation")

    def load(self, name: str, known: Facts, root: Path, device: "torch.device") -> "Dataset":
        """See Storage."""
        from r3gan.data.points import draw_points

        return draw_points(name).to(device)

    def check(self, name: str, known: Facts, root: Path) -> str:
        """See Storage."""
        from r3gan.data.points import draw_points

        data = draw_points(name)
        return f"sound, {len(data)} points, {data.classes} modes, content hash {data.content_hash}"

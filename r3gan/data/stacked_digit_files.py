"""Datasets kept as grey digits that are stacked into images. Needs no torch until one is loaded."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r3gan.data.errors import BadData, DatasetUnavailable
from r3gan.data.facts import Facts, State, idx_file
from r3gan.data.storage import fetch
from r3gan.deferred import Deferred

if TYPE_CHECKING:
    import torch

    from r3gan.data.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class StackedDigitFiles:
    """Grey digits, stacked by threes into the colours of endlessly many images."""

    loader: Deferred  # root -> training digits, test digits, and where they came from
    files: tuple[str, ...] = ()  # IDX files, plain or .gz; empty: the digits come with a package
    folders: tuple[str, ...] = ()  # under the root, where they may lie together
    home: str = ""  # the one of them that messages name
    package: str = ""  # that holds them
    download: Deferred | None = None
    stacked_digits = True

    @property
    def advice(self) -> str:
        """See Storage."""
        return f"{', '.join(self.files)} (or each with .gz)" if self.files else f"nothing: part of {self.package}"

    def find(self, root: Path) -> Path | None:
        """The folder that holds all of the files."""
        places = (root / folder for folder in self.folders)
        return next((place for place in places if all(idx_file(place, name) for name in self.files)), None)

    def state(self, name: str, known: Facts, root: Path) -> State:
        """See Storage."""
        if not self.files:
            return State("ready", f"in {self.package}")
        found = self.find(root)
        return State("ready", str(found)) if found else State("missing", str(root / self.home))

    def missing_message(self, name: str, root: Path) -> str:
        """See Storage."""
        put = f"put {self.advice} into {root / self.home}"
        return f"{name} was not found: {put}, or name the folder that holds them in R3GAN_DATA"

    def ensure(self, name: str, known: Facts, root: Path) -> None:
        """See Storage."""
        if self.state(name, known, root).is_missing:
            if self.download is None:
                raise DatasetUnavailable(self.missing_message(name, root))
            fetch(self.download, root, self.missing_message(name, root))

    def prepare(self, name: str, known: Facts, root: Path, destination: Path, to_rgb: bool = False) -> tuple[str, ...]:
        """See Storage."""
        raise BadData(f"{name} needs no preparation")

    def load(self, name: str, known: Facts, root: Path, device: "torch.device") -> "Dataset":
        """See Storage."""
        from r3gan.data.digits import StackedDigits
        from r3gan.data.known import home_of

        if self.state(name, known, root).is_missing:
            raise DatasetUnavailable(self.missing_message(name, root))
        train, test, source = self.loader(self.find(root) or root)
        home = home_of(train.images.nbytes + test.images.nbytes, device)
        return StackedDigits(name, source, train.to(home), test.to(home))

    def check(self, name: str, known: Facts, root: Path) -> str:
        """See Storage."""
        import torch

        data: Any = self.load(name, known, root, torch.device("cpu"))
        counts = f"{len(data.train.images)} training and {len(data.test.images)} test digits"
        return f"sound, {counts}, content hash {data.content_hash}"

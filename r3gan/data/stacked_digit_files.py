"""Datasets kept as grey digits that are stacked into images. Needs no torch until one is loaded."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from r3gan.data.conversion import Conversion
from r3gan.data.errors import BadData, DatasetUnavailable
from r3gan.data.facts import Facts, State
from r3gan.data.idx_files import find_idx_files
from r3gan.data.progress import warn
from r3gan.data.storage import fetch
from r3gan.deferred import Deferred
from r3gan.tables.metrics import Kind

if TYPE_CHECKING:
    import torch

    from r3gan.data.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class StackedDigitFiles:
    """Grey digits, stacked by threes into the colours of endlessly many images."""

    loader: Deferred  # root -> training digits, test digits, and where they came from
    files: tuple[str, ...] = ()  # IDX files, see find_idx_files; empty: the digits come with a package
    counts: tuple[int, int] | None = None  # of training and test digits, as it is known
    folders: tuple[str, ...] = ()  # under the root, where they may lie together
    home: str = ""  # the one of them that messages name
    package: str = ""  # that holds them
    download: Deferred | None = None
    enlarged: int = 1  # height and width of the squares that pixels become
    kind: ClassVar[Kind] = "stacked digits"

    @property
    def advice(self) -> str:
        """See Storage."""
        squares = f", each pixel a square of {self.enlarged}x{self.enlarged}" if self.enlarged > 1 else ""
        files = f"{', '.join(self.files)} (or each with .gz)" if self.files else f"nothing: part of {self.package}"
        return files + squares

    def find(self, root: Path) -> Path | None:
        """The folder that holds all of the files."""
        places = (root / folder for folder in self.folders)
        return next((place for place in places if len(find_idx_files(place, self.files)) == len(self.files)), None)

    def state(self, name: str, known: Facts, root: Path) -> State:
        """See Storage."""
        if not self.files:
            return State("ready", f"in {self.package}")
        found = self.find(root)
        return State("ready", str(found)) if found else State("missing", str(root / self.home))

    def missing_message(self, name: str, root: Path) -> str:
        """See Storage."""
        put = f"put {self.advice} into {root / self.home}"
        return f"{name} was not found{self._lacking(root)}: {put}, or name the folder that holds them in R3GAN_DATA"

    def _lacking(self, root: Path) -> str:
        """Which files are not where others of them are."""
        for place in (root / folder for folder in self.folders):
            found = find_idx_files(place, self.files)
            if found:
                return f", {place} lacks {', '.join(name for name in self.files if name not in found)}"
        return ""

    def ensure(self, name: str, known: Facts, root: Path) -> None:
        """See Storage."""
        if self.state(name, known, root).is_missing:
            if self.download is None:
                raise DatasetUnavailable(self.missing_message(name, root))
            fetch(self.download, root, self.missing_message(name, root))
        if self.files:
            import torch

            data: Any = self.load(name, known, root, torch.device("cpu"))
            unlike = self._unlike(data)
            if unlike:
                warn(f"{self.find(root)} holds {unlike}")

    def prepare(
        self, name: str, known: Facts, root: Path, destination: Path, conversion: Conversion
    ) -> tuple[str, ...]:
        """See Storage."""
        raise BadData(f"{name} needs no preparation")

    def load(self, name: str, known: Facts, root: Path, device: "torch.device") -> "Dataset":
        """See Storage."""
        from r3gan.data.digits import StackedDigits
        from r3gan.data.known import home_of

        if self.state(name, known, root).is_missing:
            raise DatasetUnavailable(self.missing_message(name, root))
        train, test, source = self.loader(self.find(root) or root)
        train, test = train.enlarged(self.enlarged), test.enlarged(self.enlarged)
        home = home_of(train.images.nbytes + test.images.nbytes, device)
        return StackedDigits(name=name, source=source, train=train.to(home), test=test.to(home), enlarged=self.enlarged)

    def check(self, name: str, known: Facts, root: Path) -> str:
        """See Storage."""
        import torch

        data: Any = self.load(name, known, root, torch.device("cpu"))
        counts = self._unlike(data) or _counts_text(*_counts(data))
        return f"sound, {counts}, content hash {data.content_hash}"

    def _unlike(self, data: Any) -> str | None:
        """How many digits there are and should be; None if nothing else is known."""
        if self.counts in (None, _counts(data)):
            return None
        return f"{_counts_text(*_counts(data))} ({data.source} has {_counts_text(*self.counts)})"


def _counts(data: Any) -> tuple[int, int]:
    return len(data.train.images), len(data.test.images)


def _counts_text(train: int, test: int) -> str:
    return f"{train} training and {test} test digits"

"""How datasets are kept: as prepared images, or as digits that are stacked into images. Needs no torch.

A kind of storage knows how a dataset of its kind is found, made ready, loaded and checked, and what is said of it while
it is missing. `known` is what the dataset must be, `root` the folder that holds all datasets.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from r3gan.data.errors import BadData, DatasetUnavailable
from r3gan.data.facts import Facts, State, idx_file
from r3gan.data.manifest import Manifest, is_prepared, read_manifest
from r3gan.deferred import Deferred

if TYPE_CHECKING:
    import torch

    from r3gan.data.dataset import Dataset


class Storage(Protocol):
    """One kind."""

    @property
    def stacked_digits(self) -> bool:
        """Whether the `digits` metric can count its modes."""

    @property
    def download(self) -> Deferred | None:
        """root -> None: fetches the files; None without a public source."""

    @property
    def advice(self) -> str:
        """Which files are to be put there, for messages and documentation."""

    def state(self, name: str, known: Facts, root: Path) -> State:
        """Whether and where it is. Raises DatasetUnavailable if what is there is damaged."""

    def missing_message(self, name: str, root: Path) -> str:
        """Which file to put where."""

    def ensure(self, name: str, known: Facts, root: Path) -> None:
        """Download and prepare what is missing. Raises DatasetUnavailable with the way out, and OSError."""

    def prepare(self, name: str, known: Facts, root: Path, destination: Path, to_rgb: bool = False) -> None:
        """Prepare it from its files, into another place if need be. Raises DatasetUnavailable, and OSError."""

    def load(self, name: str, known: Facts, root: Path, device: "torch.device") -> "Dataset":
        """The dataset, which is ready. Raises DatasetUnavailable, or BadData if it is not what its name says."""

    def check(self, name: str, known: Facts, root: Path) -> str:
        """Read it whole. Returns what it is, in words. Raises DatasetUnavailable."""


@dataclass(frozen=True)
class PreparedImages:
    """Image files of any format, prepared once into arrays under the dataset's name."""

    patterns: tuple[str, ...] = ()  # of files, in the data folder and its raw/; the dataset's own folder may hold any
    advice: str = ""  # which file belongs where, after "put"
    download: Deferred | None = None
    stacked_digits = False

    def find(self, name: str, root: Path) -> list[Path]:
        """The files as they come: the dataset's own folder under `root`, or files by their names. Empty if missing."""
        own = root / name
        if own.is_dir() and any(not path.name.startswith(".") for path in own.iterdir()):
            return [own]
        for folder in (root, root / "raw"):
            for pattern in self.patterns:
                found = sorted(folder.glob(pattern))
                if found:
                    return found
        return []

    def state(self, name: str, known: Facts, root: Path) -> State:
        """See Storage."""
        if is_prepared(root / name):
            self.require(name, known, root / name)
            return State("prepared", str(root / name))
        found = self.find(name, root)
        return State("raw found", str(found[0])) if found else State("missing", str(root / name))

    def missing_message(self, name: str, root: Path) -> str:
        """See Storage."""
        put = f"put {self.advice} into {root / name}"
        return f"{name} was not found: {put}, or name the folder above it in R3GAN_DATA"

    def require(self, name: str, known: Facts, folder: Path) -> Manifest:
        """The manifest of what is prepared. Raises BadData if that is something else than its name says."""
        manifest = read_manifest(folder)
        found = Facts(manifest.resolution, manifest.classes, manifest.count)
        if found != known:
            raise BadData(f"{folder} is not {name}: found {found}; expected {known}: prepare it under another name")
        return manifest

    def ensure(self, name: str, known: Facts, root: Path) -> None:
        """See Storage."""
        import torch

        if not is_prepared(root / name):
            if not self.find(name, root) and self.download is not None:
                self.download(root)
            self._prepare(name, known, root, root / name, wait=True)
        self.load(name, known, root, torch.device("cpu"))

    def prepare(self, name: str, known: Facts, root: Path, destination: Path, to_rgb: bool = False) -> None:
        """See Storage."""
        self._prepare(name, known, root, destination, to_rgb=to_rgb)

    def _prepare(self, name: str, known: Facts, root: Path, destination: Path, **options: bool) -> None:
        from r3gan.data.known import prepare_known

        paths = self.find(name, root)
        if not paths:
            raise DatasetUnavailable(self.missing_message(name, root))
        prepare_known(name, known, paths, destination, **options)

    def load(self, name: str, known: Facts, root: Path, device: "torch.device") -> "Dataset":
        """See Storage. In a GPU's memory if it fits, else memory-mapped on the host."""
        from r3gan.data.known import home_of
        from r3gan.data.store import open_prepared

        if not is_prepared(root / name):
            found = self.find(name, root)
            ready = f"{found[0]} was found but not prepared: python -m r3gan data prepare {name}" if found else ""
            raise DatasetUnavailable(ready or self.missing_message(name, root))
        self.require(name, known, root / name)
        data = open_prepared(root / name, name)
        return data.to(home_of(data.images.nbytes + data.labels.nbytes, device))

    def check(self, name: str, known: Facts, root: Path) -> str:
        """See Storage."""
        from r3gan.data.checks import check_prepared, check_source

        if is_prepared(root / name):
            self.require(name, known, root / name)
            return check_prepared(root / name)
        paths = self.find(name, root)
        if not paths:
            raise DatasetUnavailable(self.missing_message(name, root))
        return check_source(name, paths, known)


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
            self.download(root)

    def prepare(self, name: str, known: Facts, root: Path, destination: Path, to_rgb: bool = False) -> None:
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

"""Datasets kept as prepared images. Needs no torch until one is loaded."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from r3gan.data.conversion import AS_STORED, Conversion
from r3gan.data.errors import BadData, DatasetUnavailable
from r3gan.data.facts import Facts, State
from r3gan.data.litter import litter_kind
from r3gan.data.manifest import Manifest, is_prepared, read_manifest
from r3gan.data.storage import fetch
from r3gan.deferred import Deferred
from r3gan.tables.metrics import Kind

if TYPE_CHECKING:
    import torch

    from r3gan.data.dataset import Dataset
    from r3gan.data.prepare import Written


@dataclass(frozen=True)
class PreparedImages:
    """Image files of any format, prepared once into arrays under the dataset's name."""

    patterns: tuple[str, ...] = ()  # of files, in the data folder and its raw/; the dataset's own folder may hold any
    advice: str = ""  # which file belongs where, after "put"
    download: Deferred | None = None
    kind: ClassVar[Kind] = "images"

    def find(self, name: str, root: Path) -> list[Path]:
        """The files as they come: the dataset's own folder under `root`, or files by their names. Empty if missing."""
        own = root / name
        if own.is_dir() and any(litter_kind(path.name) is None for path in own.iterdir()):
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

        from r3gan.data.progress import tell
        from r3gan.data.summary import manifest_text, with_notes

        if not is_prepared(root / name):
            if not self.find(name, root) and self.download is not None:
                fetch(self.download, root, self.missing_message(name, root))
            written = self._prepare(name, known, root, root / name, AS_STORED, wait=True)
            tell(with_notes(f"{name}: {manifest_text(written.manifest)}", written.notes))
        self.load(name, known, root, torch.device("cpu"))

    def prepare(
        self, name: str, known: Facts, root: Path, destination: Path, conversion: Conversion
    ) -> tuple[str, ...]:
        """See Storage."""
        return self._prepare(name, known, root, destination, conversion).notes

    def _prepare(
        self, name: str, known: Facts, root: Path, destination: Path, conversion: Conversion, wait: bool = False
    ) -> "Written":
        from r3gan.data.known import prepare_known

        paths = self.find(name, root)
        if not paths:
            raise DatasetUnavailable(self.missing_message(name, root))
        return prepare_known(name, known, paths, destination, conversion=conversion, wait=wait)

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
        from r3gan.data.known import known_options

        if is_prepared(root / name):
            self.require(name, known, root / name)
            return check_prepared(root / name)
        paths = self.find(name, root)
        if not paths:
            raise DatasetUnavailable(self.missing_message(name, root))
        return check_source(name, paths, known_options(known), known=known)

"""How datasets are kept: what every kind of storage knows. Needs no torch.

A kind of storage knows how a dataset of its kind is found, made ready, loaded and checked, and what is said of it while
it is missing. `known` is what the dataset must be, `root` the folder that holds all datasets.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from r3gan.data.conversion import Conversion
from r3gan.data.errors import as_told
from r3gan.data.facts import Facts, State
from r3gan.deferred import Deferred
from r3gan.tables.metrics import Kind

if TYPE_CHECKING:
    import torch

    from r3gan.data.dataset import Dataset


class Storage(Protocol):
    """One kind."""

    @property
    def kind(self) -> Kind:
        """What its images are, which decides the metrics that apply."""

    @property
    def download(self) -> Deferred | None:
        """root -> None: fetches the files, or raises OSError or RuntimeError; None without a public source."""

    @property
    def advice(self) -> str:
        """Which files are to be put there, for messages and documentation."""

    def state(self, name: str, known: Facts, root: Path) -> State:
        """Whether and where it is. Raises DatasetUnavailable if what is there is damaged."""

    def missing_message(self, name: str, root: Path) -> str:
        """Which file to put where."""

    def ensure(self, name: str, known: Facts, root: Path) -> None:
        """Download and prepare what is missing. Raises DatasetUnavailable with the way out, and DiskFull."""

    def prepare(
        self, name: str, known: Facts, root: Path, destination: Path, conversion: Conversion
    ) -> tuple[str, ...]:
        """Prepare it from its files, into another place if need be. Returns what was left out or ignored, in sentences.

        Raises DatasetUnavailable, and DiskFull.
        """

    def load(self, name: str, known: Facts, root: Path, device: "torch.device") -> "Dataset":
        """The dataset, which is ready. Raises DatasetUnavailable, or BadData if it is not what its name says."""

    def check(self, name: str, known: Facts, root: Path) -> str:
        """Read it whole. Returns what it is, in words. Raises DatasetUnavailable."""


def fetch(download: Deferred, root: Path, instead: str) -> None:
    """Download. Raises DatasetUnavailable, saying what to do instead, if that fails."""
    try:
        download(root)
    except (OSError, RuntimeError) as error:
        raise as_told(error, f"{instead} (the download failed: {error})") from error

"""The weights of torch-fidelity's feature networks: where they are looked for, and the way out if they are missing.

They are looked for in `weights/` of the data folder, then where torch.hub keeps downloads. Nothing falls back to
another network. A file is only handed on if it holds tensors in plain containers, so that loading it runs no code.
"""

import hashlib
import pickle
from pathlib import Path
from typing import NamedTuple

import torch
from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3
from torchvision.models import VGG16_Weights

from r3gan.data.catalog import DatasetUnavailable
from r3gan.evaluation.metrics import DINO, INCEPTION, VGG


class WeightsUnavailable(DatasetUnavailable):
    """A feature network's weights cannot be had; the message says which file belongs where."""


class WeightsFile(NamedTuple):
    """One published file."""

    url: str
    by_path: bool  # whether torch-fidelity takes the file's path; else it must lie where torch.hub keeps downloads
    repository: str = ""  # code that torch.hub fetches beside it

    @property
    def name(self) -> str:
        """The file's name; behind the last dash, if there are eight, stand the first digits of its SHA-256."""
        return self.url.rpartition("/")[2]


FILES = {
    INCEPTION: WeightsFile(URL_INCEPTION_V3, by_path=True),
    VGG: WeightsFile(VGG16_Weights.IMAGENET1K_V1.url, by_path=True),
    DINO: WeightsFile(
        "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth",
        by_path=False,
        repository="facebookresearch_dinov2_main",
    ),
}


def find_weights(extractor: str, root: Path) -> Path:
    """The file with the network's weights. Raises WeightsUnavailable with the way out."""
    file, hub = FILES[extractor], Path(torch.hub.get_dir())
    places = ([root / "weights"] if file.by_path else []) + [hub / "checkpoints"]
    found = next((place / file.name for place in places if (place / file.name).is_file()), None)
    if found is None:
        raise WeightsUnavailable(f"the weights of {extractor} were not found: put {file.url} into {places[0]}")
    if file.repository and not (hub / file.repository / "hubconf.py").is_file():
        raise WeightsUnavailable(
            f"the code of {extractor} was not found: unpack its repository as {hub / file.repository}"
        )
    return found


def ensure_weights(extractor: str, root: Path) -> Path:
    """The same, after downloading the file if it is missing; its SHA-256 is compared where its name holds it."""
    try:
        return find_weights(extractor, root)
    except WeightsUnavailable as missing:
        file = FILES[extractor]
        target = Path(torch.hub.get_dir()) / "checkpoints" / file.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                prefix = target.stem.rpartition("-")[2]
                torch.hub.download_url_to_file(file.url, str(target), prefix if len(prefix) == 8 else None)
            if file.repository:
                owner, name, _ = file.repository.split("_")
                torch.hub.list(f"{owner}/{name}", trust_repo=True, verbose=False)
        except (OSError, RuntimeError) as error:
            raise WeightsUnavailable(f"{missing} (the download failed: {error})") from error
        return find_weights(extractor, root)


def require_plain_tensors(path: Path) -> None:
    """Raises WeightsUnavailable unless the file holds nothing but tensors in plain containers."""
    try:
        torch.load(path, map_location="meta", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsUnavailable(f"{path} is not a file of weights: {str(error).splitlines()[0]}") from error


def content_hash(path: Path) -> str:
    """The first 16 digits of the file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]

"""The weights of torch-fidelity's feature networks: where they are looked for, and the way out if they are missing.

They are looked for in `weights/` of the data folder, then where torch.hub keeps downloads. Nothing falls back to
another network. To look needs no torch. A file is only handed on if it holds tensors in plain containers, so that
loading it runs no code.
"""

import hashlib
import os
import pickle
from pathlib import Path

from r3gan.data.catalog import DatasetUnavailable
from r3gan.tables.extractors import EXTRACTORS, WeightsFile
from r3gan.tables.lookup import row_of


class WeightsUnavailable(DatasetUnavailable):
    """A feature network's weights cannot be had; the message says which file belongs where."""


def hub_folder() -> Path:
    """Where torch.hub keeps what it downloads, by the same environment variables, without loading torch."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))).expanduser() / "hub"


def published_file(extractor: str) -> WeightsFile:
    """The published weights of a feature network that has some. Raises UnknownChoice."""
    file = row_of(EXTRACTORS, "feature network", extractor).weights
    assert file is not None, extractor
    return file


def find_weights(extractor: str, root: Path) -> Path:
    """The file with the network's weights. Raises WeightsUnavailable with the way out."""
    file, hub = published_file(extractor), hub_folder()
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
    except WeightsUnavailable as unavailable:
        import torch

        file = published_file(extractor)
        target = hub_folder() / "checkpoints" / file.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                prefix = target.stem.rpartition("-")[2]
                torch.hub.download_url_to_file(file.url, str(target), prefix if len(prefix) == 8 else None)
            if file.repository:
                owner, _, name = file.repository.rpartition("_")[0].partition("_")  # owner_name_branch
                torch.hub.list(f"{owner}/{name}", trust_repo=True, verbose=False)
        except (OSError, RuntimeError) as error:
            raise WeightsUnavailable(f"{unavailable} (the download failed: {error})") from error
        return find_weights(extractor, root)


def require_plain_tensors(path: Path) -> None:
    """Raises WeightsUnavailable unless the file holds nothing but tensors in plain containers."""
    import torch

    try:
        torch.load(path, map_location="meta", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsUnavailable(f"{path} is not a file of weights: {str(error).splitlines()[0]}") from error


def content_hash(path: Path) -> str:
    """The first 16 digits of the file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]

"""Datasets that have a public source: fetched by torchvision's own addresses and checksums.

Every function takes the folder that holds all datasets, and raises OSError or RuntimeError if the download fails.
"""

from pathlib import Path

from r3gan.files import file_lock, replace_file


def download_mnist(root: Path) -> None:
    """MNIST's four files."""
    from torchvision.datasets import MNIST

    MNIST(str(root), download=True)


def download_cifar10(root: Path) -> None:
    """CIFAR-10's archive. It appears whole, with the right checksum, or not at all."""
    from torchvision.datasets import CIFAR10
    from torchvision.datasets.utils import download_url

    archive = root / CIFAR10.filename
    root.mkdir(parents=True, exist_ok=True)
    with file_lock(root / f".{archive.name}.lock"):
        if not archive.exists():
            replace_file(archive, lambda new: download_url(CIFAR10.url, str(new.parent), new.name, CIFAR10.tgz_md5))

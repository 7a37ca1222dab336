"""Datasets that have a public source: fetched by torchvision's own addresses and checksums."""

from pathlib import Path

from filelock import FileLock

from r3gan.data.catalog import DATASETS, DatasetUnavailable


def download_mnist(root: Path) -> None:
    """MNIST's four files. Raises DatasetUnavailable with the way out."""
    from torchvision.datasets import MNIST

    try:
        MNIST(str(root), download=True)
    except (OSError, RuntimeError) as error:
        raise DatasetUnavailable(f"{missing_message('stacked-mnist', root)} (the download failed: {error})") from error


def download_cifar10(root: Path) -> None:
    """CIFAR-10's archive. It appears whole, with the right checksum, or not at all. Raises DatasetUnavailable."""
    from torchvision.datasets import CIFAR10
    from torchvision.datasets.utils import download_url

    temporary = root / f"{CIFAR10.filename}.download"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f".{CIFAR10.filename}.lock"):
            if not (root / CIFAR10.filename).exists():
                download_url(CIFAR10.url, str(root), temporary.name, CIFAR10.tgz_md5)
                temporary.rename(root / CIFAR10.filename)
    except (OSError, RuntimeError) as error:
        raise DatasetUnavailable(f"{missing_message('cifar10', root)} (the download failed: {error})") from error


def missing_message(name: str, root: Path) -> str:
    """Which file to put where instead."""
    return DATASETS[name].storage.missing_message(name, root)

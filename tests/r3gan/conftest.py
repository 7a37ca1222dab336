"""A small real dataset in every file format: 32x32 crops of scikit-learn's two sample photographs, two classes."""

import io
import json
import pickle
import tarfile
import zipfile
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from r3gan.data.errors import BadData
from r3gan.data.prepare import Options, write_prepared
from r3gan.data.recognise import open_source

PER_CLASS, SIZE = 24, 32
ORIENTATION = 0x0112  # of EXIF
CLASS_NAMES = ("china", "flower")


class Crops(NamedTuple):
    images: np.ndarray  # uint8 [48, 32, 32, 3]
    labels: np.ndarray  # int64 [48]: 24 times 0, 24 times 1


@pytest.fixture(scope="session")
def crops():
    photographs = load_sample_images().images
    corners = [(row * 66, column * 100) for row in range(4) for column in range(6)]
    images = [photo[y : y + SIZE, x : x + SIZE] for photo in photographs for y, x in corners]
    return Crops(np.stack(images), np.repeat([0, 1], PER_CLASS))


def encode(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def marked(image, orientation, kind="PNG", **options):
    """An image that says how it is to be held."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return encode(image, kind, exif=exif, **options)


def flat_files(crops):
    return {f"{i:04d}.png": encode(image) for i, image in enumerate(crops.images)}


def class_files(crops):
    return {
        f"{CLASS_NAMES[label]}/{i:04d}.png": encode(image) for i, (image, label) in enumerate(zip(*crops, strict=True))
    }


def edm_files(crops, labels=True):
    names = [f"{i // 1000:05d}/img{i:08d}.png" for i in range(len(crops.images))]
    pairs = [[name, int(label)] for name, label in zip(names, crops.labels, strict=True)] if labels else None
    files = {name: encode(image) for name, image in zip(names, crops.images, strict=True)}
    return files | {"dataset.json": json.dumps({"labels": pairs}).encode()}


def batch_files(crops, prefix, count, first_label, keys=str, protocol=2):
    """Pickled batches as CIFAR-10 (bytes keys) and the downsampled ImageNet (text keys) have them."""
    rows = crops.images.transpose(0, 3, 1, 2).reshape(len(crops.images), -1)
    files = {}
    parts = zip(np.array_split(rows, count), np.array_split(crops.labels + first_label, count), strict=True)
    for i, (data, labels) in enumerate(parts, 1):
        batch = {keys("data"): data, keys("labels"): labels.tolist(), keys("mean"): rows.mean(0)}
        files[f"{prefix}{i}"] = pickle.dumps(batch, protocol)
    return files


def cifar_files(crops):
    return batch_files(crops, "data_batch_", 5, 0, keys=str.encode) | {"test_batch": b"not for training"}


def imagenet_files(crops, protocol=2):
    return batch_files(crops, "train_data_batch_", 10, 1, protocol=protocol)


def npz_files(crops):
    files = {}
    for name, content in imagenet_files(crops).items():
        batch, buffer = pickle.loads(content), io.BytesIO()
        np.savez(buffer, **{key: np.asarray(value) for key, value in batch.items()})
        files[f"{name}.npz"] = buffer.getvalue()
    return files


def parquet_bytes(images, labels, struct=True):
    import pyarrow as pa
    import pyarrow.parquet as pq

    encoded = [encode(image) for image in images]
    column = [{"bytes": data, "path": None} for data in encoded] if struct else encoded
    table = pa.table({"image": column} | ({} if labels is None else {"label": labels}))
    buffer = io.BytesIO()
    pq.write_table(table, buffer, row_group_size=7)
    return buffer.getvalue()


def parquet_files(crops):
    half = len(crops.images) // 2 + 3
    parts = [(crops.images[:half], crops.labels[:half]), (crops.images[half:], crops.labels[half:])]
    files = {f"train-{i:05d}-of-00002.parquet": parquet_bytes(*part) for i, part in enumerate(parts)}
    return files | {"test-00000-of-00001.parquet": parquet_bytes(crops.images[:2], crops.labels[:2])}


def as_folder(path, files):
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def as_zip(path, files):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in reversed(files.items()):  # the order in the archive does not count
            archive.writestr(name, content)
    return path


def as_tar(path, files, folder="cifar-10-batches-py"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def two_zips(path, files):
    names = list(files)
    for part, some in (("part1", names[:5]), ("part2", names[5:])):
        as_zip(path / f"Imagenet32_train_{part}.zip", {name: files[name] for name in some})
    return path


FORMATS = {
    "class folders": lambda at, crops: as_folder(at / "tree", class_files(crops)),
    "zip of class folders": lambda at, crops: as_zip(at / "tree.zip", class_files(crops)),
    "zip with one folder around": lambda at, crops: as_zip(
        at / "around.zip", {f"mine/train/{name}": data for name, data in class_files(crops).items()}
    ),
    "EDM zip": lambda at, crops: as_zip(at / "edm.zip", edm_files(crops)),
    "EDM folder": lambda at, crops: as_folder(at / "edm", edm_files(crops)),
    "CIFAR-10 archive": lambda at, crops: as_tar(at / "cifar-10-python.tar.gz", cifar_files(crops)),
    "CIFAR-10 folder": lambda at, crops: as_folder(at / "cifar-10-batches-py", cifar_files(crops)),
    "folder around CIFAR-10": lambda at, crops: (
        as_folder(at / "c", {"cifar-10-python.tar.gz": b""})
        and as_tar(at / "c" / "cifar-10-python.tar.gz", cifar_files(crops)).parent
    ),
    "ImageNet batches": lambda at, crops: as_folder(at / "imagenet32", imagenet_files(crops)),
    "ImageNet batches, protocol 5": lambda at, crops: as_folder(at / "imagenet5", imagenet_files(crops, 5)),
    "ImageNet batches as npz": lambda at, crops: as_folder(at / "npz", npz_files(crops)),
    "ImageNet batches in a zip": lambda at, crops: as_zip(at / "Imagenet32_train.zip", imagenet_files(crops)),
    "ImageNet npz in two zips": lambda at, crops: two_zips(at / "two", npz_files(crops)),
    "parquet": lambda at, crops: as_folder(at / "parquet", parquet_files(crops)),
}


@pytest.fixture(scope="session", params=FORMATS)
def source_path(request, crops, tmp_path_factory):
    """The crops in one of the formats that carry labels."""
    return FORMATS[request.param](tmp_path_factory.mktemp("source"), crops)


def prepared_error(path, destination, options=None, error=BadData):
    """The message with which preparing ends; nothing is left under the destination's name."""
    options = options or Options()
    with pytest.raises(error) as caught:
        write_prepared(open_source([path], options.labels), destination, options)
    assert not destination.exists()
    return str(caught.value)


def cut(path, keep=0.6):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    return path

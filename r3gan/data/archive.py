"""The dataset zip of the StyleGAN/EDM tools: uncompressed members 00000/img00000000.png ... and dataset.json."""

import io
import json
import os
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from r3gan.data.dataset_json import LABELS_FILE
from r3gan.data.store import ImageSet

AT_ONCE = 128  # images that are encoded before they are written
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every member, so that equal datasets are equal files


def is_zip(path: Path) -> bool:
    """Whether a path is named like one."""
    return path.suffix.lower() == ".zip"


def write_zip(data: ImageSet, labels: np.ndarray | None, path: Path, progress: Callable[[int, int], None]) -> None:
    """Write the images, and the labels int64 [N] if there are any. `progress` is called with how many are done."""
    names = [member_name(i) for i in range(len(data))]
    pairs = None if labels is None else [list(pair) for pair in zip(names, labels.tolist(), strict=True)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive, ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(data), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            for name, content in zip(names[part], pool.map(as_png, data.images[part].numpy()), strict=True):
                archive.writestr(zipfile.ZipInfo(name, EPOCH), content)
            progress(min(start + AT_ONCE, len(data)), len(data))
        archive.writestr(zipfile.ZipInfo(LABELS_FILE, EPOCH), json.dumps({"labels": pairs}))


def member_name(index: int) -> str:
    """Where an image lies in the zip: a thousand to a folder."""
    return f"{index // 1000:05d}/img{index:08d}.png"


def as_png(image: np.ndarray) -> bytes:
    """uint8 [R, R, 3] as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()

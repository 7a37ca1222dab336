"""Writing a prepared dataset image by image, so that an interrupted writer can go on where the disk's copy ends.

The arrays grow by ordinary appends in a folder of their own; a journal beside them says how many images are safely
written, of what source, and with which hash. The finished folder takes its name last.
"""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from r3gan.data.errors import BadData
from r3gan.data.manifest import IMAGES, LABELS, MANIFEST, Manifest
from r3gan.data.remarks import NONE, Remarks
from r3gan.data.store import HASHED_AT_ONCE
from r3gan.files import sync_path, write_json

JOURNAL = "journal.json"
SYNC_EVERY = 512  # images


class Stored(NamedTuple):
    """How much of a dataset is safely on the disk."""

    done: int  # images
    remarks: Remarks  # of them
    sha256: str  # of their bytes


class StoreWriter:
    """Appends images uint8 [n, R, R, 3] to a folder until there are `count`. `done` says how many there are.

    `remarks` are those of the images so far.
    """

    def __init__(self, folder: Path, fingerprint: str, count: int, resolution: int):
        """fingerprint: names the source and the options; a folder that holds images of another raises BadData."""
        self.folder, self.done, self.remarks, self._synced = folder, 0, NONE, 0
        self._head: dict[str, Any] = {"fingerprint": fingerprint, "count": count, "resolution": resolution}
        self._digest = hashlib.sha256()
        folder.mkdir(parents=True, exist_ok=True)
        stored = self._stored()
        self._file = (folder / IMAGES).open("r+b" if stored else "wb")
        np.lib.format.write_array_header_1_0(
            self._file,
            {"descr": np.lib.format.dtype_to_descr(np.dtype(np.uint8)), "fortran_order": False}
            | {"shape": (count, resolution, resolution, 3)},
        )
        if stored:
            self._resume(stored)
        else:
            self.sync()

    def append(self, images: np.ndarray, remarks: Remarks = NONE) -> None:
        """Write images [n, R, R, 3]. Raises OSError; what was synced stays."""
        data = np.ascontiguousarray(images).data
        self._file.write(data)
        self._digest.update(data)
        self.done += len(images)
        self.remarks += remarks
        if self.done - self._synced >= SYNC_EVERY:
            self.sync()

    def sync(self) -> None:
        """Force all that was written to the disk, then say so in the journal."""
        self._file.flush()
        os.fsync(self._file.fileno())
        state = {"done": self.done, "remarks": asdict(self.remarks), "sha256": self._digest.hexdigest()}
        write_json(self.folder / JOURNAL, self._head | state)
        self._synced = self.done

    def close(self) -> None:
        """Let go of the file. What was not synced may be lost."""
        self._file.close()

    def finish(
        self,
        name: str,
        source: str,
        labels: np.ndarray | None,
        class_names: tuple[str, ...] = (),
        background: str = "",
    ) -> Manifest:
        """Write labels int64 [N] and the manifest, once all images are there. The journal stays until `publish`."""
        assert self.done == self._head["count"], f"{self.done} of {self._head['count']} images"
        self.sync()
        self.close()
        histogram: tuple[int, ...] = ()
        (self.folder / LABELS).unlink(missing_ok=True)
        if labels is not None:
            histogram = tuple(np.bincount(labels).tolist())
            np.save(self.folder / LABELS, labels.astype(np.int64))
            sync_path(self.folder / LABELS)
            self._digest.update(np.ascontiguousarray(labels, np.int64).data)
        count, resolution = self._head["count"], self._head["resolution"]
        content_hash = self._digest.hexdigest()[:16]
        manifest = Manifest(
            name=name,
            source=source,
            count=count,
            resolution=resolution,
            classes=len(histogram),
            label_histogram=histogram,
            content_hash=content_hash,
            class_names=class_names,
            background=background,
        )
        manifest.write(self.folder)
        return manifest

    def _stored(self) -> "Stored | None":
        """What the folder holds of this source and these options; None if it holds no images. Raises BadData."""
        path = self.folder / JOURNAL
        if not (path.exists() and (self.folder / IMAGES).exists()):
            return None
        try:
            journal = json.loads(path.read_text())
            if not int(journal["done"]):
                return None
            same = all(journal[key] == value for key, value in self._head.items())
            stored = Stored(journal["done"], Remarks(**journal["remarks"]), journal["sha256"]) if same else None
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise BadData(f"{path} cannot be read ({error}): {self._away}") from error
        if stored is None:
            found = f"{self.folder} holds {journal['done']} images from another source or with other options"
            raise BadData(f"{found}: {self._away}, or give the earlier ones to go on")
        return stored

    def _resume(self, stored: "Stored") -> None:
        """Go on behind the last synced image. Raises BadData if the folder is damaged."""
        begin, left = self._file.tell(), stored.done * self._head["resolution"] ** 2 * 3
        end = begin + left
        while left and (data := self._file.read(min(left, HASHED_AT_ONCE))):
            self._digest.update(data)
            left -= len(data)
        if left or self._digest.hexdigest() != stored.sha256:
            raise BadData(f"{self.folder / IMAGES} is not what {JOURNAL} says was written: {self._away}")
        self._file.truncate(end)
        self._file.seek(end)
        self.done = self._synced = stored.done
        self.remarks = stored.remarks

    @property
    def _away(self) -> str:
        return f"remove {self.folder} to start again"


def is_partial(folder: Path) -> bool:
    """Whether a folder holds an unfinished dataset, or nothing, and no files beside."""
    own = [name + end for name in (JOURNAL, IMAGES, LABELS, MANIFEST) for end in ("", ".tmp")]
    return folder.is_dir() and all(path.name in own or path.name.startswith(".") for path in folder.iterdir())


def publish(folder: Path, destination: Path) -> None:
    """Give a finished folder its name. In a folder that holds something already, the manifest comes last."""
    if not destination.exists():
        (folder / JOURNAL).unlink()
        folder.rename(destination)
    else:
        (destination / LABELS).unlink(missing_ok=True)
        for name in (IMAGES, LABELS, MANIFEST):
            if (folder / name).exists():
                (folder / name).rename(destination / name)
        (folder / JOURNAL).unlink()
        folder.rmdir()
    sync_path(destination.parent)

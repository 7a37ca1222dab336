"""What was submitted: a file of a study's folder, a line for each array, appended to.

It says under which of Slurm's numbers a job is, or was, or was cancelled, and nothing of how it goes: that is the job
directory's. A line names the folder too: in a copy of that folder it tells of the original's jobs, and counts for none.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

SLURM_FOLDER = "slurm"  # in a study's folder
CANCELLED_MARK = "cancelled "  # before a number


@dataclass(frozen=True)
class Line:
    """jobs: identity -> number; folder: for which they were submitted, None in a line of an earlier version."""

    jobs: Mapping[str, str]
    folder: str | None = None


@dataclass(frozen=True)
class Submissions:
    """Of one study. folder: where it and Slurm's own files lie."""

    folder: Path

    @classmethod
    def of(cls, output: Path, study: str) -> "Submissions":
        """Those of a study whose jobs lie in that output folder."""
        return cls(output.absolute() / study / SLURM_FOLDER)

    @property
    def file(self) -> Path:
        """The lines."""
        return self.folder / "submissions.jsonl"

    @property
    def lock(self) -> Path:
        """Held by whoever submits."""
        return self.folder / "submit.lock"

    def add(self, identifiers: Mapping[str, str]) -> None:
        """Note an array: identity of each job -> Slurm's number. Raises OSError."""
        line = {"folder": self._place, "jobs": dict(identifiers)}
        with self.file.open("ab+") as file:
            start = b"\n" if _is_torn(file) else b""
            file.write(start + json.dumps(line).encode() + b"\n")

    def add_cancelled(self, identifiers: Mapping[str, str]) -> None:
        """Note that jobs are taken out of the queue, which Slurm soon forgets. Raises OSError."""
        if identifiers:
            self.add({identity: f"{CANCELLED_MARK}{number}" for identity, number in identifiers.items()})

    def latest(self) -> dict[str, str]:
        """Identity -> the number under which the job was submitted last."""
        return {identity: number.removeprefix(CANCELLED_MARK) for identity, number in self._last().items()}

    def cancelled(self) -> frozenset[str]:
        """The numbers of jobs that were cancelled from here, and not submitted again."""
        return frozenset(n.removeprefix(CANCELLED_MARK) for n in self._last().values() if n.startswith(CANCELLED_MARK))

    def _last(self) -> dict[str, str]:
        places = (None, self._place)
        mine = [line for line in self._lines() if line is not None and line.folder in places]
        return {identity: number for line in mine for identity, number in line.jobs.items()}

    @property
    def _place(self) -> str:
        return str(self.folder.resolve())

    def problems(self) -> list[str]:
        """A sentence for each line that is not what was written: its jobs count as not submitted."""
        return [
            f"{self.file}:{i} is not what was written: jobs that it told of may be in Slurm's queue unseen"
            for i, line in enumerate(self._lines(), 1)
            if line is None
        ]

    def _lines(self) -> list[Line | None]:
        """What each line says; None of one that is damaged."""
        lines = self.file.read_bytes().splitlines() if self.file.exists() else []
        return [read_line(line) for line in lines]


def _is_torn(file: BinaryIO) -> bool:
    """Whether its last line has no end: whoever wrote it was killed."""
    if not file.seek(0, os.SEEK_END):
        return False
    file.seek(-1, os.SEEK_END)
    return file.read() != b"\n"


def read_line(line: bytes) -> Line | None:
    """None if it is anything else."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):  # also of bytes that are no text
        return None
    if not isinstance(found, dict):
        return None
    read = Line(found["jobs"], found["folder"]) if found.keys() == {"folder", "jobs"} else Line(found)
    is_sound = isinstance(read.folder, str | None) and isinstance(read.jobs, dict)
    return read if is_sound and all(isinstance(number, str) for number in read.jobs.values()) else None

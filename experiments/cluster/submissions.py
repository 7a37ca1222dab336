"""What was submitted: a file of a study's folder, a line for each array, appended to.

It says under which of Slurm's numbers a job is, was, and nothing of how it goes: that is the job directory's.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SLURM_FOLDER = "slurm"  # in a study's folder


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
        with self.file.open("a") as file:
            file.write(json.dumps(identifiers) + "\n")

    def latest(self) -> dict[str, str]:
        """Identity -> the number under which the job was submitted last."""
        found: dict[str, str] = {}
        if self.file.exists():
            for line in self.file.read_text().splitlines():
                try:
                    found |= json.loads(line)
                except ValueError:  # half a line, of a full disk say: its jobs count as not submitted
                    continue
        return found

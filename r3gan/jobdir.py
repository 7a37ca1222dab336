"""The directory of one job: every path in it, and how its files are written and read.

A file appears whole or not at all (see r3gan/files.py). The only exceptions are the metrics and the log, which are
appended to.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LAUNCHER_PID = "R3GAN_LAUNCHER_PID"  # environment: the process without which a job does not go on


@dataclass(frozen=True)
class JobDir:
    """Paths of one job. `result` exists if and only if the job has finished."""

    root: Path

    @property
    def config(self) -> Path:
        """The resolved configuration, JSON."""
        return self.root / "config.json"

    @property
    def metrics(self) -> Path:
        """One JSON object per line: images, seconds, time, metrics."""
        return self.root / "metrics.jsonl"

    @property
    def environment(self) -> Path:
        """What the job runs on and with: device, ranks, library, data; JSON."""
        return self.root / "environment.json"

    @property
    def result(self) -> Path:
        """The last line of the metrics, JSON."""
        return self.root / "result.json"

    @property
    def diverged(self) -> Path:
        """Why training ended on a number that is not finite; text, and there only if it did."""
        return self.root / "diverged.txt"

    @property
    def log(self) -> Path:
        """What the processes printed."""
        return self.root / "log.txt"

    @property
    def lock(self) -> Path:
        """Held by the one process group that trains here."""
        return self.root / "job.lock"

    @property
    def checkpoints(self) -> Path:
        """Folders named by image count; the last is the one to resume from."""
        return self.root / "checkpoints"

    @property
    def best(self) -> Path:
        """The weights of G that scored best so far, if `evaluation.keep_best` asks for them: one safetensors file."""
        return self.root / "best.safetensors"

    @property
    def samples(self) -> Path:
        """PNG grids named by image count."""
        return self.root / "samples"

    def sample(self, images: int) -> Path:
        """The grid drawn after `images` images."""
        return self.samples / f"{images:010d}.png"

    def last_checkpoint(self) -> Path | None:
        """The newest complete checkpoint."""
        return max(self.checkpoints.glob("[0-9]*"), default=None)

    def finished(self) -> bool:
        """Whether the job has run to its end."""
        return self.result.exists()

    def read_metrics(self, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
        """The complete, sound lines from byte `offset` on, and the offset behind them."""
        if not self.metrics.exists():
            return [], offset
        with self.metrics.open("rb") as file:
            file.seek(offset)
            data = file.read()
        points = []
        for line in data[: data.rfind(b"\n") + 1].splitlines(keepends=True):
            try:
                points.append(json.loads(line))
            except ValueError:  # damaged: what follows is not trusted either
                break
            offset += len(line)
        return points, offset

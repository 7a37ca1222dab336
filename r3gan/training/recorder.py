"""How metrics leave a training job: one small interface, and its JSON-lines form."""

import json
import os
import time
from typing import Protocol

from r3gan.jobdir import JobDir


class Recorder(Protocol):
    """Receives named numbers at points of training."""

    def record(self, images: int, seconds: float, metrics: dict[str, float]) -> None:
        """Keep the metrics of one point: after `images` real images and `seconds` of work."""


class JsonlRecorder:
    """Appends each point to a job's metrics.jsonl.

    A resumed job repeats the points between its checkpoint and its end; those already in the file are not written
    again. A line that was cut off by a crash is removed first.
    """

    def __init__(self, job: JobDir):
        self.job = job
        self.last_images: int | None = None  # of the file's last line; unknown until the first point

    def record(self, images: int, seconds: float, metrics: dict[str, float]) -> None:
        """See Recorder."""
        if self.last_images is None:
            self.last_images = self._repair()
        if images <= self.last_images:
            return
        self.last_images = images
        line = {"images": images, "seconds": round(seconds, 3), "time": round(time.time(), 3), "metrics": metrics}
        with self.job.metrics.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _repair(self) -> int:
        lines, complete = self.job.read_metrics()
        if self.job.metrics.exists():
            os.truncate(self.job.metrics, complete)
        return lines[-1]["images"] if lines else 0

"""How metrics leave a training job: one small interface, and its JSON-lines form."""

import json
import time
from pathlib import Path
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
        lines, complete = job.read_metrics()
        self.last_images = lines[-1]["images"] if lines else 0
        self.path: Path = job.metrics
        if self.path.exists():
            with self.path.open("r+b") as file:
                file.truncate(complete)

    def record(self, images: int, seconds: float, metrics: dict[str, float]) -> None:
        """See Recorder."""
        if images <= self.last_images:
            return
        self.last_images = images
        line = {"images": images, "seconds": round(seconds, 3), "time": round(time.time(), 3), "metrics": metrics}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")

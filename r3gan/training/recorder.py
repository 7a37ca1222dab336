"""How metrics leave a training job: one small interface, and its JSON-lines form."""

import time
from typing import Protocol

from r3gan.jobdir import JobDir
from r3gan.points import as_line


class Recorder(Protocol):
    """Receives named numbers at points of training."""

    def record(self, images: int, seconds: float, metrics: dict[str, float]) -> None:
        """Keep the metrics of one point: after `images` real images and `seconds` of work."""


class JsonlRecorder:
    """Appends each point to a job's metrics.jsonl.

    A resumed job repeats the points between its checkpoint and its end; those already in the file are not written
    again.
    """

    def __init__(self, job: JobDir):
        self.job = job
        self.last_images: int | None = None  # of the file's last point; unknown until the first is recorded

    def record(self, images: int, seconds: float, metrics: dict[str, float]) -> None:
        """See Recorder. Raises OSError."""
        if self.last_images is None:
            self.last_images = max((point["images"] for point in self.job.points()), default=0)
        if images <= self.last_images:
            return
        self.last_images = images
        point = {"images": images, "seconds": round(seconds, 3), "time": round(time.time(), 3), "metrics": metrics}
        with self.job.metrics.open("a") as file:
            file.write(as_line(point))

"""What is known of a running job from its metrics, and how it is said."""

import time
from typing import Any

from r3gan.config import TrainConfig
from r3gan.evaluation.protocol import progress_text
from r3gan.jobdir import JobDir
from r3gan.points import PointReader


class JobView:
    """What is known of a running job from its metrics."""

    def __init__(self, job: JobDir, config: TrainConfig, began: float | None = None):
        """began: seconds since 1970 from which points count for the rate (default: now)."""
        self.config = config
        self.total = config.total_img
        self.images = 0
        self.metric = ""
        self._reader = PointReader(job.metrics)
        self._points: list[tuple[float, int]] = []  # (time, images) of this attempt, for the rate
        self._began = time.time() if began is None else began

    @property
    def left(self) -> int:
        """Images still to come."""
        return max(0, self.total - self.images)

    def update(self) -> bool:
        """Read what is new; returns whether an evaluation is among it."""
        points = self._reader.read()
        news = False
        for point in points:
            self.images = point["images"]
            self._points.append((point["time"], point["images"]))
            news |= self._note(point["metrics"])
        return news

    def fields(self) -> dict[str, Any]:
        """The texts of the progress bar."""
        rate = self.rate()
        return {
            "kimg": f"{self.images / 1000:.1f}/{self.total / 1000:g}",
            "rate": f"{rate:.0f} img/s" if rate else "starting",
            "left": f"{clock_text(self.left / rate)} left" if rate else "",
            "metric": self.metric,
        }

    def text(self) -> str:
        """The same in a line."""
        fields = self.fields()
        return " ".join(filter(None, [f"{fields['kimg']} kimg", fields["rate"], fields["left"], fields["metric"]]))

    def _note(self, metrics: dict[str, Any]) -> bool:
        text = progress_text(self.config.evaluation, metrics)
        self.metric = text or self.metric
        return bool(text)

    def rate(self) -> float:
        """Images per second of late, evaluations included; 0 while it is not known."""
        recent = [point for point in self._points if point[0] >= self._began][-10:]
        if len(recent) < 2 or recent[-1][0] == recent[0][0]:
            return 0.0
        return (recent[-1][1] - recent[0][1]) / (recent[-1][0] - recent[0][0])


def clock_text(seconds: float) -> str:
    """3:07 or 1:03:07."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

"""The directory of one job: every path in it, and how its files are written and read.

A file appears whole or not at all (see r3gan/files.py). The only exceptions are the metrics, whose lines carry
checksums, and the log, which are appended to.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from r3gan.points import Point, read_points

CHECKPOINT_NAME = re.compile(r"\d{10,}")
AVERAGE_NAME = re.compile(r"(\d{10,})-[\d.e-]+\.safetensors")
JOB_FILE = "job.json"
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
    def description(self) -> Path:
        """The job's place among others: names, identity, differences to the baseline; JSON."""
        return self.root / JOB_FILE

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

    def log_of(self, machine: int) -> Path:
        """The same on one of several machines; the first one's is `log`."""
        return self.root / f"log-{machine}.txt" if machine else self.log

    @property
    def place(self) -> Path:
        """A name that the directory carries along when it is moved, JSON: see experiments/launch/place.py."""
        return self.root / "place.json"

    @property
    def sent(self) -> Path:
        """What of the directory MLflow has, JSON: see experiments/tracking/sent.py."""
        return self.root / "sent.json"

    @property
    def lock(self) -> Path:
        """Held by the one process group that trains here."""
        return self.root / "job.lock"

    @property
    def lease(self) -> Path:
        """Who trains here, and its beat, JSON; there only while somebody does: see r3gan/lease.py."""
        return self.root / "lease.json"

    @property
    def sharing(self) -> Path:
        """Which states the job keeps for others, and in whose it begins, JSON: see r3gan/beginning.py."""
        return self.root / "sharing.json"

    @property
    def inherited(self) -> Path:
        """What the job has from another one, JSON; there only if it began in another's checkpoint."""
        return self.root / "inherited.json"

    @property
    def duration(self) -> Path:
        """How long the job took, JSON; only if it finished without a stop: see experiments/launch/durations.py."""
        return self.root / "duration.json"

    @property
    def checkpoints(self) -> Path:
        """Sealed folders named by image count, each whole in itself; the last sound one is the one to resume from."""
        return self.root / "checkpoints"

    @property
    def best(self) -> Path:
        """The weights of G that scored best so far, if `evaluation.keep_best` asks for them: one safetensors file."""
        return self.root / "best.safetensors"

    @property
    def modes(self) -> Path:
        """How many samples of the last evaluation show each mode, JSON; there only if a metric counts modes."""
        return self.root / "modes.json"

    @property
    def samples(self) -> Path:
        """PNG grids named by image count."""
        return self.root / "samples"

    @property
    def neighbours(self) -> Path:
        """The training images nearest to samples of the last weights, PNG: see r3gan/training/pictures.py."""
        return self.root / "neighbours.png"

    @property
    def interpolation(self) -> Path:
        """Ways between samples of the last weights, PNG."""
        return self.root / "interpolation.png"

    @property
    def post_hoc(self) -> Path:
        """Averages stored along the run, if `post_hoc.every_kimg` asks for them: see r3gan/power_averages.py."""
        return self.root / "post_hoc"

    def stored_average(self, images: int, sigma_rel: float) -> Path:
        """The one of that width after `images` images: the averaged parameters of G, a safetensors file."""
        return self.post_hoc / f"{images:010d}-{sigma_rel:g}.safetensors"

    def stored_averages(self) -> list[tuple[int, Path]]:
        """All of them with their image counts, the earliest first."""
        found = self.post_hoc.iterdir() if self.post_hoc.is_dir() else ()
        matches = ((AVERAGE_NAME.fullmatch(path.name), path) for path in sorted(found))
        return [(int(match[1]), path) for match, path in matches if match]

    def sample(self, images: int) -> Path:
        """The grid drawn after `images` images."""
        return self.samples / f"{images:010d}.png"

    def checkpoint(self, images: int) -> Path:
        """The checkpoint after `images` images."""
        return self.checkpoints / f"{images:010d}"

    @property
    def incomplete_checkpoint(self) -> Path:
        """The folder in which the next checkpoint is written."""
        return self.checkpoints / "incomplete"

    def checkpoint_folders(self) -> list[Path]:
        """What is named like a checkpoint, the newest first. Whether it is sound is not looked at."""
        found = self.checkpoints.iterdir() if self.checkpoints.is_dir() else ()
        return sorted((path for path in found if CHECKPOINT_NAME.fullmatch(path.name)), key=_images, reverse=True)

    def last_checkpoint(self) -> Path | None:
        """The newest of them."""
        return next(iter(self.checkpoint_folders()), None)

    def finished(self) -> bool:
        """Whether the job has run to its end."""
        return self.result.exists()

    def points(self) -> list[Point]:
        """All sound points of the metrics."""
        return read_points(self.metrics)[0]


def _images(checkpoint: Path) -> int:
    return int(checkpoint.name)

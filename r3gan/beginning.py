"""Jobs that begin in the state of another job, which is the state that they would have trained themselves.

Whoever plans several jobs writes `sharing.json` into their directories: after how many images a job keeps a checkpoint
for others, and in which job's checkpoint it begins. Nothing of it changes a result, so that no identity knows of it.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from r3gan.config import IMG_PER_KIMG, TrainConfig
from r3gan.config_json import from_dict
from r3gan.files import read_object
from r3gan.identity import canonical, state_identity
from r3gan.intervals import has_passed
from r3gan.jobdir import JobDir


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """A state of another job."""

    name: str  # of that job, for people: baseline/0
    identity: str
    folder: str  # that job's directory, relative to this one's
    images: int  # after so many

    def directory(self, root: Path) -> JobDir:
        """That job's directory, seen from the one at `root`, which need not be there yet."""
        return JobDir(Path(os.path.normpath(root / self.folder)))

    @property
    def text(self) -> str:
        """For people."""
        return place_text(self.name, self.images)


@dataclass(frozen=True, kw_only=True)
class Sharing:
    """sharing.json."""

    keep: tuple[int, ...] = ()  # after so many images a checkpoint is written, and stays
    begins_in: Beginning | None = None


@dataclass(frozen=True, kw_only=True)
class Inherited:
    """inherited.json: what a job has from another one."""

    name: str
    identity: str
    images: int
    seconds: float  # of work, spent by the other job

    @property
    def text(self) -> str:
        """For people."""
        return place_text(self.name, self.images)


def place_text(name: str, images: int) -> str:
    """`baseline/0 at 12 kimg`."""
    return f"{name} at {images / IMG_PER_KIMG:g} kimg"


def read_sharing(job: JobDir) -> Sharing:
    """What the job shares; nothing where nothing is said."""
    try:
        sharing: Sharing = from_dict(Sharing, read_object(job.sharing) or {})
        return sharing
    except TypeError:
        return Sharing()


def read_inherited(job: JobDir) -> Inherited | None:
    """What the job has from another one, if anything."""
    try:
        found: Inherited = from_dict(Inherited, read_object(job.inherited))
        return found
    except TypeError:
        return None


def can_begin(config: TrainConfig, other: TrainConfig, images: int) -> bool:
    """Whether a training may go on from the state and the records of another one after so many images.

    The states are equal by their identities. The records are if both are measured and stored alike, and if the
    other one had not ended there out of turn: a last point has metrics that no point on the way has, and closes
    averages that go on.
    """
    if not 0 < images < config.total_img or images > other.total_img or images % config.batch_size:
        return False
    if state_identity(config, images) != state_identity(other, images):
        return False
    ours, theirs = canonical(config), canonical(other)
    if any(getattr(ours, key) != getattr(theirs, key) for key in ("evaluation", "log_every_kimg", "post_hoc")):
        return False
    every = (config.log_every_kimg, config.evaluation.every_kimg)
    return images < other.total_img or all(has_passed(images, config.batch_size, kimg) for kimg in every)


def latest_beginning(config: TrainConfig, other: TrainConfig) -> int:
    """The most images after which a training may go on from another one; 0: nowhere.

    What decides a state grows where a phase of the loss has begun and where a schedule leaves its start; between these
    the last place is as good as any.
    """
    batch = config.batch_size
    places = {config.total_img - batch, other.total_img, other.total_img - batch}
    for one in (config, other):
        places |= {int(phase.start_img(one.total_kimg)) for phase in canonical(one).loss}
        places |= {int(schedule.decays_from_img) // batch * batch for schedule in vars(one.schedules).values()}
    return max((images for images in places if can_begin(config, other, images)), default=0)

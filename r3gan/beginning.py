"""Jobs that begin in the state of another job, which is the state that they would have trained themselves.

Whoever plans several jobs writes `sharing.json` into their directories: after how many images a job keeps a checkpoint
for others, and in which job's checkpoint it begins. Nothing of it changes a result, so that no identity knows of it.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from r3gan.checksums import CHECKSUMS, find_damage, seal
from r3gan.config import IMG_PER_KIMG, TrainConfig
from r3gan.config_json import from_dict
from r3gan.evaluation.protocol import BEST, recorded_key, wanted
from r3gan.files import read_object, write_json, write_text
from r3gan.identity import canonical, state_identity
from r3gan.intervals import has_passed
from r3gan.jobdir import JobDir
from r3gan.points import Point, as_lines, points_before_damage
from r3gan.tables.metrics import METRICS


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


def adopt(job: JobDir, config: TrainConfig, content_hash: str) -> Iterator[str]:
    """Let a job without checkpoints begin as `sharing.json` says: checkpoint, points, samples and averages are copied.

    Yields a sentence if it cannot, and why, and the job then begins from its own start; and one for samples that it
    leaves out. content_hash: of its data. Killed at any moment, it is done again the next time. Raises OSError.
    """
    if job.checkpoint_folders():
        return
    job.inherited.unlink(missing_ok=True)
    beginning = read_sharing(job).begins_in
    if beginning is None:
        return
    other = beginning.directory(job.root)
    folder = other.checkpoint(beginning.images)
    problem = find_problem(other, folder, config, beginning.images, content_hash)
    if problem:
        yield f"does not begin in {beginning.text}: {problem}; it trains from its own start"
        return
    points = inherited_points(folder / other.metrics.name, config)
    temporary = job.incomplete_checkpoint
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        shutil.copytree(folder, temporary, ignore=shutil.ignore_patterns(CHECKSUMS))
    except OSError:
        problem = find_problem(other, folder, config, beginning.images, content_hash)
        if not problem:  # it is still there, and whole
            raise
        shutil.rmtree(temporary, ignore_errors=True)
        yield f"does not begin in {beginning.text}: {problem}; it trains from its own start"
        return
    write_text(temporary / job.metrics.name, as_lines(points))
    seal(temporary)
    write_text(job.metrics, as_lines(points))
    for sample in sorted(other.samples.glob("*.png")):
        if sample.stem.isdecimal() and int(sample.stem) <= beginning.images:
            if not is_whole_picture(sample):
                yield f"leaves out the samples {sample}, which are damaged"
                continue
            job.samples.mkdir(exist_ok=True)
            shutil.copyfile(sample, job.samples / sample.name)
    for path in owed_averages(other, config, beginning.images):
        job.post_hoc.mkdir(exist_ok=True)
        shutil.copyfile(path, job.post_hoc / path.name)
    inherited = Inherited(
        name=beginning.name,
        identity=beginning.identity,
        images=beginning.images,
        seconds=points[-1]["seconds"] if points else 0.0,
    )
    write_json(job.inherited, asdict(inherited))
    temporary.rename(job.checkpoint(beginning.images))


def find_problem(other: JobDir, folder: Path, config: TrainConfig, images: int, content_hash: str) -> str:
    """Why nothing can begin in that checkpoint; empty if it can."""
    if not folder.is_dir():
        return f"there is no checkpoint {folder}"
    damage = find_damage(folder)
    if damage is not None:
        return f"{folder} is damaged ({damage})"
    try:
        theirs: TrainConfig = from_dict(TrainConfig, read_object(other.config))
    except (TypeError, ValueError):
        return f"{other.config} is not what was written"
    if not can_begin(config, theirs, images):
        return f"{folder} was trained or measured under another configuration"
    environment = read_object(folder / other.environment.name) or {}
    if environment.get("dataset", {}).get("content_hash") != content_hash:
        return f"{folder} was trained on other data of the name {config.dataset}"
    if not points_before_damage(folder / other.metrics.name)[1]:
        return f"the points in {folder} are damaged"
    missing = next((path for path in owed_averages(other, config, images) if not path.is_file()), None)
    return f"there is no {missing}" if missing else ""


def owed_averages(other: JobDir, config: TrainConfig, images: int) -> Iterator[Path]:
    """The averages that the other job has stored up to there, and that this one would have stored itself."""
    every, batch = config.post_hoc.every_kimg, config.batch_size
    if every is not None:
        due = (count for count in range(batch, images + 1, batch) if has_passed(count, batch, every))
        yield from (other.stored_average(count, sigma) for count in due for sigma in config.post_hoc.sigma_rel)


def is_whole_picture(path: Path) -> bool:
    """Whether all parts of a PNG bear out their checksums."""
    try:
        with Image.open(path) as image:
            image.verify()
    except (OSError, SyntaxError, ValueError):
        return False
    return True


def inherited_points(path: Path, config: TrainConfig) -> list[Point]:
    """The points of a checkpoint, without what is measured at the end of a training alone."""
    evaluation = config.evaluation
    on_the_way, every = (
        {recorded_key(number.key, evaluation) for name in names for number in METRICS[name].numbers}
        for names in (evaluation.metrics, wanted(evaluation))
    )
    at_end = every - on_the_way
    return [
        point | {"metrics": {k: v for k, v in point["metrics"].items() if k not in at_end and not k.startswith(BEST)}}
        for point in points_before_damage(path)[0]
    ]

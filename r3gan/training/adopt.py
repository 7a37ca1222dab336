"""How a job takes over the state of another one, in which it begins (see r3gan/beginning.py).

Nothing tells it later from a job that has trained all of it, but for `inherited.json`.
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from PIL import Image

from r3gan.beginning import Inherited, can_begin, read_sharing
from r3gan.checksums import CHECKSUMS, find_damage, seal
from r3gan.config import TrainConfig
from r3gan.config_json import from_dict
from r3gan.evaluation.protocol import BEST, recorded_key, wanted
from r3gan.files import read_object, replace_file, write_json, write_text
from r3gan.intervals import has_passed
from r3gan.jobdir import JobDir
from r3gan.points import Point, as_lines, points_before_damage
from r3gan.tables.metrics import METRICS
from r3gan.tensor_files import DamagedTensors, load_tensors, save_tensors

WEIGHTS = "*.safetensors"


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
    own = {path: temporary / path.name for path in folder.glob(WEIGHTS)}
    own |= {path: job.post_hoc / path.name for path in owed_averages(other, config, beginning.images)}
    try:
        shutil.copytree(folder, temporary, ignore=shutil.ignore_patterns(CHECKSUMS, WEIGHTS))
        make_own(own, config)
    except (OSError, DamagedTensors) as error:
        problem = find_problem(other, folder, config, beginning.images, content_hash)
        if not problem and isinstance(error, OSError):  # the other job is still there, and whole
            raise
        shutil.rmtree(temporary, ignore_errors=True)
        yield f"does not begin in {beginning.text}: {problem or error}; it trains from its own start"
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
    inherited = Inherited(
        name=beginning.name,
        identity=beginning.identity,
        images=beginning.images,
        seconds=points[-1]["seconds"] if points else 0.0,
    )
    write_json(job.inherited, asdict(inherited))
    temporary.rename(job.checkpoint(beginning.images))


def make_own(weights: Mapping[Path, Path], config: TrainConfig) -> None:
    """Write files of weights of another job where they belong, with this job's configuration in the place of its own.

    Raises DamagedTensors and OSError.
    """
    for source, destination in weights.items():
        tensors, facts = load_tensors(source)
        facts |= {"config": asdict(config)}
        replace_file(
            destination,
            lambda path, tensors=tensors, facts=facts: save_tensors(tensors, path, **facts),  # type: ignore[misc]
        )


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

"""What a job has recorded beside its checkpoints, brought in line with the one that it goes on from."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from r3gan.files import replace_file, write_text
from r3gan.jobdir import JobDir
from r3gan.points import as_lines, points_before_damage
from r3gan.training.environment import read_environment


def restore_records(job: JobDir, checkpoint: Path | None, images: int) -> Iterator[str]:
    """Points, environment, best weights and counts of modes as they were after `images` images.

    checkpoint: None at the start of training. Points of later steps stay if they are sound: training repeats them.
    Yields a sentence for each file that was not what it should be. Raises OSError.
    """
    yield from restore_points(job, checkpoint and checkpoint / job.metrics.name, images)
    if job.environment.exists() and read_environment(job.environment) is None:
        yield f"{job.environment} is damaged: it is written again"
        job.environment.unlink()
    if checkpoint is not None:
        restore_file(job.environment, checkpoint)
        restore_file(job.best, checkpoint)
        restore_file(job.modes, checkpoint)
    else:
        for path in (job.best, job.modes):
            path.unlink(missing_ok=True)  # found again on the way


def restore_points(job: JobDir, copy: Path | None, images: int) -> Iterator[str]:
    """The points of the copy, then those of the file that come after them, up to a damaged line."""
    kept, is_sound = points_before_damage(job.metrics)
    certain = points_before_damage(copy)[0] if copy else []
    points = certain + [point for point in kept if point["images"] > images]
    if is_sound and points == kept:
        return
    write_text(job.metrics, as_lines(points))
    lost = "a line cut off or damaged" if not is_sound else "missing points"
    yield (
        f"{job.metrics} had {lost}: {len(certain)} points are the checkpoint's own, {len(points) - len(certain)} "
        "later ones are kept, the others are trained again"
    )


def restore_file(path: Path, checkpoint: Path) -> None:
    """A file of the job as the checkpoint holds it; not there, if it does not."""
    copy = checkpoint / path.name
    if copy.exists():
        replace_file(path, lambda temporary: shutil.copyfile(copy, temporary))
    else:
        path.unlink(missing_ok=True)

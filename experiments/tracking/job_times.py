"""When a job began and ended, by its own directory: its run in MLflow has these times, whenever it is sent."""

from r3gan.job_log import first_attempt
from r3gan.jobdir import JobDir
from r3gan.points import Point


def began(job: JobDir, first: Point | None) -> float:
    """The first sign of it, in seconds since 1970: its log's, its first point, or the writing of its configuration."""
    signs = [first_attempt(job), first["time"] if first else None]
    return min((sign for sign in signs if sign is not None), default=job.config.stat().st_mtime)


def ended(job: JobDir, last_time: float | None) -> float:
    """The time of its last point; without one, that of the last line in its log, or of its beginning."""
    if last_time is not None:
        return last_time
    return job.log.stat().st_mtime if job.log.exists() else began(job, None)

"""How far all jobs of a plan are, asked from anywhere that sees their folders."""

from collections.abc import Sequence
from pathlib import Path

from experiments.cluster.queue import Queued, ends, queue
from experiments.cluster.states import Status, statuses, unexplained
from experiments.cluster.submissions import Submissions
from experiments.launch.scheduler import Task
from experiments.study.plan import Job
from r3gan.jobdir import JobDir


def look(jobs: Sequence[Job], output: Path) -> tuple[list[Status], dict[str, str]]:
    """The jobs, and identity -> number of what Slurm was given. Slurm is asked only if it was given some.

    Raises SlurmAway.
    """
    tasks = [Task(job, JobDir(job.directory(output))) for job in jobs]
    submitted = Submissions.of(output, jobs[0].study).latest()
    open_numbers = [task for task in tasks if task.job.identity in submitted and not task.directory.finished()]
    queued: dict[str, Queued] = queue() if open_numbers else {}
    ended = ends(unexplained(tasks, submitted, queued))
    return statuses(tasks, submitted, queued, ended), submitted

"""How far all jobs of a plan are, asked from anywhere that sees their folders."""

import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.cluster.queue import Queued, ends, queue
from experiments.cluster.states import CANCELLED, Status, status, unexplained
from experiments.cluster.submissions import Submissions
from experiments.launch.scheduler import Task
from experiments.study.plan import Job
from r3gan.jobdir import JobDir


def look(jobs: Sequence[Job], output: Path) -> list[Status]:
    """Of all jobs. Slurm is asked only about what it was given. Raises SlurmAway if it does not answer."""
    tasks = [Task(job, JobDir(job.directory(output))) for job in jobs]
    submissions = Submissions.of(output, jobs[0].study)
    submitted = submissions.latest()
    for problem in submissions.problems():
        print(f"warning: {problem}", file=sys.stderr)
    open_numbers = [task for task in tasks if task.job.identity in submitted and not task.directory.finished()]
    queued: dict[str, Queued] = queue() if open_numbers else {}
    ended = how_ended(unexplained(tasks, submitted, queued), submissions)
    return [status(task, submitted.get(task.job.identity), queued, ended) for task in tasks]


def how_ended(numbers: Sequence[str], submissions: Submissions) -> dict[str, str]:
    """How jobs ended that Slurm has no more, in its words, as far as it is known."""
    cancelled = submissions.cancelled() if numbers else frozenset()
    known = {number: CANCELLED for number in numbers if number in cancelled}
    return known | ends([number for number in numbers if number not in known])

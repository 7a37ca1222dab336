"""MLflow is brought up to date with jobs that have ended while nobody watched them, as far as time allows."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from filelock import Timeout

from experiments.launch.scheduler import Task
from experiments.study.plan import Job
from experiments.tracking.sent import is_behind
from r3gan.files import passing_lock

LONGEST_SECONDS = 10.0  # for all of it, whatever MLflow does
BEGIN_SECONDS = 8.0  # after which no further job is begun, and the longest that a call is left without an answer
LOCK = "mlflow.lock"  # in a study's folder, while somebody sends


def bring_up_to_date(
    ended: Sequence[Task],
    output: Path,
    wait_seconds: float,
    described: Sequence[Job] = (),
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[str]:
    """Send what is new of a study's jobs, none of which runs. Yields sentences on what was sent, and on what was not
    and which command does; none if MLflow has everything, which takes no call to it.

    wait_seconds: how long MLflow may leave a call without an answer; described: the study's jobs, if what MLflow shows
    of the study as a whole is to be brought up to date as well, which takes time that grows with its runs.
    """
    behind = [task for task in ended if is_behind(task.directory) and task.directory.description.exists()]
    if not behind:
        return
    study = behind[0].job.study
    command = f"python -m experiments.sync --study {study} --output {output}"
    from experiments.tracking.trouble import missing_store

    if missing_store():
        yield f"MLflow lacks {jobs_text(behind)}, and its store is not there: `{command} --rebuild` makes it"
        return
    try:
        with passing_lock(output / study / LOCK, timeout=0):
            troubles = send(behind, wait_seconds, described, clock)
    except Timeout:
        troubles = ["another command sends at this moment"]
    except OSError as error:
        troubles = [str(error)]
    left = [task for task in behind if is_behind(task.directory)]
    if len(left) < len(behind):
        yield f"MLflow was brought up to date with {jobs_text(behind[len(left) :])}"
    if left:
        why = f" ({troubles[0]})" if troubles else ""
        yield f"MLflow still lacks {jobs_text(left)}{why}: `{command}` sends what can be sent"


def send(behind: list[Task], wait_seconds: float, described: Sequence[Job], clock: Callable[[], float]) -> list[str]:
    """Send these, as many as LONGEST_SECONDS allow. Returns what went wrong, in sentences."""
    from mlflow.tracking import MlflowClient

    from experiments.tracking.patience import NoAnswer, call_patiently
    from experiments.tracking.store import open_store
    from experiments.tracking.sync import IS_THERE, send_each, show_study
    from experiments.tracking.trouble import not_through

    patience = min(wait_seconds, BEGIN_SECONDS)

    def work(_: object) -> list[str]:
        began, study, said = clock(), behind[0].job.study, list[str]()
        experiment, troubles = open_store(study, patience)
        if experiment is None:
            return troubles
        client = MlflowClient()
        is_through, _ = send_each(
            client, {study: experiment}, behind, patience, said.append, lambda: clock() - began > BEGIN_SECONDS
        )
        trouble = show_study(client, experiment, described) if is_through and described else ""
        return [line for line in [*said, trouble] if line and not line.endswith(IS_THERE)]

    try:
        return call_patiently(work, LONGEST_SECONDS)
    except NoAnswer:
        return [not_through(LONGEST_SECONDS)]


def jobs_text(tasks: Sequence[Task]) -> str:
    """For people."""
    return "1 job that has ended" if len(tasks) == 1 else f"{len(tasks)} jobs that have ended"

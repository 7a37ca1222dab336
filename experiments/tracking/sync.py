"""Jobs found by their directories alone, and sent to MLflow. Sending twice changes nothing."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from mlflow.tracking import MlflowClient

from experiments.launch.job_states import OF_OTHER_CODE, find_damage
from experiments.launch.outcome import JobState
from experiments.launch.scheduler import Task
from experiments.study.plan import Job, job_from_json
from experiments.tracking.colours import colour_runs
from experiments.tracking.describe import describe_study
from experiments.tracking.kept_files import damaged_files
from experiments.tracking.patience import NoAnswer, call_patiently
from experiments.tracking.run_upload import RunUpload
from experiments.tracking.sent import content_of, note_sent
from experiments.tracking.trouble import explain, is_away
from r3gan.jobdir import JOB_FILE, JobDir
from r3gan.lease import holder

IS_THERE = "is there"  # what is said of a job that MLflow has


def find_tasks(output: Path, study: str | None) -> tuple[list[Task], list[str]]:
    """Every job below a folder that is where its own names say, and why others are left out. The oldest first.

    A folder that is a job itself, of a run outside a study say, stands for that job.
    """
    tasks, problems = [], []
    own = output / JOB_FILE
    found = [own] if own.exists() else output.glob(f"{study or '*'}/*/*/*/{JOB_FILE}")
    for path in sorted(found, key=lambda path: path.stat().st_mtime_ns):
        directory = JobDir(path.parent)
        try:
            job = job_from_json(json.loads(path.read_bytes()), json.loads(directory.config.read_bytes()))
        except (OSError, ValueError, TypeError, KeyError) as error:
            why = f"job.json or config.json is not what was written ({error}): running its study again writes both"
            problems.append(f"{directory.root} is left out: {why}")
            continue
        if path == own or job.directory(output) == directory.root:
            tasks.append(Task(job, directory))
        elif OF_OTHER_CODE not in directory.root.name:
            problems.append(f"{directory.root} is left out: its job.json says {job.directory(output)}")
    return tasks, problems


def send_all(experiments: dict[str, str], tasks: list[Task], seconds: float, say: Callable[[str], None]) -> bool:
    """Send these jobs with a line for each. Returns whether something failed.

    experiments: MLflow's of each study; seconds: how long MLflow may leave a job without an answer. If it does not
    answer, it is asked once, and not for every job.
    """
    client = MlflowClient()
    is_through, failed = send_each(client, experiments, tasks, seconds, say)
    if is_through:
        for study, experiment in experiments.items():
            trouble = show_study(client, experiment, [task.job for task in tasks if task.job.study == study])
            if trouble:
                say(trouble)
                failed = True
    return failed


def send_each(
    client: MlflowClient,
    experiments: dict[str, str],
    tasks: list[Task],
    seconds: float,
    say: Callable[[str], None],
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[bool, bool]:
    """The same without what is shown of a study as a whole. Returns whether all were tried, and whether something
    failed. should_stop: asked before each job but the first."""
    failed = False
    for i, task in enumerate(tasks):
        if i and should_stop():
            return False, failed
        try:
            said = send(client, experiments[task.job.study], task, seconds)
        except OSError as error:  # of its folder: the other jobs are sent all the same
            said = [str(error)]
        failed = failed or bool(said)
        say(f"{task.name}: {'; '.join(said) or IS_THERE}")
        if any(map(is_away, said)) and tasks[i + 1 :]:
            say(f"not sent: {len(tasks) - i - 1} of {len(tasks)} jobs")
            return False, failed
    return True, failed


def show_study(client: MlflowClient, experiment: str, jobs: Sequence[Job]) -> str:
    """Bring what MLflow's pages say and show of a whole study up to date. Returns why not, if so: the runs are there,
    without words and in MLflow's own colours."""
    try:
        describe_study(client, experiment, jobs)
        colour_runs(client, experiment)
    except Exception as error:  # whatever MLflow raises
        return f"the description of the study and its colours: {explain(error)}"
    return ""


def send(client: MlflowClient, experiment: str, task: Task, seconds: float) -> list[str]:
    """Send one job. Returns what could not be sent or noted, and which files of a finished job are damaged, in
    sentences.

    Raises OSError where the folder cannot be used.
    """
    other = None if task.directory.finished() else holder(task.directory)
    if other is not None:
        return [f"{other} trains it: the command that watches it sends it, or any later one once it has ended"]
    damage = next(find_damage(task.directory), None) if task.directory.finished() else None
    if damage is not None:
        return [f"{damage}: run its study again, which mends it"]
    damaged = list(damaged_files(task.directory)) if task.directory.finished() else []
    state, content = state_of(task.directory), content_of(task.directory)
    try:
        missing = call_patiently(lambda answered: RunUpload(client, experiment, task, answered).send(state), seconds)
    except NoAnswer as error:
        missing = [str(error)]
    except Exception as error:  # whatever MLflow raises: the other jobs are sent all the same
        missing = [explain(error)]
    if not damaged + missing:
        missing = note_sent(task.directory, content)
    return damaged + missing


def state_of(job: JobDir) -> JobState:
    """What has become of a job that nobody trains at present."""
    if job.finished():
        return JobState.FINISHED
    return JobState.DIVERGED if job.diverged.exists() else JobState.STOPPED

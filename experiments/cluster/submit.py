"""Jobs as job arrays of Slurm, through submitit."""

import math
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.cluster.arrays import Array, plan_arrays
from experiments.cluster.node_job import NodeJob, OnNode, Work
from experiments.cluster.queue import largest_array, queue
from experiments.cluster.submissions import Submissions
from experiments.launch.execution import Execution
from experiments.launch.launchers import NotPrepared
from experiments.launch.scheduler import Task, prepare_directory
from r3gan.files import file_lock
from r3gan.jobdir import JobDir

if TYPE_CHECKING:
    from submitit import SlurmExecutor

WRITERS = 16  # job directories at once: each waits for the disk several times
UNLIMITED = 1_000_000  # time limits that a job may hit: it ends by itself if it gains nothing


def submit_missing(tasks: Sequence[Task], execution: Execution, study: str) -> dict[str, str]:
    """Submit those of the tasks that Slurm does not have. Returns identity -> number of all that it has then.

    A second command that submits at the same moment waits for the first, and then finds them. Raises NotPrepared and
    OSError.
    """
    submissions = Submissions.of(execution.output, study)
    submissions.folder.mkdir(parents=True, exist_ok=True)
    with file_lock(submissions.lock):
        queued = queue()
        numbers = {key: number for key, number in submissions.latest().items() if number in queued}
        left = [task for task in tasks if task.job.identity not in numbers and not task.directory.finished()]
        for array in plan_arrays(left, numbers, largest_array()) if left else []:
            added = submit_array(array, numbers, execution, submissions.folder, study)
            submissions.add(added)
            numbers |= added
    return numbers


def submit_array(
    array: Array, numbers: Mapping[str, str], execution: Execution, folder: Path, name: str
) -> dict[str, str]:
    """Identity -> number of its jobs. numbers: of those that it may wait for."""
    with ThreadPoolExecutor(WRITERS) as pool:
        for _ in pool.map(prepare, array.tasks):
            pass
    waits = sorted({numbers[identity] for identity in array.after if identity in numbers})
    jobs = [node_job(task.directory, execution) for task in array.tasks]
    submitted = submit(jobs, execution, folder, name=name, waits=waits)
    return {task.job.identity: number for task, number in zip(array.tasks, submitted, strict=True)}


def prepare(task: Task) -> None:
    """Its directory, with all that its job reads. Raises OSError."""
    task.directory.root.mkdir(parents=True, exist_ok=True)
    prepare_directory(task)


def submit(
    jobs: Sequence[Work], execution: Execution, folder: Path, *, name: str, waits: Sequence[str] = ()
) -> list[str]:
    """Hand jobs to Slurm as one array. Returns their numbers.

    folder: for Slurm's files; name: what Slurm calls the jobs; waits: numbers of those after whose end they begin.
    Raises NotPrepared.
    """
    executor = make_executor(folder / "jobs")
    executor.update_parameters(**parameters(execution, waits), job_name=name)
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    try:
        return [one.job_id for one in executor.map_array(OnNode(), jobs)]
    except (FailedJobError, FailedSubmissionError) as error:
        said = list(dict.fromkeys(re.findall(r"sbatch: (?:error: )?(.+)", str(error)))) or [str(error).strip()]
        raise NotPrepared(f"Slurm refuses the jobs: {'; '.join(said)}") from error


def node_job(directory: JobDir, execution: Execution) -> NodeJob:
    """The job of a directory whose config.json lies there, as it is pickled."""
    return NodeJob(
        directory=str(directory.root.absolute()),
        ranks=execution.ranks,
        nodes=execution.resources.nodes,
        uses_gpus=execution.resources.gpus > 0,
        computation=execution.computation,
        patience_minutes=execution.patience_minutes,
    )


def make_executor(folder: Path) -> "SlurmExecutor":
    """submitit's. Raises NotPrepared without it."""
    try:
        from submitit import SlurmExecutor
    except ImportError as error:
        raise NotPrepared("the slurm launcher needs submitit: pip install 'r3gan-ablations[slurm]'") from error
    try:
        return SlurmExecutor(folder, max_num_timeout=UNLIMITED)
    except RuntimeError as error:  # no srun
        raise NotPrepared(str(error)) from error


def parameters(execution: Execution, waits: Sequence[str] = ()) -> dict[str, Any]:
    """Of submitit's executor, for jobs with these resources that begin after those numbers have ended."""
    asked = execution.resources
    ranks = execution.ranks // asked.nodes
    cores = asked.cpus and asked.cpus * ranks
    wanted = {
        "time": math.ceil(60 * asked.hours),
        "nodes": asked.nodes,
        "ntasks_per_node": 1,
        "cpus_per_task": cores,
        "gpus_per_node": ranks if asked.gpus else None,
        "mem": f"{math.ceil(1024 * asked.memory_gb)}M" if asked.memory_gb else None,
        "partition": asked.partition,
        "account": asked.account,
        "qos": asked.qos,
        "constraint": asked.constraint,
        "signal_delay_s": asked.notice_seconds,
        "array_parallelism": execution.slots or asked.at_once,
        "setup": asked.setup or None,
        "additional_parameters": asked.directives or None,
        "srun_args": [f"--cpus-per-task={cores}"] if cores else None,  # which srun does not take from sbatch
        "dependency": f"afterany:{':'.join(waits)}" if waits else None,
        "stderr_to_stdout": True,
    }
    return {key: value for key, value in wanted.items() if value is not None}

"""The `execution` section of a study file: what one job asks of a machine. No identity knows of it."""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

from experiments.study.problems import StudyProblem
from experiments.study.yamlfile import Document

OWN_DIRECTIVES = {
    "time": "hours", "nodes": "nodes", "cpus-per-task": "cpus", "gpus-per-node": "gpus", "gpus": "gpus",
    "mem": "memory_gb", "partition": "partition", "account": "account", "qos": "qos", "constraint": "constraint",
    "signal": "notice_seconds",
} | dict.fromkeys(
    ("array", "dependency", "output", "error", "open-mode", "job-name", "ntasks", "ntasks-per-node", "requeue",
     "no-requeue", "chdir", "wrap", "wait", "parsable", "test-only"), "",
)  # of sbatch -> the key that says the same  # fmt: skip
MOST_GPUS, YEAR_HOURS = 100_000, 8766  # no machine has more, and no job takes longer: a slip of the keyboard


class Resources(BaseModel):
    """The section. All but the first two keys are a cluster's; what is left out is what the cluster gives by itself."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    gpus: int = Field(default=0, ge=0, le=MOST_GPUS)  # of a job, one for each rank, over all of its nodes
    jobs_per_gpu: int | None = Field(default=None, ge=1, le=100)  # that share each GPU of this machine
    nodes: int = Field(default=1, ge=1, le=MOST_GPUS)  # machines of a job
    cpus: int | None = Field(default=None, ge=1, le=10_000)  # cores of a rank
    memory_gb: float | None = Field(default=None, gt=0, le=1_000_000)  # of a node
    hours: float = Field(default=4, gt=0, le=YEAR_HOURS)  # time limit; then it goes to the queue again
    notice_seconds: int = Field(default=120, ge=10, le=3600 * YEAR_HOURS)  # before that, for a checkpoint
    at_once: int | None = Field(default=None, ge=1, le=1_000_000)  # jobs of an array that may run at the same time
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    directives: dict[str, str | int | float | bool] = {}  # further options of sbatch, without their dashes
    setup: list[str] = []  # shell lines before a job: module load, conda activate

    @property
    def ranks(self) -> int:
        """Of a job that asks for these."""
        return max(1, self.gpus)


def resource_problems(document: Document, resources: Resources) -> Iterator[StudyProblem]:
    """What does not fit together."""
    if resources.gpus and resources.gpus % resources.nodes:
        message = f"{resources.gpus} GPUs cannot be shared among {resources.nodes} nodes evenly"
        yield document.problem(("execution", "gpus"), message)
    for name in resources.directives:
        if name.replace("_", "-") in OWN_DIRECTIVES:
            instead = OWN_DIRECTIVES[name.replace("_", "-")]
            message = f"{instead} says this" if instead else "belongs to the launcher"
            yield document.problem(("execution", "directives", name), message)
    if resources.notice_seconds >= 3600 * resources.hours:
        message = f"{resources.notice_seconds} s are no notice within {resources.hours:g} h"
        yield document.problem(("execution", "notice_seconds"), message)

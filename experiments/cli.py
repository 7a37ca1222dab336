"""What the commands share: data and networks made ready before jobs start, signals caught, where to look afterwards."""

import json
import signal
import subprocess
import sys

from rich.console import Console

from experiments.study.plan import Job
from r3gan.evaluation.metrics import wanted

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def prepare(jobs: list[Job], ranks: int) -> int | None:
    """Make data, feature networks and references ready, once for all jobs.

    Returns the number of GPUs; None if something is missing, or there are some but fewer than `ranks`, which has been
    told on standard error.
    """
    needs = {  # variants may not change the evaluation, so there is one for each dataset
        job.dataset: f"{','.join(wanted(job.config.evaluation))}@{job.config.evaluation.samples}" for job in jobs
    }
    if not needs:
        return 0
    console.print(f"preparing {', '.join(sorted(needs))}: data, and what metrics compare with")
    command = [sys.executable, "-m", "r3gan", "prepare", *(f"{dataset}={need}" for dataset, need in needs.items())]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        return None
    gpus = int(json.loads(done.stdout.splitlines()[-1])["gpus"])
    if 0 < gpus < ranks:
        errors.print(f"error: --ranks {ranks}: a rank needs a GPU of its own, and there are {gpus}")
        return None
    return gpus


def catch_signals() -> list[int]:
    """A list that receives SIGINT and SIGTERM, so that jobs are stopped in order. A second Ctrl-C ends at once."""
    asked: list[int] = []

    def note(number: int, _: object) -> None:
        asked.append(number)
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return asked


def show_page(what: str, experiment: str | None) -> None:
    """Say where MLflow shows an experiment, if it has answered with its id."""
    if experiment is not None:
        page = f"http://127.0.0.1:5000/#/experiments/{experiment}/runs?workflowType=machine_learning"
        console.print(f"compare the {what} in a browser: start `mlflow ui` here and open\n{page}", soft_wrap=True)

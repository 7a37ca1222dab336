"""`python -m experiments.follow JOB`: copy one job to MLflow while another program trains it (`r3gan train --track`).

The exit code of the training is read from standard input when it has ended; an input that ends without one is that of a
program that has died.
"""

import argparse
import json
import sys
from pathlib import Path

from experiments import cli
from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.scheduler import Task, outcome_of
from experiments.study.plan import job_from_json
from experiments.tracking.address import how_to_compare
from r3gan.jobdir import JobDir


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 everything is there, 1 something could not be sent, 2 bad input."""
    parser = argparse.ArgumentParser(prog="python -m experiments.follow", description=__doc__)
    parser.add_argument("job", type=Path, help="the directory of the job")
    cli.add_mlflow_wait(parser)
    options = parser.parse_args(arguments)
    return cli.run_command(lambda: follow(JobDir(options.job), options.mlflow_wait))


def follow(directory: JobDir, wait_seconds: float) -> int:
    """Send what is new until standard input ends, then the rest."""
    from experiments.tracking.runs import Tracker
    from experiments.tracking.store import open_store

    try:
        written = json.loads(directory.description.read_bytes()), json.loads(directory.config.read_bytes())
        task = Task(job_from_json(*written), directory)
    except (ValueError, TypeError, KeyError) as error:
        cli.print_errors([f"{directory.root} is no job: {error}"])
        return cli.BAD_INPUT
    cli.print_warnings(open_store(task.job.study, wait_seconds / 3)[1])
    with Tracker(task.job.study, wait_seconds * 2 / 3) as tracker:
        tracker.started(task)
        said = sys.stdin.read().strip()
        code = int(said) if said.isdecimal() else 0
        died = JobOutcome(JobState.FINISHED if directory.finished() else JobState.STOPPED)
        tracker.ended(task, outcome_of(directory, code, code > 128) if said else died)
    cli.warn_if_behind(tracker.warning)
    if tracker.experiment is not None:
        cli.console.print(how_to_compare("runs", tracker.experiment), markup=False, soft_wrap=True)
    return cli.FAILED if tracker.warning else cli.DONE


if __name__ == "__main__":
    sys.exit(main())

"""`python -m experiments.sync`: send to MLflow what job directories hold and it lacks, from any machine."""

import argparse
import sys
from functools import partial
from pathlib import Path

from experiments import cli
from experiments.launch.execution import Execution
from experiments.tracking.address import how_to_compare


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 everything is there and sound, 1 something is not, 2 bad input."""
    return cli.run_command(lambda: sync(parse_arguments(arguments)))


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.sync", description=__doc__)
    add = parser.add_argument
    add("--output", type=Path, default=Execution.output, help="where the files of jobs lie, or one job (default: runs)")
    add("--study", metavar="NAME", help="of this study only (default: of all)")
    add("--rebuild", action="store_true", help="make MLflow's store anew, where it is lost")
    cli.add_mlflow_wait(parser)
    options = parser.parse_args(arguments)
    if not options.output.is_dir():
        parser.error(f"--output {options.output} is not a folder")
    return options


def sync(options: argparse.Namespace) -> int:
    """Send every job, and say what became of it."""
    from experiments.tracking.store import open_store
    from experiments.tracking.sync import find_tasks, send_all
    from experiments.tracking.trouble import missing_store

    tasks, problems = find_tasks(options.output, options.study)
    cli.print_errors(problems)
    if not tasks:
        cli.print_errors([f"{options.output} holds no job{f' of {options.study}' if options.study else ''}"])
        return cli.BAD_INPUT
    absent = missing_store()
    if absent is not None and not options.rebuild:
        cli.print_errors([f"there is no MLflow store at {absent}: --rebuild makes it from the job directories"])
        return cli.BAD_INPUT
    experiments: dict[str, str] = {}
    for study in dict.fromkeys(task.job.study for task in tasks):
        experiment, troubles = open_store(study, options.mlflow_wait)
        cli.print_warnings(troubles)
        if experiment is None:
            return cli.FAILED
        experiments[study] = experiment
    say = partial(cli.console.print, markup=False, soft_wrap=True)
    failed = send_all(experiments, tasks, options.mlflow_wait, say)
    for experiment in experiments.values():
        say(how_to_compare("runs", experiment))
    return cli.FAILED if failed or problems else cli.DONE


if __name__ == "__main__":
    sys.exit(main())

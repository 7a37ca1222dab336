"""`python -m experiments.retry ablations.yaml`: submit a study's failed jobs to Slurm again."""

import argparse
import sys

from experiments import cli
from experiments.cluster.looked import look
from experiments.cluster.submit import submit_missing


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 they were submitted, or there are none; 2 bad input."""
    return cli.run_command(lambda: retry(parse_arguments(arguments)))


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.retry", description=__doc__)
    cli.add_study(parser)
    cli.add_selection(parser)
    cli.add_execution(parser, launcher="slurm")
    return cli.parse(parser, arguments)


def retry(options: argparse.Namespace) -> int:
    """Submit the failed ones. Raises StudyError and NotPrepared."""
    study, plan = cli.planned(options)
    execution = cli.execution_of(options, study)
    found = look(plan.jobs, options.output)
    failed = [one.task for one in found if one.stage.needs_a_retry]
    if failed:
        submit_missing(failed, execution, plan.jobs[0].study)
    for task in failed:
        cli.console.print(f"submitted again: {task.name}", markup=False, soft_wrap=True)
    cli.console.print(f"{len(failed)} of {len(found)} jobs had failed")
    return cli.DONE


if __name__ == "__main__":
    sys.exit(main())

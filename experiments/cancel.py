"""`python -m experiments.cancel ablations.yaml`: take a study's jobs out of Slurm. What they have trained stays."""

import argparse
import sys

from experiments import cli
from experiments.cluster import queue
from experiments.cluster.looked import look
from experiments.cluster.states import Stage
from experiments.cluster.submissions import Submissions


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 Slurm has none of them any more, 2 bad input, 3 others train some."""
    return cli.run_command(lambda: cancel(parse_arguments(arguments)))


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.cancel", description=__doc__)
    cli.add_study(parser)
    cli.add_selection(parser)
    return cli.parse(parser, arguments)


def cancel(options: argparse.Namespace) -> int:
    """Cancel what is open. Raises StudyError and SlurmAway."""
    _, plan = cli.planned(options)
    found = look(plan.jobs, options.output)
    identities = {one.number: one.task.job.identity for one in found if one.number}
    submissions = Submissions.of(options.output, plan.jobs[0].study)
    for gone in queue.cancel(list(identities)):  # noted afterwards: what Slurm still has may yet fail
        submissions.add_cancelled({identities[number]: number for number in gone})
    cli.console.print(f"cancelled {len(identities)} jobs; those that train write a checkpoint first")
    here = [one for one in found if one.stage is Stage.RUNNING and not one.number]
    for one in here:
        cli.errors.print(f"not cancelled: {one.task.name}, which a command on this machine runs: Ctrl-C there ends it")
    return cli.INCOMPLETE if here else cli.DONE


if __name__ == "__main__":
    sys.exit(main())

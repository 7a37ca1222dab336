"""`python -m r3gan COMMAND`: one job, the data and networks it needs, and metrics, images and films of what it made."""

import argparse
import sys
from pathlib import Path

from r3gan.computation import add_computation, computation_of
from r3gan.data.catalog import DatasetUnavailable
from r3gan.data.parser import add_data
from r3gan.evaluation.commands import add_evaluate
from r3gan.evaluation.preparation import add_prepare
from r3gan.export.card_command import add_card
from r3gan.export.command import add_export
from r3gan.export.traced import ExportMismatch
from r3gan.generation.generate_command import add_generate
from r3gan.generation.import_command import add_import_official
from r3gan.generation.interpolate_command import add_interpolate
from r3gan.job import train_job
from r3gan.jobdir import JobDir
from r3gan.lease import LeaseLost
from r3gan.snapshot import NoSnapshot
from r3gan.tensor_files import DamagedTensors
from r3gan.training.checkpoint import DamagedCheckpoint
from r3gan.training.penalties import NotFirstOrder
from r3gan.training.penalty_check import PenaltyMismatch
from r3gan.training.resume import RanksDisagree
from r3gan.training.steps import NonFiniteLoss


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run. Returns the exit code: 0, 1 after a failure, 2 for bad input."""
    options = command_line().parse_args(arguments)
    try:
        return options.run(options)
    except (DatasetUnavailable, NoSnapshot, NotFirstOrder) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (
        NonFiniteLoss,
        DamagedCheckpoint,
        DamagedTensors,
        PenaltyMismatch,
        RanksDisagree,
        ExportMismatch,
        LeaseLost,
        OSError,
    ) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def command_line() -> argparse.ArgumentParser:
    """Every command with its options; what is parsed has the function `run`."""
    parser = argparse.ArgumentParser(prog="python -m r3gan", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add_train(commands)
    add_prepare(commands)
    add_evaluate(commands)
    add_generate(commands)
    add_import_official(commands)
    add_interpolate(commands)
    add_export(commands)
    add_card(commands)
    add_data(commands)
    return parser


def add_train(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`r3gan train`."""
    parser = commands.add_parser("train", help="run the job whose config.json lies in a directory, or go on with it")
    parser.add_argument("job", type=Path)
    add_computation(parser)
    parser.set_defaults(run=lambda options: train_job(JobDir(options.job), computation_of(options)))


if __name__ == "__main__":
    sys.exit(main())

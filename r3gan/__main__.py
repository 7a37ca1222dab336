"""`python -m r3gan COMMAND`: one job, the data and networks it needs, and metrics, images and films of what it made."""

import argparse
import sys

from r3gan.average_command import add_average
from r3gan.data.catalog import DatasetUnavailable
from r3gan.data.parser import add_data
from r3gan.evaluation.commands import add_evaluate
from r3gan.evaluation.preparation import add_prepare
from r3gan.exploration.command import add_explore
from r3gan.export.card_command import add_card
from r3gan.export.command import add_export
from r3gan.export.traced import ExportMismatch
from r3gan.generation.generate_command import add_generate
from r3gan.generation.import_command import add_import_official
from r3gan.generation.interpolate_command import add_interpolate
from r3gan.lease import LeaseLost
from r3gan.settings.problems import BadSettings
from r3gan.snapshot import NoSnapshot
from r3gan.tensor_files import DamagedTensors
from r3gan.train_command import add_train
from r3gan.training.checkpoint import DamagedCheckpoint
from r3gan.training.penalties import NotFirstOrder
from r3gan.training.penalty_check import PenaltyMismatch
from r3gan.training.resume import RanksDisagree
from r3gan.training.steps import NonFiniteLoss


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run. Returns the exit code: 0, 1 after a failure, 2 for bad input."""
    parser = command_line()
    options, rest = parser.parse_known_args(arguments)
    if rest and (options.command != "train" or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:  # argparse does not take words behind options
        options.words += rest
    try:
        return options.run(options)
    except BadSettings as error:
        for problem in error.problems:
            print(f"error: {problem}", file=sys.stderr)
        return 2
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
    add_average(commands)
    add_import_official(commands)
    add_interpolate(commands)
    add_explore(commands)
    add_export(commands)
    add_card(commands)
    add_data(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())

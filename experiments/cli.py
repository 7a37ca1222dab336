"""What the commands share: options, messages, exit codes, signals, and where to look afterwards. Loads no torch."""

import argparse
import errno
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from experiments.launch.durations import conditions_of
from experiments.launch.execution import Execution
from experiments.launch.forecast import Speeds
from experiments.launch.launchers import LAUNCHERS, Launcher, NotPrepared, make_launcher
from experiments.study.plan import Job
from experiments.study.problems import StudyError
from r3gan.arguments import minutes, positive
from r3gan.computation import add_computation, computation_of

if TYPE_CHECKING:
    from r3gan.training.cost import Cost

DONE, FAILED, BAD_INPUT, INCOMPLETE = 0, 1, 2, 3  # exit codes; 128 + n after signal n
FULL = (errno.ENOSPC, errno.EDQUOT)

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def add_shared_options(parser: argparse.ArgumentParser) -> None:
    """The study, what of it to change for once, and how and where its jobs are computed."""
    add = parser.add_argument
    add("study", type=Path, help="the study file, such as ablations.yaml")
    add("settings", nargs="*", default=[], metavar="KEY=VALUE", help="the same as --set")
    add("--dry-run", action="store_true", help="show what would run, and stop")
    add("--costs", action=argparse.BooleanOptionalAction, default=True, help="show what jobs cost (default: yes)")
    add("--set", action="extend", nargs="+", default=[], metavar="KEY=VALUE", help="override configuration keys")
    launchers = "; ".join(f"{name}: {row.summary}" for name, row in LAUNCHERS.items())
    add("--launcher", choices=LAUNCHERS, default=Execution.launcher, help=f"where jobs run ({launchers})")
    add("--ranks", type=positive, default=1, help="torchrun ranks (GPUs) per job (default: 1)")
    add_computation(parser)
    add("--patience", type=minutes, default=Execution.patience_minutes, metavar="MINUTES",
        help="stop a job that shows no sign of life for so long (default: 30; 0: never)")  # fmt: skip
    add("--sharing", action=argparse.BooleanOptionalAction, default=Execution.sharing,
        help="let jobs begin in the states of others that have trained the same so far (default: yes)")  # fmt: skip
    add("--output", type=Path, default=Execution.output, help="where the files of jobs go (default: runs)")


def add_mlflow_wait(parser: argparse.ArgumentParser) -> None:
    """How patient a command is with MLflow."""
    parser.add_argument("--mlflow-wait", type=positive, default=30, metavar="SECONDS",
                        help="how long MLflow may leave the command without an answer (default: 30)")  # fmt: skip


def parse(parser: argparse.ArgumentParser, arguments: list[str] | None) -> argparse.Namespace:
    """The options, all settings in `set`. Ends the process with 2 and a message if something is wrong."""
    options = parser.parse_intermixed_args(arguments)
    options.set = [*options.settings, *options.set]
    if options.output.exists() and not options.output.is_dir():
        parser.error(f"--output {options.output} is not a folder")
    if options.launcher == "in-process" and (options.ranks != 1 or (slots_of(options) or 1) != 1):
        parser.error("--launcher in-process runs one job of one rank at a time")
    return options


def slots_of(options: argparse.Namespace) -> int | None:
    """How many jobs, or trials, at once."""
    slots: int | None = getattr(options, "parallel", None) or getattr(options, "workers", None)
    return slots


def execution_of(options: argparse.Namespace) -> Execution:
    """The options that say how and where."""
    return Execution(
        launcher=options.launcher,
        slots=slots_of(options),
        ranks=options.ranks,
        computation=computation_of(options),
        patience_minutes=options.patience,
        sharing=options.sharing,
        output=options.output,
    )


def costs_of(jobs: list[Job], execution: Execution) -> "dict[str, Cost]":
    """Identity -> cost, where the jobs would run. Loads torch."""
    from experiments.launch.costs import job_costs

    return job_costs(jobs, execution, make_launcher(execution).hardware)


def speeds_of(jobs: list[Job], execution: Execution) -> Speeds:
    """How fast the study's jobs were where these would run. Loads torch."""
    return Speeds(jobs[0].study, execution, conditions_of(make_launcher(execution)))


def prepared_launcher(execution: Execution, jobs: list[Job]) -> Launcher:
    """The launcher, with all that the jobs need ready where they will run. Raises NotPrepared."""
    launcher = make_launcher(execution)
    if jobs:
        require_writable(execution.output)
        datasets = ", ".join(sorted({job.dataset for job in jobs}))
        console.print(f"preparing {datasets}: data, and what metrics compare with")
        gpus = launcher.hardware.gpus
        if 0 < gpus < execution.ranks:
            raise NotPrepared(f"--ranks {execution.ranks}: a rank needs a GPU of its own, and there are {gpus}")
        launcher.prepare(jobs)
    return launcher


def print_errors(problems: Iterable[object]) -> None:
    """One line for each, on standard error."""
    for problem in problems:
        errors.print(f"error: {problem}", markup=False)


def print_warnings(sentences: Iterable[object]) -> None:
    """One line for each, on standard error."""
    for sentence in sentences:
        errors.print(f"warning: {sentence}", markup=False)


def run_command(command: Callable[[], int]) -> int:
    """The exit code of a command, whose errors that a user can mend end in messages rather than tracebacks."""
    try:
        return command()
    except StudyError as error:
        print_errors(error.problems)
    except NotPrepared as error:
        print_errors(filter(None, [str(error)]))
    except OSError as error:
        print_errors([os_error_text(error)])
        return FAILED if error.errno in FULL else BAD_INPUT
    except KeyboardInterrupt:  # before jobs ran, or a second one
        errors.print("ended at once; jobs that still run end by themselves, with a checkpoint; run it again to go on")
        return 128 + signal.SIGINT
    return BAD_INPUT


def os_error_text(error: OSError) -> str:
    """What the system refused."""
    where = f"{error.filename}: " if error.filename is not None else ""
    if error.errno in FULL:
        return f"{where}the disk is full ({error.strerror}): free some space, and run the same command again to go on"
    return f"{where}{error.strerror or error}"


def require_writable(folder: Path) -> None:
    """Raises OSError, before anything runs, if nothing can be written there, or where it is to be made."""
    try:
        with tempfile.TemporaryFile(dir=next(filter(os.path.lexists, (folder, *folder.absolute().parents)))) as file:
            file.write(b"x")
    except OSError as error:
        message = f"{error.strerror}; --output names another folder for what jobs write"
        raise OSError(error.errno, message, str(folder)) from error


def catch_signals() -> list[int]:
    """A list that receives SIGINT and SIGTERM, so that jobs are stopped in order. A second Ctrl-C ends at once."""
    received: list[int] = []

    def note(number: int, _: object) -> None:
        received.append(number)
        again = "; press Ctrl-C again to end now" if number == signal.SIGINT else ""
        text = f"stopping: jobs write their checkpoints{again}"
        threading.Thread(target=errors.print, args=(text,), daemon=True).start()  # the handler may interrupt a print
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return received


def stopped_by(received: list[int]) -> int:
    """Say that the command was stopped. Returns its exit code."""
    errors.print("stopped; run the same command again to go on")
    return 128 + received[0]


def warn_if_behind(warning: str | None) -> None:
    """Say that MLflow has not got everything, if so."""
    if warning:
        print_warnings([f"MLflow is behind ({warning}); run this again to send the rest"])

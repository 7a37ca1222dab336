"""What the commands share: options, messages, exit codes, signals, and where to look afterwards. Loads no torch."""

import argparse
import errno
import os
import select
import signal
import sys
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
from experiments.study.execution_section import Resources
from experiments.study.options import parse_only, parse_seeds
from experiments.study.plan import Job, Plan, make_plan, with_seeds
from experiments.study.problems import StudyError
from experiments.study.study import Study, read_study
from r3gan.arguments import minutes, positive
from r3gan.computation import add_computation, computation_of
from r3gan.settings.options import parse_settings

if TYPE_CHECKING:
    from r3gan.training.cost import Cost

DONE, FAILED, BAD_INPUT, INCOMPLETE = 0, 1, 2, 3  # exit codes; 128 + n after signal n
NO_SETTINGS = {
    "seed": "--seeds 0-4, say, or --only seed=0",
    "seeds": "--seeds 0-4, say",
    "variant": "--only variant=NAME",
    "dataset": "--only dataset=NAME",
    "profile": "--profile NAME",
}  # what --set cannot change, and the option that does
FULL = (errno.ENOSPC, errno.EDQUOT)
STANDARD_OUTPUT = 1  # its file descriptor

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def add_study(parser: argparse.ArgumentParser) -> None:
    """The study, what of it to change for once, and where its files lie."""
    add = parser.add_argument
    add("study", type=Path, help="the study file, such as ablations.yaml")
    add("settings", nargs="*", default=[], metavar="KEY=VALUE", help="the same as --set")
    add("--set", action="extend", nargs="+", default=[], metavar="KEY=VALUE", help="override configuration keys")
    add("--output", type=Path, default=Execution.output, help="where the files of jobs go (default: runs)")


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Which of the study's jobs."""
    add = parser.add_argument
    add("--profile", help="which profile of the study (default: the one the study names)")
    add("--only", action="append", default=[], metavar="AXIS=VALUE,...", help="variant=..,dataset=..,seed=..")
    add("--seeds", metavar="LIST", help="these seeds instead of the profile's: 5, 0-4 or 0,3,7-9, say")


def planned(options: argparse.Namespace) -> tuple[Study, Plan]:
    """The study with the seeds that were asked for, and its jobs. Raises StudyError."""
    study = read_study(options.study)
    if options.seeds is not None:
        study = with_seeds(study, options.profile, parse_seeds(options.seeds))
    settings = parse_settings(options.set, NO_SETTINGS)
    return study, make_plan(study, options.profile, parse_only(options.only), settings)


def add_shared_options(parser: argparse.ArgumentParser) -> None:
    """The study, and how and where its jobs are computed."""
    add_study(parser)
    add = parser.add_argument
    add("--dry-run", action="store_true", help="show what would run, and stop")
    add("--costs", action=argparse.BooleanOptionalAction, default=True, help="show what jobs cost (default: yes)")
    add_execution(parser)


def add_execution(parser: argparse.ArgumentParser, launcher: str = Execution.launcher) -> None:
    """How and where jobs are computed, by default with that launcher."""
    add = parser.add_argument
    launchers = "; ".join(f"{name}: {row.summary}" for name, row in LAUNCHERS.items())
    add("--launcher", choices=LAUNCHERS, default=launcher, help=f"where jobs run ({launchers})")
    add("--ranks", type=positive, help="torchrun ranks (GPUs) per job (default: the study's execution.gpus, or 1)")
    add_computation(parser)
    add("--patience", type=minutes, default=Execution.patience_minutes, metavar="MINUTES",
        help="stop a job that shows no sign of life for so long (default: 30; 0: never)")  # fmt: skip
    add("--sharing", action=argparse.BooleanOptionalAction, default=Execution.sharing,
        help="let jobs begin in the states of others that have trained the same so far (default: yes)")  # fmt: skip


def add_detach(parser: argparse.ArgumentParser) -> None:
    """To leave a command's work to the cluster."""
    parser.add_argument("--detach", action=argparse.BooleanOptionalAction, default=False,
                        help="with --launcher slurm: submit, and return at once")  # fmt: skip


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
    if getattr(options, "detach", False) and LAUNCHERS[options.launcher].is_here:
        parser.error("--detach goes with --launcher slurm")
    in_process = getattr(options, "launcher", None) == "in-process"
    if in_process and ((options.ranks or 1) != 1 or (slots_of(options) or 1) != 1):
        parser.error("--launcher in-process runs one job of one rank at a time")
    return options


def slots_of(options: argparse.Namespace) -> int | None:
    """How many jobs, or trials, at once."""
    slots: int | None = getattr(options, "parallel", None) or getattr(options, "workers", None)
    return slots


def execution_of(options: argparse.Namespace, study: Study) -> Execution:
    """What the options and the study file say of how and where. Raises StudyError."""
    resources = study.execution
    ranks = options.ranks or ranks_here(options.launcher, resources)
    if ranks % resources.nodes:
        message = f"{ranks} ranks cannot be shared among {resources.nodes} nodes evenly"
        raise StudyError([study.document.problem(("execution", "nodes"), message)])
    return Execution(
        launcher=options.launcher,
        slots=slots_of(options),
        ranks=ranks,
        computation=computation_of(options),
        patience_minutes=options.patience,
        sharing=options.sharing,
        resources=resources,
        output=options.output,
    )


def ranks_here(launcher: str, resources: Resources) -> int:
    """A rank for each GPU that a job asks for; on this machine one rank, if it has no GPU."""
    if resources.ranks > 1 and LAUNCHERS[launcher].is_here:
        return resources.ranks if make_launcher(Execution(launcher=launcher)).hardware.gpus else 1
    return resources.ranks


def costs_of(jobs: list[Job], execution: Execution) -> "dict[str, Cost]":
    """Identity -> cost, where the jobs would run. Loads torch."""
    from experiments.launch.costs import job_costs

    return job_costs(jobs, execution, make_launcher(execution).hardware)


def packed(jobs: list[Job], execution: Execution) -> Execution:
    """The same, with jobs sharing GPUs where nobody says how many do; what was decided is said. Loads torch."""
    pack = LAUNCHERS[execution.launcher].pack
    if pack is None:
        return execution
    found: Execution
    found, sentence = pack(execution, jobs)
    if sentence:
        errors.print(sentence, markup=False)
    return found


def speeds_of(jobs: list[Job], execution: Execution) -> Speeds | None:
    """How fast the study's jobs were on this machine; None where others run them. Loads torch."""
    if not LAUNCHERS[execution.launcher].is_here:
        return None
    return Speeds(jobs[0].study, execution, conditions_of(make_launcher(execution)))


def prepared_launcher(execution: Execution, jobs: list[Job]) -> Launcher:
    """The launcher, with all that the jobs need ready where they will run. Raises NotPrepared."""
    launcher = make_launcher(execution)
    if jobs:
        require_writable(execution.output)
        datasets = ", ".join(sorted({job.dataset for job in jobs}))
        console.print(f"preparing {datasets}: data, and what metrics compare with")
        gpus = launcher.hardware.gpus
        if LAUNCHERS[execution.launcher].is_here and 0 < gpus < execution.ranks:
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
        code = command()
        sys.stdout.flush()  # what a reader who has gone has not taken is seen here, and not when Python ends
        return code
    except StudyError as error:
        print_errors(error.problems)
    except NotPrepared as error:
        print_errors(filter(None, [str(error)]))
    except OSError as error:
        if isinstance(error, BrokenPipeError) and nobody_reads():
            return 128 + signal.SIGPIPE
        print_errors([os_error_text(error)])
        return FAILED if error.errno in FULL else BAD_INPUT
    except KeyboardInterrupt:  # before jobs ran, or a second one
        errors.print("ended at once; jobs that still run end by themselves, with a checkpoint; run it again to go on")
        return 128 + signal.SIGINT
    return BAD_INPUT


def nobody_reads() -> bool:
    """Whether whoever read this command's output has gone, as `head` does; what is left of it is then dropped."""
    poll = select.poll()
    poll.register(STANDARD_OUTPUT)
    has_gone = any(event & select.POLLERR for _, event in poll.poll(0))
    if has_gone:
        os.dup2(os.open(os.devnull, os.O_WRONLY), STANDARD_OUTPUT)
    return has_gone


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


def catch_signals(what: str = "stopping: jobs write their checkpoints") -> list[int]:
    """A list that receives SIGINT and SIGTERM, so that jobs are stopped in order. A second Ctrl-C ends at once.

    what: that comes of it, for people.
    """
    received: list[int] = []

    def note(number: int, _: object) -> None:
        received.append(number)
        again = "; press Ctrl-C again to end now" if number == signal.SIGINT else ""
        text = f"{what}{again}"
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

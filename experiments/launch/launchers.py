"""Launchers: what each has to know and do, and the table of those that `--launcher` names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from experiments.launch.execution import Execution, Hardware
from experiments.study.plan import Job
from r3gan.deferred import Deferred
from r3gan.jobdir import JobDir
from r3gan.tables.lookup import unknown_message


class Process(Protocol):
    """A job on its way."""

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""

    def stop(self) -> None:
        """Ask it to write a checkpoint and end."""

    def kill(self) -> None:
        """End it at once, where that is possible."""

    def processor_seconds(self) -> float | None:
        """Processor time used so far; None where it is not known, or where a job may stand still and be well."""


class NotPrepared(Exception):
    """Something that the jobs need cannot be had where they would run; the message, if any, says what."""


class Launcher(Protocol):
    """Starts jobs where they run. Whoever runs jobs asks it for everything that depends on the place."""

    poll_seconds: float  # between two looks at the running jobs

    @property
    def execution(self) -> Execution:
        """What the command asked for."""

    @property
    def hardware(self) -> Hardware:
        """What the place has; found out when it is first asked for."""

    @property
    def slots(self) -> int:
        """How many jobs run at once."""

    def prepare(self, jobs: Sequence[Job]) -> None:
        """Make data, feature networks and references ready there, once for all jobs. Raises NotPrepared."""

    def start(self, directory: JobDir, slot: int) -> Process:
        """Start the job whose config.json lies in the directory, in a slot from 0 up. Raises OSError."""


@dataclass(frozen=True, kw_only=True)
class LauncherRow:
    """One launcher that can be named: how it is made from an Execution, what it is, in a line, and how the jobs of a
    study are run with it (as `execute` in experiments/launch/scheduler.py says)."""

    make: Deferred
    summary: str
    run: Deferred = Deferred("experiments.launch.scheduler:execute")  # noqa: RUF009 - frozen
    is_here: bool = True  # whether jobs run on this very machine
    pack: Deferred | None = None  # lets jobs share GPUs, if it can: see `packed` in experiments/launch/local.py


LAUNCHERS = {
    "local": LauncherRow(
        make=Deferred("experiments.launch.local:LocalLauncher"),
        summary="on this machine, sharing its cores or GPUs; several ranks by torchrun",
        pack=Deferred("experiments.launch.local:packed"),
    ),
    "in-process": LauncherRow(
        make=Deferred("experiments.launch.in_process:InProcessLauncher"),
        summary="within this very process, one job after the other: for tests and debuggers",
    ),
    "slurm": LauncherRow(
        make=Deferred("experiments.cluster.launcher:SlurmLauncher"),
        summary="on a Slurm cluster, as the study file's `execution` section asks",
        run=Deferred("experiments.cluster.watch:submit_and_watch"),
        is_here=False,
    ),
}


def make_launcher(execution: Execution) -> Launcher:
    """The launcher that an Execution names. Raises ValueError for an unknown name."""
    if execution.launcher not in LAUNCHERS:
        raise ValueError(unknown_message("launcher", execution.launcher, LAUNCHERS))
    launcher: Launcher = LAUNCHERS[execution.launcher].make(execution)
    return launcher

"""The in-process launcher: jobs within this very process, one after the other. For tests, and for debuggers."""

import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from experiments.launch.execution import Execution, Hardware
from experiments.launch.launchers import NotPrepared
from experiments.launch.local import this_machine
from experiments.launch.preparation import needs
from experiments.study.plan import Job
from r3gan.job_log import begin_attempt
from r3gan.jobdir import JobDir
from r3gan.one_machine import forget_others


class InProcess:
    """A job in a thread, with its own wish to stop."""

    def __init__(self, directory: JobDir, execution: Execution):
        self._directory, self._execution = directory, execution
        self._asked, self._code = threading.Event(), 1
        self._thread = threading.Thread(target=self._run, name=f"job {directory.root.name}", daemon=True)
        self._thread.start()

    def poll(self) -> int | None:
        """See launchers.Process."""
        return None if self._thread.is_alive() else self._code

    def stop(self) -> None:
        """See launchers.Process."""
        self._asked.set()

    def kill(self) -> None:
        """See launchers.Process: a thread cannot be ended."""

    def processor_seconds(self) -> None:
        """See launchers.Process: a debugger may hold the job."""

    def _run(self) -> None:
        from r3gan.job import train_job

        with self._directory.log.open("a") as log:
            begin_attempt(log)
            try:
                self._code = train_job(self._directory, self._execution.computation, self._asked.is_set)
            except Exception:  # of a job, whatever it is: the next job runs all the same
                traceback.print_exc(file=log)


@dataclass(frozen=True)
class InProcessLauncher:
    """One slot, one rank. What jobs print goes to the terminal, as a debugger's output does; their logs hold errors."""

    execution: Execution
    poll_seconds = 0.05
    slots = 1

    @cached_property
    def hardware(self) -> Hardware:
        """See launchers.Launcher."""
        return this_machine()

    def prepare(self, jobs: Sequence[Job]) -> None:
        """See launchers.Launcher."""
        from r3gan.__main__ import main

        if jobs and main(["prepare", *needs(jobs)]):
            raise NotPrepared

    def start(self, directory: JobDir, slot: int) -> InProcess:
        """See launchers.Launcher."""
        forget_others()
        return InProcess(directory, self.execution)

"""A command of this project within an allocation, such as one worker of a search. It keeps what it needs elsewhere."""

import signal
import subprocess
import sys
from dataclasses import dataclass, field
from types import FrameType

from experiments.cluster.node_job import NOTICE, JobFailed, deaf_to
from experiments.launch.outcome import JobState


@dataclass(kw_only=True)
class CommandJob:
    """What is pickled and submitted: a module and its arguments. SIGTERM lets the command end in order."""

    module: str
    arguments: tuple[str, ...]

    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)  # of this attempt

    def __call__(self) -> str:
        """Returns what became of it. Raises JobFailed."""
        asked: list[int] = []
        with deaf_to(NOTICE):
            process = self.process = subprocess.Popen([sys.executable, "-u", "-m", self.module, *self.arguments])

        def stop(number: int, _: FrameType | None) -> None:
            asked.append(number)
            process.terminate()

        signal.signal(signal.SIGTERM, stop)
        code = process.wait()
        if code and not asked:
            raise JobFailed(f"python -m {self.module} ended with {code}")
        return str(JobState.STOPPED if asked else JobState.FINISHED)

    def cut_short(self) -> "CommandJob":
        """Let the command end in order. Returns what goes on with it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
        return CommandJob(module=self.module, arguments=self.arguments)

"""What Slurm says of jobs: those that it has, and how those ended that it had."""

import re
import shutil
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from experiments.launch.launchers import NotPrepared

LONGEST_SECONDS = 120  # for an answer
DEFAULT_LARGEST_ARRAY = 1001  # Slurm's own
ENDED_FORMAT = "JobID,State,ExitCode"


class SlurmAway(NotPrepared):
    """Slurm cannot be asked; the message says why."""


@dataclass(frozen=True)
class Queued:
    """A job that Slurm has: its state in Slurm's own words, and why it waits or where it runs."""

    state: str
    detail: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it has a machine."""
        return self.state in ("RUNNING", "COMPLETING", "SUSPENDED", "STOPPED")

    def __str__(self) -> str:
        return f"{self.state.lower()}{f' ({self.detail})' if self.detail else ''}"


def queue() -> dict[str, Queued]:
    """This user's jobs by their Slurm id, elements of arrays by `array_index`. Raises SlurmAway."""
    found = {}
    for line in ask("squeue", "--me", "-h", "-r", "-o", "%F|%K|%T|%r|%N").splitlines():
        array, index, state, reason, nodes = line.split("|")
        identifier = f"{array}_{index}" if index.isdecimal() else array
        found[identifier] = Queued(state, nodes if nodes else reason if reason != "None" else "")
    return found


def ends(identifiers: Collection[str]) -> dict[str, str]:
    """How jobs ended that Slurm has no more, as far as it remembers: `OUT_OF_MEMORY`, `FAILED (exit code 1)`.

    The accounting knows for long where there is one; else the controller does for some minutes.
    """
    wanted = set(identifiers)
    if not wanted:
        return {}
    arrays = sorted({identifier.partition("_")[0] for identifier in wanted}, key=int)
    found = _ends_by_accounting(arrays) or _ends_by_controller(arrays)
    return {identifier: text for identifier, text in found.items() if identifier in wanted}


def _ends_by_accounting(arrays: Sequence[str]) -> dict[str, str]:
    try:
        lines = ask("sacct", "-X", "-P", "-n", "-o", ENDED_FORMAT, "-j", ",".join(arrays)).splitlines()
    except SlurmAway:  # no accounting here
        return {}
    rows = [line.split("|") for line in lines]
    return {row[0]: _end_text(row[1], row[2]) for row in rows if len(row) == 3}


def _ends_by_controller(arrays: Sequence[str]) -> dict[str, str]:
    found = {}
    for array in arrays:
        try:
            records = ask("scontrol", "show", "job", "-o", array).splitlines()
        except SlurmAway:  # forgotten by now
            continue
        for record in records:
            fields = dict(re.findall(r"(\w+)=(\S*)", record))
            index = fields.get("ArrayTaskId", "")
            identifier = f"{fields.get('ArrayJobId')}_{index}" if index else fields.get("JobId", "")
            found[identifier] = _end_text(fields.get("JobState", ""), fields.get("ExitCode", ""))
    return found


def _end_text(state: str, exit_code: str) -> str:
    code, _, signal = exit_code.partition(":")
    how = f"signal {signal}" if signal not in ("", "0") else f"exit code {code}" if code not in ("", "0") else ""
    return f"{state}{f', {how}' if how else ''}"


def largest_array() -> int:
    """How many jobs an array may have."""
    found = re.search(r"MaxArraySize\s*=\s*(\d+)", ask("scontrol", "show", "config"))
    return max(1, (int(found[1]) if found else DEFAULT_LARGEST_ARRAY) - 1)


def cancel(identifiers: Sequence[str]) -> None:
    """Take jobs out of the queue; those that run write a checkpoint first. Raises SlurmAway."""
    for start in range(0, len(identifiers), 500):
        ask("scancel", *identifiers[start : start + 500])


def ask(*command: str) -> str:
    """What one of Slurm's commands prints. Raises SlurmAway."""
    if shutil.which(command[0]) is None:
        raise SlurmAway(f"{command[0]} is not here: the slurm launcher runs where Slurm's commands do")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise SlurmAway(f"{command[0]} does not answer within {LONGEST_SECONDS} s") from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise SlurmAway(f"Slurm does not answer here ({said[-1]})")
    return done.stdout

"""What Slurm says of jobs: those that it has, and how those ended that it had."""

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from experiments.launch.launchers import NotPrepared

LONGEST_SECONDS = 120  # for an answer
DEFAULT_LARGEST_ARRAY = 1001  # Slurm's own
MOST_CANCELLED = 500  # in one command line
ENDED_FORMAT = "JobID,State,ExitCode"
WHOLE = {"SLURM_BITSTR_LEN": "0"}  # environment: lists of elements are not cut short


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
    of_array: dict[str, list[str]] = {}
    for identifier in sorted(wanted):
        of_array.setdefault(identifier.partition("_")[0], []).append(identifier)
    asked = [array if len(elements) > 1 else elements[0] for array, elements in of_array.items()]
    found = _ends_by_accounting(asked) or _ends_by_controller(asked)
    return {identifier: text for identifier, text in found.items() if identifier in wanted}


def _ends_by_accounting(asked: Sequence[str]) -> dict[str, str]:
    try:
        lines = ask("sacct", "-X", "-P", "-n", "-o", ENDED_FORMAT, "-j", ",".join(asked)).splitlines()
    except SlurmAway:  # no accounting here
        return {}
    rows = [line.split("|") for line in lines]
    found: dict[str, str] = {}
    for identifier, state, code in (row for row in rows if len(row) == 3):
        array, _, indices = identifier.partition("_")
        found |= dict.fromkeys(_identifiers(array, indices.strip("[]")), _end_text(state, code))
    return found


def _ends_by_controller(asked: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number in asked:
        try:
            records = ask("scontrol", "show", "job", "-o", number).splitlines()
        except SlurmAway:  # forgotten by now
            continue
        for record in records:
            fields = dict(re.findall(r"(\w+)=(\S*)", record))
            array = fields.get("ArrayJobId") or fields.get("JobId", "")
            end = _end_text(fields.get("JobState", ""), fields.get("ExitCode", ""))
            found |= dict.fromkeys(_identifiers(array, fields.get("ArrayTaskId", "")), end)
    return found


def _identifiers(array: str, indices: str) -> list[str]:
    """Of the elements that Slurm writes as `3`, or, of those that never began, as one: `0-4,7,10-20:5%2`."""
    found: list[int] = []
    for part in filter(None, indices.partition("%")[0].split(",")):
        written = re.fullmatch(r"(\d+)(?:-(\d+))?(?::(\d+))?", part)
        if written is None:
            continue
        first, last, step = written.groups()
        found += range(int(first), int(last or first) + 1, int(step or 1))
    return [f"{array}_{index}" for index in found] if indices else [array]


def _end_text(state: str, exit_code: str) -> str:
    code, _, signal = exit_code.partition(":")
    how = f"signal {signal}" if signal not in ("", "0") else f"exit code {code}" if code not in ("", "0") else ""
    return f"{state}{f', {how}' if how else ''}"


def largest_array() -> int:
    """How many jobs an array may have."""
    found = re.search(r"MaxArraySize\s*=\s*(\d+)", ask("scontrol", "show", "config"))
    return max(1, (int(found[1]) if found else DEFAULT_LARGEST_ARRAY) - 1)


def cancel(identifiers: Sequence[str]) -> Iterator[Sequence[str]]:
    """Take jobs out of the queue; those that train write a checkpoint first. Yields those that are taken out, of one
    command after the other. Raises SlurmAway."""
    for start in range(0, len(identifiers), MOST_CANCELLED):
        some = identifiers[start : start + MOST_CANCELLED]
        ask("scancel", *some)
        yield some


def ask(*command: str) -> str:
    """What one of Slurm's commands prints. Raises SlurmAway."""
    if shutil.which(command[0]) is None:
        raise SlurmAway(f"{command[0]} is not here: the slurm launcher runs where Slurm's commands do")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_SECONDS, env=os.environ | WHOLE)
    except subprocess.TimeoutExpired as error:
        raise SlurmAway(f"{command[0]} does not answer within {LONGEST_SECONDS} s") from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise SlurmAway(f"Slurm does not answer here ({said[-1]})")
    return done.stdout

"""Who trains in a job directory, for others to see: host, process, and a beat that goes on as long as it lives.

On one machine the job's lock decides, which the system takes from the dead, whatever becomes of clocks and process
numbers. From another machine, where locks may not reach, a beat that moves while one looks is life; times of day are
compared nowhere.
"""

import json
import os
import socket
import threading
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from filelock import Timeout

from r3gan.config_json import from_dict
from r3gan.files import file_lock, read_object
from r3gan.jobdir import LAUNCHER_PID, JobDir
from r3gan.processes import is_alive

BEAT_SECONDS = 10.0
LOOK_SECONDS = 2.5 * BEAT_SECONDS  # how long a beat of another machine is waited for
BOOT = Path("/proc/sys/kernel/random/boot_id")


class LeaseLost(Exception):
    """Another process has taken the job over, because this one was thought dead."""


@dataclass(frozen=True, kw_only=True)
class Lease:
    """lease.json."""

    host: str
    machine: str  # tells apart machines of one name
    pid: int
    token: str  # of this attempt
    launcher: int | None  # the process without which the job does not go on
    beat: int = 0

    @classmethod
    def here(cls) -> Self:
        """Of this process."""
        return cls(
            host=socket.gethostname(),
            machine=machine(),
            pid=os.getpid(),
            token=uuid.uuid4().hex,
            launcher=launcher_here(),
        )

    @property
    def is_ending(self) -> bool:
        """Whether its launcher is gone, so that it ends with a checkpoint."""
        return self.machine == machine() and self.launcher is not None and not is_alive(self.launcher)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def launcher_here() -> int | None:
    """The process that has launched this one, if it is to end with it."""
    launcher = os.environ.get(LAUNCHER_PID)
    return int(launcher) if launcher else None


def machine() -> str:
    """A name of this machine since it was started."""
    return BOOT.read_text().strip() if BOOT.exists() else f"{socket.gethostname()}-{uuid.getnode()}"


def read_lease(job: JobDir) -> Lease | None:
    """What was last written; None if there is nothing sound."""
    try:
        lease: Lease = from_dict(Lease, read_object(job.lease))
    except TypeError:
        return None
    return lease


def holder(job: JobDir) -> str | None:
    """Who trains in the directory, and goes on with it, in words; None if nobody does.

    Looks at a lease of another machine for a while.
    """
    lease = read_lease(job)
    if is_locked(job):
        return None if lease is not None and lease.is_ending else str(lease or "another process")
    return str(lease) if lease is not None and is_beating_elsewhere(job, lease) else None


def is_locked(job: JobDir) -> bool:
    """Whether a living process holds the job's lock, as far as locks reach. Raises OSError if that cannot be tried."""
    if not job.lock.exists():
        return False
    lock = file_lock(job.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def is_beating_elsewhere(job: JobDir, lease: Lease) -> bool:
    """Whether a lease of another machine is renewed while one looks."""
    if lease.machine == machine():
        return False
    began = time.monotonic()
    while time.monotonic() - began < LOOK_SECONDS:
        time.sleep(0.1)
        now = read_lease(job)
        if now is None:
            return False
        if (now.token, now.beat) != (lease.token, lease.beat):
            return True
    return False


class Heart:
    """Writes a lease every BEAT_SECONDS from a thread, while the `with` block lasts."""

    def __init__(self, job: JobDir):
        self.job, self.lease = job, Lease.here()
        self.is_lost = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._write(0)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        if not self.is_lost:
            self.job.lease.unlink(missing_ok=True)

    def require(self) -> None:
        """Raises LeaseLost if the lease is another's by now."""
        if self.is_lost:
            raise LeaseLost(f"{self.job.root} was taken over by {read_lease(self.job) or 'another process'}")

    def _loop(self) -> None:
        beat = 0
        while not self._closing.wait(BEAT_SECONDS):
            found = read_lease(self.job)
            if found is not None and found.token != self.lease.token:
                self.is_lost = True
                return
            beat += 1
            self._write(beat)

    def _write(self, beat: int) -> None:
        """In place, so that the folder's own time stays: a reader may find half of it, and looks again."""
        try:
            self.job.lease.write_text(json.dumps(asdict(self.lease) | {"beat": beat}) + "\n")
        except OSError:  # a full disk, say: the job itself will find out; the lock still holds on this machine
            return

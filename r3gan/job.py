"""One job from the outside: its configuration, its lock, the signals that stop it, and its exit code."""

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

from filelock import FileLock, Timeout

from r3gan.availability import availability_problems
from r3gan.computation import Computation
from r3gan.config import TrainConfig
from r3gan.config_checks import find_problems, group_problem
from r3gan.config_json import from_dict
from r3gan.data.catalog import data_root
from r3gan.distributed import World, join_world, leave_world
from r3gan.files import file_lock, write_json
from r3gan.jobdir import JobDir
from r3gan.lease import Heart, is_beating_elsewhere, launcher_here, read_lease
from r3gan.processes import is_alive
from r3gan.training.loop import train
from r3gan.training.recorder import JsonlRecorder
from r3gan.training.steps import NonFiniteLoss

LOCK_SECONDS = 60  # how long a job waits for one whose launcher died, and which ends with a checkpoint


def train_job(job: JobDir, computation: Computation, should_stop: Callable[[], bool] | None = None) -> int:
    """Train in a job directory until the end, or until asked to stop (default: by signals). Returns the exit code.

    Raises what `train` raises, LeaseLost, and OSError where nothing can be written.
    """
    config, problems = read_config(job)
    ranks = int(os.environ.get("WORLD_SIZE", 1))
    if config is not None and config.batch_size % ranks:
        problems.append(f"batch_size {config.batch_size} cannot be shared among {ranks} ranks evenly")
    elif config is not None and ranks > 1 and (message := group_problem(config, ranks)):
        problems.append(f"network.minibatch_group: {message}")
    if config is None or problems:
        for problem in problems:
            print(f"error: {job.config}: {problem}", file=sys.stderr)
        return 2
    should_stop = should_stop or watch_for_stop()
    lock = file_lock(job.lock)
    world = join_world()
    try:
        if not acquire(lock, world, job):
            print(f"error: {read_lease(job) or 'another process'} trains in {job.root}", file=sys.stderr)
            return 1
        with Heart(job) if world.is_main else nullcontext() as heart:
            if world.is_main:
                job.diverged.unlink(missing_ok=True)
            finished = train(
                config,
                job,
                data_root(),
                JsonlRecorder(job),
                world,
                should_stop=partial(stops, should_stop, heart),
                computation=computation,
            )
            if finished and world.is_main:
                write_json(job.result, job.points()[-1])
    except NonFiniteLoss as error:
        job.diverged.write_text(f"{error}\n")  # by whichever rank saw it
        raise
    finally:
        lock.release()
        leave_world()
    print("finished" if finished else "stopped, with a checkpoint to go on from", flush=True)
    return 0


def read_config(job: JobDir) -> tuple[TrainConfig | None, list[str]]:
    """The job's configuration, None if it cannot be read, and all that is wrong with it."""
    try:
        config: TrainConfig = from_dict(TrainConfig, json.loads(job.config.read_text()))
    except (OSError, ValueError, TypeError) as error:
        return None, [f"is not what was written ({error}): running the study again writes it"]
    problems = find_problems(config) + availability_problems(config)
    return config, [f"{'.'.join(map(str, problem.path))}: {problem.message}" for problem in problems]


def stops(should_stop: Callable[[], bool], heart: Heart | None) -> bool:
    """Whether to stop. Raises LeaseLost where to go on would disturb another process."""
    if heart is not None:
        heart.require()
    return should_stop()


def acquire(lock: FileLock, world: World, job: JobDir) -> bool:
    """Let the first rank take the job's lock. Returns, on every rank at once, whether it has it.

    No rank looks at the checkpoints before: a predecessor that is about to end may still write one. Where locks do not
    reach from one machine to another, the lease of a job that runs there decides.
    """
    held = True
    if world.is_main:
        try:
            lock.acquire(timeout=LOCK_SECONDS)
        except Timeout:
            held = False
        lease = read_lease(job)
        if held and lease is not None and is_beating_elsewhere(job, lease):
            held = False
    return not world.any(not held)


def watch_for_stop() -> Callable[[], bool]:
    """A function that says whether to stop: after SIGTERM or SIGINT, or when the parent or the launcher is gone."""
    parent, launcher = os.getppid(), launcher_here()
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, frame: asked.append(received))

    def should_stop() -> bool:
        return bool(asked) or os.getppid() != parent or (launcher is not None and not is_alive(launcher))

    return should_stop

"""A run outside a study: prepare its directory and data, start its processes, and watch them to the end."""

import argparse
import signal
import subprocess
import sys
import time

import torch
from rich.console import Console

from r3gan.computation import computation_of
from r3gan.config import TrainConfig
from r3gan.data.errors import BadData
from r3gan.evaluation.protocol import need_of
from r3gan.job_log import log_tail, log_warnings
from r3gan.jobdir import JobDir
from r3gan.lease import holder
from r3gan.one_machine import on_cores, on_gpus, start_ranks
from r3gan.preset_choice import PresetChoice
from r3gan.single.configuration import configuration, parse_preset, require_fit, with_dataset
from r3gan.single.directory import require_free, write_job
from r3gan.single.display import TrainingDisplay
from r3gan.single.images import dataset_of, facts_of, images_at, prepare_images, require_same_images
from r3gan.single.tracking import Follower, require_tracking

LOOK_SECONDS = 0.3


def run_alone(options: argparse.Namespace) -> int:
    """Train, or go on with it. Returns the exit code: 0 to the end, 1 after a failure, 2 for bad input, 128 + n after
    signal n.

    Raises BadSettings, DatasetUnavailable, BadData and OSError.
    """
    job, console = JobDir(options.out), Console(highlight=False)
    config, preset = prepare(options, job)
    if text := preset.derived_text():
        console.print(f"the preset is derived, {text}", markup=False, soft_wrap=True)
    if job.finished():
        console.print(f"{job.root} has finished: {config.total_img / 1000:g} kimg", markup=False, soft_wrap=True)
        return 0
    if other := holder(job):
        raise BadData(f"{other} trains in {job.root}: let it end, or name another --out")
    if code := make_ready(need_of(config)):
        return code  # it has said why
    write_job(job, config)
    console.print(f"training in {job.root}", markup=False, soft_wrap=True)
    code = watch(job, config, options, console)
    return conclude(job, code, console)


def prepare(options: argparse.Namespace, job: JobDir) -> tuple[TrainConfig, PresetChoice]:
    """The configuration, once everything about it is sound and its data is there."""
    preset = parse_preset(options.preset)
    config = configuration(options.data, preset, options.settings, options.seed)
    config = with_dataset(config, dataset_of(options.data, config.network.resolution))
    require_free(job, config)
    require_gpus(options.gpus)
    if options.track:
        require_tracking()
    source, resolution = images_at(options.data, config.dataset), config.network.resolution
    require_fit(config, preset, options.gpus, facts_of(source, preset, resolution) if source else None)
    if source:
        prepare_images(source, config.dataset, resolution)
    require_same_images(job, config.dataset)
    return config, preset


def make_ready(need: str) -> int:
    """Data, feature networks and references, in a process of its own, which leaves no memory taken. Its exit code."""
    return subprocess.run([sys.executable, "-m", "r3gan", "prepare", need]).returncode


def require_gpus(asked: int) -> None:
    """Raises BadData if there are GPUs, and too few. Without any, the cores are shared."""
    there = torch.cuda.device_count()
    if 0 < there < asked:
        raise BadData(f"--gpus {asked}: there are {there}")


def watch(job: JobDir, config: TrainConfig, options: argparse.Namespace, console: Console) -> int:
    """Start the ranks and show how far they are. Returns their exit code; after a signal, 128 + its number."""
    there, ranks = torch.cuda.device_count(), options.gpus
    environment = on_gpus(range(ranks), there) if there else on_cores(ranks)
    received = catch_signals()
    process = start_ranks(job, ranks, computation_of(options), environment)
    follower = Follower(job) if options.track else None
    stopping = False
    with TrainingDisplay(job, config, console) as display:
        while (code := process.poll()) is None:
            time.sleep(LOOK_SECONDS)
            display.look()
            if received and not stopping:
                stopping = True
                process.terminate()  # the job writes a checkpoint; torchrun hands it on
        display.look()
    if follower is not None:
        follower.end(code)
    return 128 + received[0] if received else code


def catch_signals() -> list[int]:
    """A list that receives SIGINT and SIGTERM; a second one ends this process, and with it the job, at once."""
    received: list[int] = []

    def note(number: int, _: object) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return received


def conclude(job: JobDir, code: int, console: Console) -> int:
    """Say how it ended and what was written. Returns the exit code."""
    for warning in log_warnings(job):
        print(warning, file=sys.stderr)
    if job.finished():
        console.print(f"finished: weights, samples and metrics lie in {job.root}", markup=False, soft_wrap=True)
        return 0
    if code > 128:
        print("stopped, with a checkpoint; run the same command again to go on", file=sys.stderr)
        return code
    reason = job.diverged.read_text().strip() if job.diverged.exists() else log_tail(job)
    print(f"error: training failed: {reason}\nwhole log: {job.log}", file=sys.stderr)
    return 1

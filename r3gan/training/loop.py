"""The training loop: one job, from its configuration to its result, read top to bottom."""

import copy
import json
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from r3gan.config import IMG_PER_KIMG, PenaltyConfig, TrainConfig
from r3gan.data.catalog import DatasetUnavailable
from r3gan.data.dataset import Dataset
from r3gan.data.load import load_dataset
from r3gan.distributed import World
from r3gan.evaluation.best import keep_if_best, load_best
from r3gan.evaluation.evaluator import Evaluator
from r3gan.evaluation.metrics import wanted
from r3gan.evaluation.sampling import save_grid
from r3gan.files import write_json
from r3gan.jobdir import JobDir
from r3gan.training.batches import Batches
from r3gan.training.estimate import default_micro_batch, gpu_memory_bytes, parts_of
from r3gan.training.losses import make_loss, phase_at
from r3gan.training.penalties import penalty_form
from r3gan.training.recorder import Recorder
from r3gan.training.schedules import ema_decay, schedule_value
from r3gan.training.state import TrainState, fresh_state, load_checkpoint, save_checkpoint
from r3gan.training.steps import discriminator_step, generator_step, update_ema


def train(
    config: TrainConfig,
    job: JobDir,
    data_root: Path,
    recorder: Recorder,
    world: World,
    should_stop: Callable[[], bool],
    micro_batch: int | None = None,
) -> bool:
    """Run a job from its last checkpoint, or from the start, to its end.

    micro_batch: how many pairs a rank computes at once (default: see `default_micro_batch`); the result is the same.
    Returns whether it reached the end, with its last metrics recorded; False after `should_stop`. A checkpoint is
    left either way.
    Raises NonFiniteLoss, DatasetUnavailable, and ValueError if the batch cannot be shared among the ranks.
    """
    if config.batch_size % world.size:
        raise ValueError(f"batch_size {config.batch_size} cannot be shared among {world.size} ranks")
    torch.backends.cudnn.benchmark = True
    data = load_dataset(config.dataset, data_root, world.device)
    batches = Batches(config, data, world)
    share = config.batch_size // world.size
    memory = gpu_memory_bytes(world.device)
    shape = config.network, data.classes, config.penalties, config.schedules.augments, share, memory
    micro_batch = parts_of(share, micro_batch or default_micro_batch(*shape))
    evaluator = Evaluator(config.evaluation, data, data_root, world.device)
    state = fresh_state(config, data.classes, world.device)
    require_same_data(job, data)
    if world.is_main:
        write_json(job.environment, environment(world, data, state, evaluator, config.penalties, micro_batch))
    checkpoint = job.last_checkpoint()
    if checkpoint is not None:
        load_checkpoint(state, checkpoint)
    save = partial(save_checkpoint, state, config, job)
    logged = state.seconds, batches.seconds

    while state.images < config.total_img:
        started = time.perf_counter()
        values = {name: schedule_value(s, state.images) for name, s in vars(config.schedules).items()}
        loss = make_loss(phase_at(config.loss, config.total_kimg, state.images))

        batch = batches.get("discriminator", state.images)
        d_terms = discriminator_step(state, batch, world, loss, config.penalties, values, micro_batch)
        batch = batches.get("generator", state.images)
        g_terms = generator_step(state, batch, world, loss, values, micro_batch)
        update_ema(state, ema_decay(values["ema_half_life_img"], config.batch_size))

        add_to_sums(state, d_terms | g_terms)
        state.images += config.batch_size
        at_end = state.images >= config.total_img
        reached = partial(has_passed, state.images, config.batch_size)
        synchronise(world.device)
        state.seconds += time.perf_counter() - started

        metrics: dict[str, float] = {}
        if at_end or reached(config.log_every_kimg):
            metrics |= {**take_averages(state, world), **values, "memory_gib": peak_memory_gib(world.device)}
            metrics["images_per_second"] = state.images / state.seconds
            metrics["data_share"] = (batches.seconds - logged[1]) / (state.seconds - logged[0])
            logged = state.seconds, batches.seconds
        if at_end or reached(config.evaluation.every_kimg):
            metrics |= evaluate(state, evaluator, config, job, world, 2 * micro_batch, at_end)
            if world.is_main:
                job.samples.mkdir(exist_ok=True)
                save_grid(state.ema, data.label_histogram, config.seed, job.sample(state.images), 2 * micro_batch)
        if metrics and world.is_main:
            recorder.record(state.images, state.seconds, metrics)

        stop = world.any(should_stop())
        if at_end or stop or reached(config.checkpoint_every_kimg):
            state.sums = {name: world.average(value) for name, value in state.sums.items()}  # rank 0 saves for all
            if world.is_main:
                save()
        if stop and not at_end:
            break
    batches.close()
    return state.images >= config.total_img


def evaluate(
    state: TrainState, evaluator: Evaluator, config: TrainConfig, job: JobDir, world: World, at_once: int, at_end: bool
) -> dict[str, float]:
    """The metrics after this step; at the end also those that are measured once, and those of the best weights."""
    asked = config.evaluation
    generator = state.ema if asked.weights == "ema" else state.generator
    metrics = evaluator.evaluate(generator, wanted(asked) if at_end else asked.metrics, config.seed, world, at_once)
    if asked.keep_best is None:
        return metrics
    if world.is_main:
        keep_if_best(job, config, generator, state.images, metrics)
    world.any(False)  # now the file is there, if it will be
    if at_end and job.best.exists():
        best = copy.deepcopy(generator)
        images = load_best(job, best)
        anew = evaluator.evaluate(best, wanted(asked), config.seed, world, at_once, purpose="best")
        metrics |= {f"best_{key}": value for key, value in anew.items()} | {"best_kimg": images / IMG_PER_KIMG}
    return metrics


def require_same_data(job: JobDir, data: Dataset) -> None:
    """Raises DatasetUnavailable if the job began on a dataset of the same name with other content."""
    if not job.environment.exists():
        return
    before = json.loads(job.environment.read_text())["dataset"]["content_hash"]
    if before != data.content_hash:
        raise DatasetUnavailable(
            f"{job.root} began on {data.name} with content {before}, which is {data.content_hash} now: "
            "bring the old data back, or delete the directory to start again"
        )


def add_to_sums(state: TrainState, terms: dict[str, Tensor]) -> None:
    """Add one step's terms to the sums, on the device."""
    for name, value in terms.items():
        state.sums[name] = state.sums.get(name, 0) + value.double()
    state.steps += 1


def take_averages(state: TrainState, world: World) -> dict[str, float]:
    """The terms averaged over the steps since the last call, and over the ranks."""
    averages = {name: float(world.average(value / state.steps)) for name, value in state.sums.items()}
    state.sums, state.steps = {}, 0
    return averages


def has_passed(images: int, batch_size: int, every_kimg: float) -> bool:
    """Whether the last batch reached or crossed a multiple of `every_kimg`."""
    every = every_kimg * IMG_PER_KIMG
    return images // every > (images - batch_size) // every


def synchronise(device: torch.device) -> None:
    """Wait for the device, so that times are of finished work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_memory_gib(device: torch.device) -> float:
    """The most memory used so far: of the GPU, or resident on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    unit = 2**30 if sys.platform == "darwin" else 2**20  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def environment(
    world: World, data: Dataset, state: TrainState, evaluator: Evaluator, penalties: PenaltyConfig, micro_batch: int
) -> dict[str, Any]:
    """What the job runs on and with, for the record."""
    return {
        "device": torch.cuda.get_device_name(world.device) if world.device.type == "cuda" else "cpu",
        "ranks": world.size,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "penalty_gradients": penalty_form(state.discriminator, penalties),
        "micro_batch": micro_batch,
        "feature_networks": {name: network.identity for name, network in evaluator.networks.items()},
        "dataset": {"name": data.name, "source": data.source, "content_hash": data.content_hash},
    }

"""The training loop: one job, from its configuration to its result, read top to bottom."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import torch

from r3gan.beginning import read_sharing
from r3gan.computation import Computation
from r3gan.config import TrainConfig
from r3gan.data.dataset import Dataset
from r3gan.data.load import load_dataset
from r3gan.distributed import World
from r3gan.evaluation.evaluator import EvaluationStopped, Evaluator
from r3gan.generation.images import save_grid
from r3gan.identity import canonical
from r3gan.intervals import has_passed
from r3gan.jobdir import JobDir
from r3gan.provenance import code_here
from r3gan.training.averages import add_to_sums, average_over_ranks, take_averages
from r3gan.training.batches import Batches
from r3gan.training.beginning import begin
from r3gan.training.checkpoint import save_checkpoint
from r3gan.training.cost import Workload
from r3gan.training.environment import (
    Environment,
    ProcessorUse,
    dataset_record,
    device_name,
    peak_memory_gib,
    precision_text,
    read_environment,
    require_same_data,
    stretches,
)
from r3gan.training.estimate import default_micro_batch, gpu_memory_bytes, parts_of
from r3gan.training.loss_scale import recorded_scales
from r3gan.training.losses import make_loss, phase_at, phase_number
from r3gan.training.measure import evaluate
from r3gan.training.numerics import use_tf32
from r3gan.training.options import StepOptions
from r3gan.training.penalties import form_in_use
from r3gan.training.penalty_check import check_penalty
from r3gan.training.pictures import save_pictures
from r3gan.training.post_hoc import fresh_averages, store_averages, update_averages
from r3gan.training.recorder import Recorder
from r3gan.training.resume import begin_in_another, resume
from r3gan.training.schedules import ema_decay, schedule_value
from r3gan.training.state import fresh_state
from r3gan.training.steps import discriminator_step, generator_step, schedule_adam, update_ema

NOISE = "instance_noise"  # the schedule that is recorded only where there is some


def train(
    config: TrainConfig,
    job: JobDir,
    data_root: Path,
    recorder: Recorder,
    world: World,
    *,
    should_stop: Callable[[], bool],
    computation: Computation = Computation(),  # noqa: B008
) -> bool:
    """Run a job from its last checkpoint, or from the start, to its end. The batch can be shared among the ranks.

    Returns whether it reached the end, with its last metrics recorded; False after `should_stop`, also in the middle of
    an evaluation, which the next run then begins with. A checkpoint is left either way.
    Raises NonFiniteLoss, DatasetUnavailable, NotFirstOrder, PenaltyMismatch, RanksDisagree, DamagedCheckpoint,
    DamagedTensors and OSError.
    """
    torch.backends.cudnn.benchmark = True
    data = load_dataset(config.dataset, data_root, world.device)
    batches = Batches(config, data, world)
    micro_batch = micro_batch_of(config, data, world, computation)
    evaluator = Evaluator(config.evaluation, data, data_root, world.device)
    state = fresh_state(config, data.classes, world.device)
    state.post_hoc = fresh_averages(state.generator, config)
    check = check_penalty(state.discriminator, config, computation.penalty_form)
    use_tf32(computation.tf32)
    begin_in_another(config, job, data.content_hash, world)
    resume(state, config, job, world)
    before = read_environment(job.environment)
    begun_with = begin(state, config, before)
    require_same_data(before, job, data)
    if world.is_main:
        Environment(
            device=device_name(world.device),
            ranks=world.size,
            threads=torch.get_num_threads(),
            penalty_form=computation.penalty_form,
            penalty_gradients=form_in_use(state.discriminator, config.penalties, computation.penalty_form),
            penalty_check=check,
            tf32=computation.tf32,
            precision=precision_text(config.network, world.device),
            micro_batch=micro_batch,
            feature_networks={name: network.identity for name, network in evaluator.networks.items()},
            dataset=dataset_record(data),
            trained_by=stretches(before, state.images, code_here()),
            begun_with=begun_with,
        ).write(job)
    shared = read_sharing(job).keep
    save = partial(save_checkpoint, state, config, job, computation.keep_checkpoints, shared)
    logged = state.seconds, batches.seconds
    use = ProcessorUse()

    def stops() -> bool:
        return world.any(should_stop())

    while state.images < config.total_img or not state.measured:
        if state.measured:  # else the job was stopped in the middle of the evaluation that follows
            started = time.perf_counter()
            values = values_at(config, state.images)
            schedule_adam(state, values["lr"], values["beta2"], config.optimiser, config.penalties)
            step = step_options(config, computation, micro_batch, state.images)

            d_terms = discriminator_step(state, batches.get("discriminator", state.images), world, step)
            g_terms = generator_step(state, batches.get("generator", state.images), world, step)
            update_ema(state, ema_decay(values["ema_half_life_img"], config.batch_size))

            add_to_sums(state, d_terms | g_terms)
            state.images += config.batch_size
            update_averages(state, config.batch_size)
            state.measured = False
            synchronise(world.device)
            state.seconds += time.perf_counter() - started
            if world.is_main:
                store_averages(state, config, job)
        at_end = state.images >= config.total_img
        reached = partial(has_passed, state.images, config.batch_size)
        memory = peak_memory_gib(world.device)

        metrics: dict[str, float] = {}
        with suppress(EvaluationStopped):
            if at_end or reached(config.evaluation.every_kimg):
                at_once = 2 * micro_batch
                metrics = evaluate(state, evaluator, config, job, world, at_once=at_once, at_end=at_end, stops=stops)
                if world.is_main:
                    job.samples.mkdir(exist_ok=True)
                    save_grid(state.ema, job.sample(state.images), at_once, data)
                if world.is_main and at_end:
                    save_pictures(state.ema, data, job, at_once)
            state.measured = True
        if state.measured and (at_end or reached(config.log_every_kimg)):
            rates = {"memory_gib": memory, "images_per_second": state.images / state.seconds, "cpu_cores": use.cores()}
            if state.seconds > logged[0]:
                rates["data_share"] = (batches.seconds - logged[1]) / (state.seconds - logged[0])
            values = values_at(config, state.images - config.batch_size)
            rates |= recorded_scales(state.loss_scales)
            metrics = {**take_averages(state, world), **values, **rates, **metrics}
            logged = state.seconds, batches.seconds
        if metrics and world.is_main:
            recorder.record(state.images, state.seconds, metrics)

        stop = not state.measured or stops()
        if at_end or stop or state.images in shared or reached(config.checkpoint_every_kimg):
            average_over_ranks(state, world)
            if world.is_main:
                save()
        if stop:
            break
    batches.close()
    return state.measured and state.images >= config.total_img


def micro_batch_of(config: TrainConfig, data: Dataset, world: World, computation: Computation) -> int:
    """How many pairs this rank computes at once."""
    work = Workload.of(config, data.classes, world.size, computation.penalty_form)
    asked = computation.micro_batch or default_micro_batch(work, gpu_memory_bytes(world.device))
    return parts_of(work.pairs, asked, config.network.together)


def values_at(config: TrainConfig, images: int) -> dict[str, float]:
    """Every schedule's value after so many images, and which phase of the loss is in force.

    Phases that differ from the one before them alone are counted, so that equal states have equal values.
    """
    used = dict(vars(config.schedules))
    if not config.schedules.has_instance_noise:
        del used[NOISE]
    values = {name: schedule_value(schedule, images) for name, schedule in used.items()}
    return values | {"loss_phase": float(phase_number(canonical(config).loss, config.total_kimg, images))}


def step_options(config: TrainConfig, computation: Computation, micro_batch: int, images: int) -> StepOptions:
    """What the steps after so many images need."""
    values = values_at(config, images)
    return StepOptions(
        loss=make_loss(phase_at(config.loss, config.total_kimg, images)),
        gamma=values["gamma"],
        penalties=config.penalties,
        augment_p=values["augment_p"],
        augmentation=config.augmentation,
        instance_noise=values.get(NOISE, 0.0),
        micro_batch=micro_batch,
        penalty_form=computation.penalty_form,
        step=images // config.batch_size,
    )


def synchronise(device: torch.device) -> None:
    """Wait for the device, so that times are of finished work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)

"""How training scales over ranks: measured on this machine's cores, and on paper for 8, 64 and 512 GPUs.

`python -m benchmarks.scaling [--case quick 32x32/96/32] [--iterations 20] [--json FILE]`

Measured: the same global batch on 1 and 2 ranks with one thread each, in turn, images per second and the share of the
time that a rank spends in the all-reduce of the gradients, waiting for the other rank included.

On paper, a step on n GPUs takes

    compute / n + sum over G and D of 2 (n - 1) (bytes / n / bandwidth + latency),

a ring all-reduce of the float32 gradients after each backward pass, not hidden behind it. The compute time of one GPU
is --gpu-step-seconds where it was measured, else operations / --gpu-flops, which is an assumption.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.iteration import BETA2, EMA_DECAY, LR, make_config, random_digits, step_options
from benchmarks.machine import write_result
from benchmarks.tables import Table, show
from r3gan.config import AugmentationConfig, NetworkConfig, PenaltyConfig
from r3gan.data.catalog import DATASETS
from r3gan.distributed import join_world, leave_world
from r3gan.one_machine import own_environment, torchrun_command
from r3gan.presets import PRESETS
from r3gan.training.batches import Batches
from r3gan.training.cost import Workload
from r3gan.training.estimate import default_micro_batch, estimate, gpu_memory_bytes
from r3gan.training.state import fresh_state
from r3gan.training.steps import discriminator_step, generator_step, schedule_adam, update_ema

GPUS = (1, 8, 64, 512)
PAPER_PRESETS = ("cifar10", "ffhq64", "imagenet32", "imagenet64")
ROUNDS = 3


def main() -> None:
    """Measure, compute, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs="+", default=["quick", "32x32/96/32"])
    parser.add_argument("--iterations", type=int, default=20, help="per round; there are three rounds")
    parser.add_argument("--gpu-flops", type=float, default=4e14, help="operations per second that a GPU achieves")
    parser.add_argument("--gpu-step-seconds", type=float, help="of one GPU with the whole batch, if measured")
    parser.add_argument("--node-bandwidth", type=float, default=300e9, help="bytes/s of a GPU's link within 8 GPUs")
    parser.add_argument("--network-bandwidth", type=float, default=40e9, help="bytes/s of a GPU's link between nodes")
    parser.add_argument("--latency", type=float, default=5e-6, help="seconds per message of the ring")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.case[0], options.iterations, options.worker)
        return
    measured = [measure(case, options.iterations) for case in options.case]
    expected = [
        expect(name, gpus, options) for name in PAPER_PRESETS for gpus in GPUS if PRESETS[name].batch % gpus == 0
    ]
    settings = {key: value for key, value in vars(options).items() if key not in ("json", "worker")}
    result = {"settings": settings, "measured": measured, "on_paper": expected}
    show(tables(result))
    write_result(options.json, result)


def tables(result: dict[str, Any]) -> list[Table]:
    """For the terminal."""
    return [measured_table(result["measured"]), expected_table(result["on_paper"])]


def measure(case: str, iterations: int) -> dict[str, Any]:
    """Medians over rounds, 1 and 2 ranks in turn."""
    rounds: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    for _ in range(ROUNDS):
        for ranks, results in rounds.items():
            with tempfile.TemporaryDirectory() as folder:
                result = Path(folder) / "result.json"
                command = [*torchrun_command(ranks), "benchmarks.scaling", "--case", case]
                command += ["--iterations", str(iterations), "--worker", str(result)]
                environment = own_environment(os.environ) | {"OMP_NUM_THREADS": "1"}
                subprocess.run(command, check=True, env=environment)
                results.append(json.loads(result.read_text()))
    medians = {
        str(ranks): {key: statistics.median(result[key] for result in results) for key in results[0]}
        for ranks, results in rounds.items()
    }
    return {
        "case": case,
        "ranks": medians,
        "speedup": medians["2"]["images_per_second"] / medians["1"]["images_per_second"],
    }


def work(case: str, iterations: int, result: Path) -> None:
    """One rank."""
    world = join_world()
    config = make_config(case, ())
    data = random_digits(config.network.resolution, world.device)
    state, batches = fresh_state(config, data.classes, world.device), Batches(config, data, world)
    work = Workload.of(config, data.classes, world.size)
    options = step_options(config, default_micro_batch(work, gpu_memory_bytes(world.device)))
    schedule_adam(state, LR, BETA2)
    communication, average = [0.0], type(world).average_gradients

    def timed(self: Any, parameters: Any) -> None:
        started = time.perf_counter()
        average(self, parameters)
        communication[0] += time.perf_counter() - started

    type(world).average_gradients = timed  # type: ignore[method-assign]
    for i in range(iterations + 3):
        if i == 3:
            communication[0], started = 0.0, time.perf_counter()
        batch = batches.get("discriminator", state.images)
        discriminator_step(state, batch, world, options)
        generator_step(state, batches.get("generator", state.images), world, options)
        update_ema(state, EMA_DECAY)
        state.images += config.batch_size
    seconds = time.perf_counter() - started
    if world.is_main:
        rate, share_of_time = iterations * config.batch_size / seconds, communication[0] / seconds
        result.write_text(json.dumps({"images_per_second": rate, "communication_share": share_of_time}))
    leave_world()


def expect(name: str, gpus: int, options: argparse.Namespace) -> dict[str, Any]:
    """A preset on `gpus` GPUs, on paper."""
    row = PRESETS[name]
    network = NetworkConfig(
        widths=row.widths, groups=row.groups, blocks=row.blocks, latent_dim=row.latent, conditional=row.cond
    )
    work = Workload(
        network=network,
        classes=DATASETS[name].facts.classes,
        penalties=PenaltyConfig(),
        augmentation=AugmentationConfig() if row.augment[1] > 0 else None,
        pairs=row.batch,
    )
    cost = estimate(work, 1, True)
    compute = options.gpu_step_seconds or cost.flops_per_image * row.batch / options.gpu_flops
    bandwidth = options.node_bandwidth if gpus <= 8 else options.network_bandwidth
    communication = sum(
        ring_seconds(4 * weights, gpus, bandwidth, options.latency)
        for weights in (cost.generator_parameters, cost.discriminator_parameters)
    )
    step = compute / gpus + communication
    return {
        "preset": name,
        "gpus": gpus,
        "images_per_gpu": row.batch / gpus,
        "step_seconds": step,
        "images_per_second": row.batch / step,
        "communication_share": communication / step,
        "efficiency": compute / gpus / step,
        "hours": row.decay * 1000 / row.batch * step / 3600,
    }


def ring_seconds(size: float, ranks: int, bandwidth: float, latency: float) -> float:
    """A ring all-reduce of `size` bytes: each rank sends and receives 2 (n - 1) parts of size / n."""
    return 2 * (ranks - 1) * (size / ranks / bandwidth + latency)


def measured_table(results: list[dict[str, Any]]) -> Table:
    """For the terminal."""
    rows = []
    for row in results:
        one, two = row["ranks"]["1"], row["ranks"]["2"]
        rates = (f"{ranks['images_per_second']:.1f}" for ranks in (one, two))
        rows.append([row["case"], *rates, f"{row['speedup']:.2f}", f"{two['communication_share']:.1%}"])
    columns = ("case", "images/s, 1 rank", "images/s, 2 ranks", "×", "all-reduce and waiting")
    return Table(title="measured: 1 and 2 ranks, one thread each", columns=columns, rows=rows)


def expected_table(results: list[dict[str, Any]]) -> Table:
    """For the terminal."""
    rows = [
        [
            row["preset"],
            str(row["gpus"]),
            f"{row['images_per_gpu']:g}",
            f"{row['step_seconds'] * 1000:.0f} ms",
            f"{row['images_per_second']:,.0f}",
            f"{row['communication_share']:.1%}",
            f"{row['efficiency']:.0%}",
            f"{row['hours']:.1f} h",
        ]
        for row in results
    ]
    columns = ("preset", "GPUs", "images per GPU", "step", "images/s", "all-reduce", "efficiency", "whole training")
    return Table(title="on paper, the preset's own global batch", columns=columns, rows=rows)


if __name__ == "__main__":
    main()

"""Whether the dry run's estimate of memory is true: estimated against measured, whole batches and parts of them.

`python -m benchmarks.memory [--case 32x32/96/32 ...] [--micro-batch 32 8 2] [--json FILE]`

Each measurement is a process of its own that trains two iterations: on a CPU, how much the peak of its resident memory
lies above what it held before the networks were built; on a GPU, the library's own peak.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.iteration import BETA2, EMA_DECAY, LR, make_config, random_digits, step_options
from benchmarks.machine import write_result
from benchmarks.tables import Table, show
from r3gan.distributed import World
from r3gan.training.batches import Batches
from r3gan.training.cost import Workload
from r3gan.training.estimate import estimate
from r3gan.training.state import fresh_state
from r3gan.training.steps import discriminator_step, generator_step, schedule_adam, update_ema


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs="+", default=["32x32/96/32", "32x32/192/32"])
    parser.add_argument("--micro-batch", type=int, nargs="+", default=[32, 8, 2])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(measure(options.case[0], options.micro_batch[0]))
        return
    results = []
    for case in options.case:
        for size in options.micro_batch:
            command = [
                sys.executable,
                "-m",
                "benchmarks.memory",
                "--worker",
                "--case",
                case,
                "--micro-batch",
                str(size),
            ]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            config = make_config(case, ())
            on_gpu = torch.cuda.is_available()
            cost = estimate(Workload.of(config, classes=0), size, on_gpu)
            measured = json.loads(done.stdout)
            row = {"case": case, "micro_batch": size, "estimated": cost.memory_bytes, "measured": measured}
            results.append(row | {"ratio": measured / cost.memory_bytes})
    result = {"rows": results}
    show(tables(result))
    write_result(options.json, result)


def tables(result: dict[str, Any]) -> list[Table]:
    """For the terminal."""
    rows = []
    for row in result["rows"]:
        sizes = (f"{row[key] / 2**20:.0f}" for key in ("estimated", "measured"))
        rows.append([row["case"], str(row["micro_batch"]), *sizes, f"{row['ratio']:.2f}"])
    columns = ("case", "pairs at once", "estimated", "measured", "measured / estimated")
    return [Table(title="peak memory of training, MiB", columns=columns, rows=rows)]


def measure(case: str, micro_batch: int) -> int:
    """Peak bytes of two iterations."""
    device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    config = make_config(case, ())
    data, world = random_digits(config.network.resolution, device), World(0, 1, device)
    small = make_config("quick", ())
    train(small, random_digits(8, device), world, small.batch_size)  # so that the library itself is loaded
    before = status("VmRSS")
    train(config, data, world, micro_batch)
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) - data.train.images.nbytes
    return status("VmHWM") - before


def train(config: Any, data: Any, world: World, micro_batch: int) -> None:
    """Two iterations."""
    state, batches = fresh_state(config, data.classes, world.device), Batches(config, data, world)
    schedule_adam(state, LR, BETA2)
    options = step_options(config, micro_batch)
    for _ in range(2):
        batch = batches.get("discriminator", state.images)
        discriminator_step(state, batch, world, options)
        generator_step(state, batches.get("generator", state.images), world, options)
        update_ema(state, EMA_DECAY)
        state.images += config.batch_size


def status(key: str) -> int:
    """A field of /proc/self/status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))


if __name__ == "__main__":
    main()

"""What the training loop costs beside its steps: where the time of a job goes.

`python -m benchmarks.overhead [--profile quick] [--iterations 300] [--json FILE]`

Runs `r3gan.training.loop.train` itself on the first baseline job of ablations.yaml's profile, logging as often as that
profile does, with one evaluation at the end, and times the parts of its loop.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

import r3gan.training.loop
from benchmarks.machine import write_result
from benchmarks.tables import Table, show
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.data.catalog import data_root
from r3gan.distributed import World
from r3gan.jobdir import JobDir
from r3gan.training.batches import Batches
from r3gan.training.recorder import JsonlRecorder

PARTS = {
    "steps": ("discriminator_step", "generator_step", "update_ema"),
    "evaluation": ("evaluate", "save_grid"),
    "checkpoints": ("save_checkpoint",),
    "preparation": ("load_dataset", "Evaluator", "fresh_state", "micro_batch_of"),
    "check of the penalty": ("check_penalty",),
}
OF_TRAINING = ("steps", "data", "logging and the rest")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, default=Path("ablations.yaml"))
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--iterations", type=int, default=300)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    config = make_plan(read_study(options.study), options.profile, {}, {}).jobs[0].config
    config = replace(config, total_kimg=options.iterations * config.batch_size / 1000)
    device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    seconds = dict.fromkeys((*PARTS, "data"), 0.0)

    def timed(part: str, function: Callable) -> Callable:
        def call(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                seconds[part] += time.perf_counter() - started

        return call

    wrapped = {name: timed(part, getattr(r3gan.training.loop, name)) for part, names in PARTS.items() for name in names}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(patch.object(Batches, "get", timed("data", Batches.get)))
        for name, function in wrapped.items():
            stack.enter_context(patch.object(r3gan.training.loop, name, function))
        job = JobDir(Path(folder))
        started = time.perf_counter()
        world = World(0, 1, device)
        r3gan.training.loop.train(config, job, data_root(), JsonlRecorder(job), world, should_stop=lambda: False)
        whole = time.perf_counter() - started
        points = len(job.points())
    training = whole - sum(seconds[part] for part in PARTS if part != "steps")
    seconds["logging and the rest"] = training - seconds["steps"] - seconds["data"]
    result = {"iterations": options.iterations, "points": points, "seconds": seconds}
    show(tables(result))
    write_result(options.json, result)


def tables(result: dict[str, Any]) -> list[Table]:
    """For the terminal."""
    training = sum(result["seconds"][part] for part in OF_TRAINING)
    rows = [
        [part, f"{value:.3f}", f"{value / training:.2%}" if part in OF_TRAINING else "-"]
        for part, value in result["seconds"].items()
    ]
    title = f"{result['iterations']} iterations, {result['points']} recorded points"
    return [Table(title=title, columns=("part", "seconds", "share of training"), rows=rows)]


if __name__ == "__main__":
    main()

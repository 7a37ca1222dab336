"""What finite differences of D say of R1 and R2, beside the exact penalties, along a training of the quick profile.

`python -m benchmarks.finite_differences [--kimg 24] [--directions 64] [--json FILE]`

The training has the exact penalties. On the way, for one batch of 32 pairs and every sigma, the estimate
((D(x + sigma e) - D(x)) / sigma)^2 is drawn with many directions e, in float32 as a job would compute it. All are
shares of the exact value, or of the length of the exact gradient with respect to D's weights:

- bias: of (R1 + R2) averaged over all directions; noise: the spread of one batch's value over its directions;
- gradient bias: the length of the mean gradient's error, from the product of two halves' errors, in which noise cancels
  (0 where it is lost in the noise); gradient noise: the root mean square error of one batch's gradient.

The cosine is that between one batch's gradient and the exact one.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import torch
from torch import Tensor

from benchmarks.machine import write_result
from benchmarks.tables import Table, show
from r3gan.arguments import positive
from r3gan.computation import Computation
from r3gan.config import IMG_PER_KIMG, PenaltyConfig, TrainConfig
from r3gan.config_json import from_dict
from r3gan.data.catalog import data_root
from r3gan.data.load import load_dataset
from r3gan.distributed import World
from r3gan.presets import preset_tree
from r3gan.streams import stream
from r3gan.training.batches import Batch, Batches
from r3gan.training.lazy import NO_LOSS
from r3gan.training.loop import step_options, values_at
from r3gan.training.options import StepOptions
from r3gan.training.state import TrainState, fresh_state
from r3gan.training.steps import accumulate_discriminator, discriminator_step, generator_step, schedule_adam

SIGMAS = (1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
PARTS = 2  # of the training: it is measured after its first step and after each half


def main() -> None:
    """Train, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kimg", type=positive, default=24)
    parser.add_argument("--directions", type=positive, default=64)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    tree = preset_tree("digits-8x8") | {"dataset": "stacked-digits", "seed": 0, "total_kimg": options.kimg}
    config = from_dict(TrainConfig, tree)
    result = {"kimg": options.kimg, "directions": options.directions, "rows": measure(config, options.directions)}
    show(tables(result))
    write_result(options.json, result)


def measure(config: TrainConfig, directions: int) -> list[dict[str, float]]:
    """A row for each sigma at each point of the training."""
    world = World(0, 1, torch.device("cpu"))
    data = load_dataset(config.dataset, data_root(), world.device)
    batches, state = Batches(config, data, world), fresh_state(config, data.classes, world.device)
    steps = config.total_img // config.batch_size
    points = {config.batch_size * number for number in (1, *(steps * part // PARTS for part in range(1, PARTS + 1)))}
    rows = []
    while state.images < config.total_img:
        train_step(state, batches, config, world)
        if state.images in points:
            batch = batches.get("discriminator", state.images)
            rows += [compare(state, batch, sigma, directions) for sigma in SIGMAS]
    return rows


def train_step(state: TrainState, batches: Batches, config: TrainConfig, world: World) -> None:
    """One step of D and one of G, with the exact penalties."""
    values, step = values_at(config, state.images), step_options(config, Computation(), config.batch_size, state.images)
    schedule_adam(state, values["lr"], values["beta2"])
    discriminator_step(state, batches.get("discriminator", state.images), world, step)
    generator_step(state, batches.get("generator", state.images), world, step)
    state.images += config.batch_size


def compare(state: TrainState, batch: Batch, sigma: float, directions: int) -> dict[str, float]:
    """The estimate beside the exact penalties, for D as it is."""
    exact_value, exact = penalty(state, batch, StepOptions(loss=NO_LOSS, gamma=1.0, penalties=PenaltyConfig()))
    asked = StepOptions(loss=NO_LOSS, gamma=1.0, penalties=PenaltyConfig(finite_difference_sigma=sigma))
    values, gradients = [], []
    for number in range(directions):
        drawn = torch.randn((len(batch), 2, *batch.real.shape[1:]), generator=stream(0, "benchmark", number))
        value, gradient = penalty(state, replace(batch, directions=drawn), asked)
        values.append(value)
        gradients.append(gradient)
    errors = torch.stack(gradients) - exact
    halves = [half.mean(0) for half in errors.split(-(-directions // 2))]
    length = exact.norm()
    return {
        "kimg": state.images / IMG_PER_KIMG,
        "sigma": sigma,
        "exact": exact_value,
        "bias": fmean(values) / exact_value - 1,
        "noise": pstdev(values) / exact_value,
        "gradient_bias": float((halves[0] @ halves[1]).clamp(min=0).sqrt() / length),
        "gradient_noise": float(errors.square().sum(1).mean().sqrt() / length),
        "cosine": fmean(float(g @ exact / (g.norm() * length)) for g in gradients),
    }


def penalty(state: TrainState, batch: Batch, options: StepOptions) -> tuple[float, Tensor]:
    """(R1 + R2) of a batch and the gradient of half of it with respect to all of D's weights."""
    terms = accumulate_discriminator(state.generator, state.discriminator, batch, options)
    gradients = [p.grad.flatten() for p in state.discriminator.parameters() if p.grad is not None]
    return float(terms["r1"] + terms["r2"]), torch.cat(gradients).double()


def tables(result: dict[str, Any]) -> list[Table]:
    """For the terminal."""
    columns = ("kimg", "sigma", "R1 + R2", "bias", "noise", "gradient bias", "gradient noise", "cosine")
    rows = [cells(row) for row in result["rows"]]
    return [Table(title=f"Over {result['directions']} directions", columns=columns, rows=rows)]


def cells(row: dict[str, float]) -> list[str]:
    """A row as it is shown."""
    shares = [f"{row[key]:.0%}" for key in ("noise", "gradient_bias", "gradient_noise")]
    exact = [f"{row['kimg']:g}", f"{row['sigma']:g}", f"{row['exact']:.3g}", f"{row['bias']:+.1%}"]
    return [*exact, *shares, f"{row['cosine']:.2f}"]


if __name__ == "__main__":
    main()

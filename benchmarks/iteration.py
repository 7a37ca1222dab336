"""Speed and memory of a training step: the exact first-order form against double backward, side by side.

`python -m benchmarks.iteration [--case 32x32/192/32 ...] [--seconds 120] [--official DIR] [--json FILE]`

A case is resolution/width/batch, or `quick`, the network of the quick profile. Each round trains every form for one
whole iteration (data, D step, G step, Adam, moving average) in this process, one after the other; medians are compared.

official       the code of a checkout of github.com/brownvc/R3GAN, with --official; see benchmarks/official.py
plain          the way it is usually written, see benchmarks/plain.py
library        channels_last, native resampling, fused Adam; R1 and R2 by the library's double backward, all at once
double         the same with the second gradients of r3gan/model/convolution.py and resampling.py: our general path
first order    what `r3gan train` does: the first-order form, the batch in parts of the default size
one part       the same with the whole batch at once

Memory is the peak of all tensors that the D step brings to life, counted by r3gan.training.estimate.Meter.
"""

import argparse
import copy
import re
import statistics
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import commit_of, describe_machine, write_result
from benchmarks.official import OfficialCode, OfficialSteps, gradient_difference
from benchmarks.plain import PlainSteps, replace_layers
from benchmarks.steps import OurSteps, Steps
from benchmarks.tables import Table, show
from r3gan.arguments import positive
from r3gan.computation import PenaltyForm
from r3gan.config import (
    AttentionConfig,
    EvaluationConfig,
    LossPhase,
    NetworkConfig,
    Schedule,
    Schedules,
    TrainConfig,
)
from r3gan.data.digits import DigitImages, StackedDigits
from r3gan.distributed import World
from r3gan.presets import PRESETS
from r3gan.training.batches import Batches
from r3gan.training.cost import Workload
from r3gan.training.estimate import Meter, default_micro_batch, gpu_memory_bytes
from r3gan.training.losses import make_loss
from r3gan.training.options import StepOptions
from r3gan.training.state import TrainState, fresh_state

FORMS = ("plain", "library", "double", "first order", "one part")
OFFICIAL, OURS = "official", "first order"
CASES = ["quick", *(f"32x32/{width}/{batch}" for width in (96, 192, 384) for batch in (16, 32, 64))]
LR, BETA2, GAMMA = 1e-4, 0.9, 1.0
EMA_DECAY = 0.999
SAME_GRADIENT = 1e-3  # relative, of two forms in float32
CHANNELS_PER_GROUP = 16  # as released
LOSS = make_loss(LossPhase())


def step_options(config: TrainConfig, micro_batch: int, form: PenaltyForm = "auto") -> StepOptions:
    """What every measured step is asked for."""
    return StepOptions(loss=LOSS, gamma=GAMMA, penalties=config.penalties, micro_batch=micro_batch, penalty_form=form)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs="+", default=CASES, type=case_name)
    parser.add_argument(
        "--attention", type=int, nargs="*", default=[], help="resolutions with self-attention in D and G"
    )
    parser.add_argument("--seconds", type=positive, default=120, help="for each case; three rounds at least")
    parser.add_argument("--official", type=Path, metavar="DIR", help="a checkout of the official code")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.official and options.attention:
        parser.error("--official: the official networks have no attention")
    try:
        official = OfficialCode(options.official) if options.official else None
    except ImportError as error:
        parser.error(f"--official {options.official}: {error}")
    device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    results = []
    for case in options.case:
        results.append(measure(case, tuple(options.attention), official, device, options.seconds))
        result = {"cases": results} | ({"official": commit_of(options.official)} if options.official else {})
        show(tables(result))
        write_result(options.json, result)
    print(describe_machine())


def case_name(text: str) -> str:
    """`quick`, or resolution/width/batch. Raises ArgumentTypeError."""
    if text != "quick" and not re.fullmatch(r"(4|8|16|32|64|128)x\1/[1-9]\d*/[1-9]\d*", text):
        raise argparse.ArgumentTypeError(f"{text!r}: quick or resolution/width/batch was expected, such as 32x32/96/16")
    if text != "quick" and int(text.split("/")[1]) * 2 % CHANNELS_PER_GROUP:
        raise argparse.ArgumentTypeError(f"{text!r}: the width must be a multiple of {CHANNELS_PER_GROUP // 2}")
    return text


def measure(
    case: str, attention: tuple[int, ...], official: OfficialCode | None, device: torch.device, seconds: float
) -> dict[str, Any]:
    """Times and memory of every form in one case. Ends the benchmark if the official gradients are others than ours."""
    config = make_config(case, attention)
    forms = (OFFICIAL, *FORMS) if official else FORMS
    iterations = {form: Iteration(form, config, device, official) for form in forms}
    if official:
        compare_gradients(iterations[OFFICIAL], iterations[OURS])
    times: dict[str, list[tuple[float, float]]] = {form: [] for form in forms}
    for iteration in iterations.values():
        iteration.run()
    began = time.perf_counter()
    while len(times[OURS]) < 3 or time.perf_counter() - began < seconds:
        for form, iteration in iterations.items():
            times[form].append(iteration.run())
    d_step, whole = ({form: statistics.median(t[i] for t in times[form]) for form in forms} for i in (0, 1))
    memory = {form: iteration.discriminator_memory() for form, iteration in iterations.items()}
    return {
        "case": case,
        "attention": list(attention),
        "micro_batch": iterations[OURS].micro_batch,
        "rounds": len(times[OURS]),
        "d_step_seconds": d_step,
        "iteration_seconds": whole,
        "d_step_bytes": memory,
        "d_step_factor": factors(d_step),
        "iteration_factor": factors(whole),
        "d_step_memory_ratio": {form: memory[OURS] / memory[form] for form in forms},
    }


def compare_gradients(theirs: "Iteration", ours: "Iteration") -> None:
    """Raises SystemExit if one step of two forms, on the same weights and images, has other gradients."""
    batch = ours.batches.get("discriminator", 0)
    for letter, network in (("D", "discriminator"), ("G", "generator")):
        for iteration in (theirs, ours):
            getattr(iteration.steps, f"{network}_gradients")(batch)
        found = gradient_difference(getattr(theirs.steps, network), getattr(ours.steps, network), letter)
        if not found < SAME_GRADIENT:
            raise SystemExit(f"the official code computes other gradients of {letter}: {found:.1e} apart")


def factors(seconds: dict[str, float]) -> dict[str, float]:
    """How many times faster the first-order form is than each."""
    return {form: taken / seconds[OURS] for form, taken in seconds.items()}


class Iteration:
    """One form of training, with weights of its own."""

    def __init__(self, form: str, config: TrainConfig, device: torch.device, official: OfficialCode | None = None):
        self.config, self.world, self.images = config, World(0, 1, device), 0
        data = random_digits(config.network.resolution, device)
        self.batches = Batches(config, data, self.world)
        size = default_micro_batch(Workload.of(config, data.classes), gpu_memory_bytes(device))
        self.micro_batch = size if form == OURS else config.batch_size
        state: TrainState = fresh_state(config, data.classes, device)
        wake_branches(state)
        self.steps = self._steps(form, state, official)

    def _steps(self, form: str, state: TrainState, official: OfficialCode | None) -> Steps:
        if form == "plain":
            return PlainSteps(state, LOSS, GAMMA)
        if form == OFFICIAL and official:
            return OfficialSteps(official, state, self.config.network, GAMMA)
        if form == "library":
            for network in (state.generator, state.discriminator, state.ema):
                replace_layers(network, form)
        return OurSteps(state, step_options(self.config, self.micro_batch, "double" if form == "double" else "auto"))

    def run(self) -> tuple[float, float]:
        """One iteration: seconds of the D step, and of all."""
        started = self._now()
        batch = self.batches.get("discriminator", self.images)
        drawn = self._now()
        self.steps.discriminator_gradients(batch)
        self.steps.step_discriminator(LR, BETA2)
        d_done = self._now()
        self.steps.generator_gradients(self.batches.get("generator", self.images))
        self.steps.step_generator(LR, BETA2)
        self.steps.update_ema(EMA_DECAY)
        self.images += self.config.batch_size
        return d_done - drawn, self._now() - started

    def discriminator_memory(self) -> int:
        """Peak bytes of tensors in the gradients of the D step."""
        batch = self.batches.get("discriminator", 0)
        with Meter() as meter:
            self.steps.discriminator_gradients(batch)
        return meter.peak_bytes

    def _now(self) -> float:
        if self.world.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


def make_config(case: str, attention: tuple[int, ...]) -> TrainConfig:
    """The configuration of a case."""
    attending = AttentionConfig(resolutions=attention, heads=1)
    if case == "quick":
        row = PRESETS["digits-8x8"]
        batch = row.batch
        network = NetworkConfig(widths=row.widths, groups=row.groups, blocks=row.blocks, attention=attending)
    else:
        size, width, batch = (int(part) for part in case.replace("x", "/", 1).split("/")[1:])
        stages = (size // 4).bit_length()
        groups = 2 * width // CHANNELS_PER_GROUP
        network = NetworkConfig(
            widths=(width,) * stages, groups=(groups,) * stages, blocks=(2,) * stages, attention=attending
        )
    constant = Schedule(0.0, 0.0)
    schedules = Schedules(**dict.fromkeys((field.name for field in fields(Schedules)), constant))
    return TrainConfig(
        dataset="random",
        seed=0,
        total_kimg=1e6,
        batch_size=batch,
        network=network,
        schedules=schedules,
        evaluation=EvaluationConfig(every_kimg=1e6),
    )


def random_digits(resolution: int, device: torch.device) -> StackedDigits:
    """A dataset of noise, with the size of MNIST, the same each time."""
    torch.manual_seed(0)
    images = torch.randint(256, (60_000, resolution, resolution), dtype=torch.uint8)
    part = DigitImages(images.to(device), torch.zeros(len(images), dtype=torch.int64, device=device))
    return StackedDigits(name="random", source="noise", train=part, test=part)


@torch.no_grad()
def wake_branches(state: TrainState) -> None:
    """Residual branches start at zero, where half of the backward pass multiplies zeros: give them weights, the same
    in every form."""
    torch.manual_seed(0)
    for network in (state.generator, state.discriminator):
        for name, parameter in network.named_parameters():
            if name.endswith("project.weight"):
                torch.nn.init.normal_(parameter, std=0.1 / parameter.shape[1] ** 0.5)
    state.ema = copy.deepcopy(state.generator)


def tables(result: dict[str, Any]) -> list[Table]:
    """For the terminal."""
    columns = ["case", "form", "D step", "× ours", "iteration", "× ours", "D memory", "ours of it"]
    rows = []
    for row in result["cases"]:
        for form, factor in row["d_step_factor"].items():
            d_step, whole = (row[key][form] for key in ("d_step_seconds", "iteration_seconds"))
            cells = [row["case"], form, f"{d_step * 1e3:.0f} ms", f"{factor:.2f}"]
            cells += [f"{whole * 1e3:.0f} ms", f"{row['iteration_factor'][form]:.2f}"]
            memory, ratio = row["d_step_bytes"][form], row["d_step_memory_ratio"][form]
            rows.append([*cells, f"{memory / 2**20:.0f} MiB", f"{ratio:.2f}"])
    return [Table(title=f"medians; ours: {OURS}, in parts of the default size", columns=columns, rows=rows)]


if __name__ == "__main__":
    main()

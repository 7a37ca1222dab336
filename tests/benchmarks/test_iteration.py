"""What `benchmarks.iteration` times side by side is the same computation."""

import os
from pathlib import Path

import pytest
import torch

from benchmarks.iteration import FORMS, OFFICIAL, OURS, Iteration, compare_gradients, make_config
from benchmarks.official import OfficialCode

CHECKOUT = Path(os.environ.get("R3GAN_OFFICIAL_DIR", ""))
HAS_CHECKOUT = (CHECKOUT / "R3GAN" / "Trainer.py").is_file()


def iteration_of(form, official=None):
    return Iteration(form, make_config("8x8/16/4", ()), torch.device("cpu"), official)


def gradients(form):
    """Of D's and G's step on the same weights and images: each network's as one vector."""
    steps = (iteration := iteration_of(form)).steps
    batch = iteration.batches.get("discriminator", 0)
    found = {}
    for name in ("discriminator", "generator"):
        getattr(steps, f"{name}_gradients")(batch)
        found[name] = torch.cat([p.grad.flatten() for p in getattr(steps, name).parameters()])
    return found


@pytest.mark.parametrize("form", [form for form in FORMS if form != OURS])
def test_every_form_computes_the_gradients_of_the_first_order_one(form):
    ours, theirs = gradients(OURS), gradients(form)
    for name in ours:
        assert (ours[name] - theirs[name]).norm() < 1e-4 * ours[name].norm()


@pytest.mark.skipif(not HAS_CHECKOUT, reason="R3GAN_OFFICIAL_DIR names no checkout of the official code")
def test_the_official_code_computes_our_gradients_and_others_end_the_benchmark():
    theirs, ours = iteration_of(OFFICIAL, OfficialCode(CHECKOUT)), iteration_of(OURS)
    compare_gradients(theirs, ours)
    with torch.no_grad():
        next(theirs.steps.discriminator.parameters()).mul_(1.1)
    with pytest.raises(SystemExit, match="other gradients of D"):
        compare_gradients(theirs, ours)

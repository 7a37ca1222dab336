import math
from dataclasses import replace

import pytest
import torch

from r3gan.config import LossPhase
from r3gan.tables.lookup import UnknownChoice
from r3gan.tables.losses import LOSSES
from r3gan.training.losses import make_loss, phase_at, phase_number

REAL, FAKE = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 0.0])


def softplus(value):
    return math.log1p(math.exp(value))


@pytest.mark.parametrize(
    ("phase", "d_expected", "g_expected"),
    [
        (LossPhase("relativistic-softplus"), [softplus(-1.5), softplus(1)], [softplus(1.5), softplus(-1)]),
        (LossPhase("relativistic-hinge", margin=1.0), [0.0, 2.0], [2.5, 0.0]),
        (LossPhase("relativistic-hinge", margin=2.0), [0.5, 3.0], [3.5, 1.0]),
        (
            LossPhase("non-saturating"),
            [softplus(-2) + softplus(0.5), softplus(1) + softplus(0)],
            [softplus(-0.5), softplus(0)],
        ),
        (LossPhase("hinge", margin=1.0), [0.0 + 1.5, 2.0 + 1.0], [-0.5, 0.0]),
        (LossPhase("hinge", margin=0.25), [0.0 + 0.75, 1.25 + 0.25], [-0.5, 0.0]),
    ],
)
def test_losses_equal_hand_computed_values(phase, d_expected, g_expected):
    loss = make_loss(phase)
    assert loss.discriminator(REAL, FAKE).tolist() == pytest.approx(d_expected, abs=1e-6)
    assert loss.generator(REAL, FAKE).tolist() == pytest.approx(g_expected, abs=1e-6)


def test_an_unknown_loss_is_an_error_that_lists_the_known_ones():
    with pytest.raises(UnknownChoice, match=r"unknown loss wasserstein; .*valid: relativistic-softplus, relat"):
        make_loss(LossPhase("wasserstein"))


@pytest.mark.parametrize("kind", LOSSES)
def test_every_row_of_the_table_is_what_its_documentation_says(kind):
    """The formulas are evaluated as they are written, and compared with the functions."""
    row, phase = LOSSES[kind], LossPhase(kind, margin=0.7)
    for text, function in (
        (row.discriminator_text, make_loss(phase).discriminator),
        (row.generator_text, make_loss(phase).generator),
    ):
        written = text.replace("D(G(z))", "fake").replace("D(x)", "real")
        names = {
            "softplus": torch.nn.functional.softplus,
            "relu": torch.relu,
            "margin": 0.7,
            "real": REAL,
            "fake": FAKE,
        }
        assert torch.allclose(function(REAL, FAKE), eval(written, {}, names))
    others = [key for other in LOSSES.values() for key in other.options if key not in row.options]
    for key in others:  # an option of another loss changes nothing
        changed = make_loss(replace(phase, **{key: 5.0}))
        assert torch.equal(changed.discriminator(REAL, FAKE), make_loss(phase).discriminator(REAL, FAKE))


def test_each_phase_is_in_force_from_its_start_on():
    phases = (
        LossPhase("relativistic-softplus"),
        LossPhase("relativistic-hinge", from_fraction=0.5),
        LossPhase("non-saturating", from_kimg=8),
    )
    kinds = [phase_at(phases, 10, images).kind for images in (0, 4999, 5000, 7999, 8000, 10_000)]
    softplus_kind, hinge, plain = (phase.kind for phase in phases)
    assert kinds == [softplus_kind, softplus_kind, hinge, hinge, plain, plain]
    assert [phase_number(phases, 10, images) for images in (0, 4999, 5000, 7999, 8000, 10_000)] == [1, 1, 2, 2, 3, 3]

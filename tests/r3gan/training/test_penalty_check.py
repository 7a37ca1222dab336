"""The check at the start of a job finds a kernel that is wrong, names the parameter, and changes nothing."""

import json
from dataclasses import replace

import pytest
import torch

from r3gan.config import AttentionConfig, LossPhase, PenaltyConfig
from r3gan.model.conv import Conv
from r3gan.model.networks import Discriminator, initialise
from r3gan.model.resampling_layers import Downsample
from r3gan.training.penalty_check import TOLERANCE, PenaltyMismatch, check_penalty
from tests.r3gan.small import constant, small_config, small_network
from tests.r3gan.training.test_train import assert_equal_weights, final_weights, run_inside

CASES = {
    "plain": {},
    "conditional": {"network": small_network(conditional=True)},
    "attention": {"network": small_network(attention=AttentionConfig(resolutions=(4, 8)))},
    "hinge": {"loss": (LossPhase("relativistic-hinge", margin=2.0),)},
    "one penalty": {"penalties": PenaltyConfig(r2=False)},
    "three stages": {"network": small_network(widths=(16, 16, 8), groups=(4, 4, 2), blocks=(2, 1, 1))},
    "bfloat16": {"network": small_network(bf16_stages=2)},
}


def make(config):
    discriminator = Discriminator(config.network, 5)
    initialise(discriminator, config.seed, "discriminator")
    return discriminator


def with_augmentation(config):
    return replace(config, schedules=replace(config.schedules, augment_p=constant(0.5)))


@pytest.mark.parametrize("augments", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_the_form_is_right_on_this_device(case, augments):
    config = small_config(**CASES[case])
    config = with_augmentation(config) if augments else config
    discriminator = make(config)
    before = {name: p.clone() for name, p in discriminator.named_parameters()}
    found = check_penalty(discriminator, config, "auto")
    assert 0 < found.relative_error < TOLERANCE / 10
    assert found.worst_parameter in before
    for name, parameter in discriminator.named_parameters():
        assert torch.equal(parameter, before[name])
        assert parameter.grad is None


def test_there_is_nothing_to_check_without_the_form():
    config = small_config()
    assert check_penalty(make(config), config, "double") is None
    smooth = replace(config, network=small_network(activation="gelu"))
    assert check_penalty(make(smooth), smooth, "auto") is None
    assert check_penalty(make(config), replace(config, penalties=PenaltyConfig(False, False)), "auto") is None


def slightly_off(method):
    return lambda self, *args: 1.01 * method(self, *args)


@pytest.mark.parametrize(("layer", "name"), [(Conv, "vjp"), (Conv, "jvp"), (Downsample, "vjp")])
@pytest.mark.parametrize("case", CASES)
def test_a_pass_that_is_off_by_a_hundredth_is_found_and_a_parameter_named(case, layer, name, monkeypatch):
    config = small_config(**CASES[case])
    monkeypatch.setattr(layer, name, slightly_off(getattr(layer, name)))
    with pytest.raises(PenaltyMismatch, match=r"that of (trunk|embedding)\.[\w.]+ differs by .*--penalty-form double"):
        check_penalty(make(config), config, "auto")


def test_a_gradient_that_is_not_a_number_is_found(monkeypatch):
    config = small_config()
    monkeypatch.setattr(Conv, "vjp", lambda self, dy, tape, vjp=Conv.vjp: vjp(self, dy, tape) * float("nan"))
    with pytest.raises(PenaltyMismatch, match="nan"):
        check_penalty(make(config), config, "auto")


def test_a_job_writes_down_the_check_and_trains_as_without_it(tmp_path, monkeypatch):
    config = with_augmentation(small_config(total_kimg=0.08))
    checked, _ = run_inside(config, tmp_path / "checked")
    recorded = json.loads(checked.environment.read_text())
    assert recorded["penalty_check"]["relative_error"] < TOLERANCE
    assert recorded["tf32"] is False
    monkeypatch.setattr("r3gan.training.loop.check_penalty", lambda *_: None)
    unchecked, _ = run_inside(config, tmp_path / "unchecked")
    assert json.loads(unchecked.environment.read_text())["penalty_check"] is None
    assert_equal_weights(final_weights(checked), final_weights(unchecked))


def test_a_job_stops_before_training_on_a_mismatch_and_goes_on_with_the_other_form(tmp_path, monkeypatch):
    config = small_config(total_kimg=0.08)
    monkeypatch.setattr(Conv, "jvp", slightly_off(Conv.jvp))
    with pytest.raises(PenaltyMismatch):
        run_inside(config, tmp_path)
    _, finished = run_inside(config, tmp_path, penalty_form="double")
    assert finished

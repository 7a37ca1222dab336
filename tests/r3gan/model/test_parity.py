"""Our networks, losses and penalties are the official ones, in float64 to a relative error below 1e-10."""

import json
import os
from pathlib import Path

import pytest
from safetensors import safe_open

from r3gan.config import LossPhase
from r3gan.generation.official_names import our_name
from r3gan.model.networks import Discriminator, Generator
from r3gan.training.losses import make_loss
from r3gan.training.penalties import backward_discriminator
from tests.r3gan.model.official import network_config
from tests.r3gan.small import step_options

FOLDER = Path(os.environ.get("R3GAN_PARITY_DIR", Path(__file__).parents[4] / "shared" / "data" / "parity"))
FILES = sorted(FOLDER.glob("*.safetensors"))
TOLERANCE = 1e-10

pytestmark = pytest.mark.skipif(not FILES, reason=f"no parity files in {FOLDER}: name a folder in R3GAN_PARITY_DIR")


def relative_error(ours, theirs):
    return ((ours - theirs).norm() / theirs.norm().clamp(min=1e-300)).item()


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def case(request):
    with safe_open(request.param, "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        metadata = json.loads(file.metadata()["config"])
    config = network_config(metadata)
    networks = {"G": Generator(config, metadata["classes"]), "D": Discriminator(config, metadata["classes"])}
    for letter, network in networks.items():
        network.double()
        state = {}
        for key, value in tensors.items():
            if key.startswith(f"{letter}."):
                name = our_name(key[2:], letter)
                if name is not None:
                    state[name] = value
        network.load_state_dict(state)
    labels = tensors.get("y_onehot") if metadata["classes"] else None
    return tensors, metadata, networks["G"], networks["D"], labels


def compare_gradients(prefix, network, tensors, letter):
    compared = 0
    gradients = {name: p.grad for name, p in network.named_parameters()}
    for key, value in tensors.items():
        if key.startswith(prefix):
            name = our_name(key[len(prefix) :], letter)
            assert relative_error(gradients[name], value) < TOLERANCE, key
            compared += 1
    assert compared == len(gradients)


def test_images_and_logits_equal_the_official_ones(case):
    tensors, _, generator, discriminator, labels = case
    fake = generator(tensors["z_d"], labels)
    assert relative_error(fake, tensors["G(z_d)"]) < TOLERANCE
    assert relative_error(discriminator(tensors["x_d"], labels), tensors["D(x_d)"]) < TOLERANCE
    assert relative_error(discriminator(fake, labels), tensors["D(G(z_d))"]) < TOLERANCE


def test_discriminator_step_equals_the_official_one(case):
    tensors, metadata, generator, discriminator, labels = case
    discriminator.zero_grad()
    fake = generator(tensors["z_d"], labels).detach()
    options = step_options(gamma=metadata["gamma"])
    terms = backward_discriminator(discriminator, tensors["x_d"], fake, labels, options)
    assert relative_error(terms.adversarial, tensors["d_loss_adv"]) < TOLERANCE
    assert relative_error(terms.r1, tensors["r1"]) < TOLERANCE
    assert relative_error(terms.r2, tensors["r2"]) < TOLERANCE
    compare_gradients("d_step_grad.D.", discriminator, tensors, "D")


def test_generator_step_equals_the_official_one(case):
    tensors, _, generator, discriminator, labels = case
    generator.zero_grad()
    real = discriminator(tensors["x_g"], labels)
    fake = discriminator(generator(tensors["z_g"], labels), labels)
    losses = make_loss(LossPhase()).generator(real, fake)
    assert relative_error(losses, tensors["g_loss_adv"]) < TOLERANCE
    losses.mean().backward()
    compare_gradients("g_step_grad.G.", generator, tensors, "G")

"""How D and G use classes: the released head, projection, and pairs without a class."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from r3gan.config import EvaluationConfig
from r3gan.config_checks import find_problems
from r3gan.data.digits import digits_of, stacked_label
from r3gan.data.load import load_dataset
from r3gan.distributed import World
from r3gan.evaluation.evaluator import Evaluator
from r3gan.evaluation.protocol import side_problems
from r3gan.evaluation.scores import Reference, score_class_accuracy
from r3gan.identity import changes, configuration_identity
from r3gan.model.networks import Discriminator, Generator, initialise
from r3gan.streams import stream
from r3gan.tensor_files import load_tensors
from r3gan.training.batches import Batches
from r3gan.training.penalties import backward_discriminator
from tests.r3gan.small import small_config, small_network, step_options
from tests.r3gan.training.test_first_order import assert_same, by_double_backward, make_discriminator, make_pairs
from tests.r3gan.training.test_train import run_inside

CPU = torch.device("cpu")
PROJECTION = small_network(conditional=True, class_head="projection")


@pytest.fixture(scope="module")
def data():
    return load_dataset("stacked-digits", Path("nowhere"), CPU)


def test_the_default_is_no_difference_and_classes_that_nobody_sees_make_no_other_job():
    assert "class_head" not in changes(small_network(conditional=True, class_head="embedding"))
    assert Discriminator(small_network(conditional=True), 3).unconditional is None
    plain = small_config()
    unseen = replace(plain, network=small_network(class_head="projection"), label_dropout=0.3)
    assert find_problems(unseen) == []
    assert configuration_identity(unseen) == configuration_identity(plain)
    seen = [
        small_config(network=small_network(conditional=True)),
        small_config(network=PROJECTION),
        small_config(network=PROJECTION, label_dropout=0.3),
    ]
    assert len({configuration_identity(config) for config in seen}) == 3


def test_projection_adds_a_logit_without_class_to_that_of_the_class():
    discriminator = make_discriminator(PROJECTION)
    real, _, labels = make_pairs(PROJECTION)
    features = discriminator.trunk(real)
    unconditional = features @ discriminator.unconditional.weight[0]
    classes = labels.argmax(1)
    of_class = torch.stack([features[i] @ discriminator.embedding.weight[:, c] for i, c in enumerate(classes)])
    assert torch.allclose(discriminator(real, labels), unconditional + of_class)
    assert torch.allclose(discriminator(real, torch.zeros_like(labels)), unconditional)
    released = make_discriminator(small_network(conditional=True))
    assert not released(real, torch.zeros_like(labels)).any()


@pytest.mark.parametrize("dropped", [[], [1], [0, 1, 2, 3]])
def test_projection_keeps_the_exact_first_order_form_also_without_classes(dropped):
    discriminator = make_discriminator(PROJECTION)
    assert discriminator.first_order
    real, fake, labels = make_pairs(PROJECTION)
    labels[dropped] = 0
    arguments = real, fake, labels, step_options(gamma=3.0)
    _, gradients = by_double_backward(discriminator, *arguments)
    backward_discriminator(discriminator, *arguments)
    assert_same(discriminator, gradients)
    assert discriminator.unconditional.weight.grad.any()


def test_both_heads_start_with_the_same_draws_in_all_that_they_share():
    networks = Discriminator(small_network(conditional=True), 3), Discriminator(PROJECTION, 3)
    for network in networks:
        initialise(network, 0, "discriminator")
    released, projection = (network.state_dict() for network in networks)
    assert projection.keys() - released.keys() == {"unconditional.weight"}
    assert all(torch.equal(tensor, projection[name]) for name, tensor in released.items())
    assert projection["unconditional.weight"].any()


def test_a_class_is_dropped_as_often_as_asked_and_the_same_by_any_number_of_ranks(data):
    config = small_config(network=PROJECTION, batch_size=4000)
    plain, dropping = (
        [Batches(each, data, World(rank, 2, CPU)).get("discriminator", 0) for rank in (0, 1)]
        for each in (config, replace(config, label_dropout=0.3))
    )
    whole = Batches(replace(config, label_dropout=0.3), data, World(0, 1, CPU))
    labels = torch.cat([half.labels for half in dropping])
    assert torch.equal(whole.get("discriminator", 0).labels, labels)
    kept = labels.any(1)
    assert (~kept).float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert torch.equal(labels[kept], torch.cat([half.labels for half in plain])[kept])
    assert torch.equal(dropping[0].real, plain[0].real)
    assert torch.equal(dropping[0].latents, plain[0].latents)
    assert not torch.equal(whole.get("generator", 0).labels.any(1), kept)


def test_g_without_a_class_is_g_of_z_alone():
    generator = Generator(PROJECTION, 3)
    initialise(generator, 0, "generator")
    z = torch.randn(2, 6, generator=stream(0, "z"))
    w = generator.modulation.weight[:, :6] @ z[0]
    assert torch.allclose(generator.modulated(z, torch.zeros(2, 3))[0], generator.basis * w[:, None, None], atol=1e-6)


@pytest.mark.parametrize(
    ("config", "path", "words"),
    [
        ({"network": PROJECTION, "label_dropout": 1.0}, "label_dropout", "from 0 to below 1"),
        ({"network": small_network(conditional=True), "label_dropout": 0.1}, "label_dropout", "use projection"),
    ],
)
def test_what_cannot_be_is_named(config, path, words):
    (problem,) = find_problems(small_config(**config))
    assert problem.path[0] == path
    assert words in problem.message


def test_digits_of_a_class_are_those_that_make_it():
    labels = torch.arange(1000)
    assert torch.equal(stacked_label(digits_of(labels)), labels)
    assert digits_of(torch.tensor([407])).tolist() == [[4, 0, 7]]


def test_class_accuracy_counts_whole_classes_and_single_digits():
    shown = torch.tensor([[1, 2, 3], [4, 5, 6], [0, 0, 7], [9, 9, 9]])
    found = score_class_accuracy({"digits": shown, "asked": torch.tensor([123, 450, 7, 0])}, Reference())
    assert found == {"class_accuracy": 2 / 4, "right_digits": (3 + 2 + 3 + 0) / 12}


class RealDigits:
    """In a generator's place: training digits of the class that was asked for, or of the one after it."""

    latent_dim, noise_dim, classes, basis = 6, 0, 1000, torch.zeros(1)

    def __init__(self, data, shift):
        self.data, self.shift = data, shift
        labels = data.train.labels
        self.first = torch.tensor([int((labels == digit).nonzero()[0]) for digit in range(10)])

    def __call__(self, z, labels):
        classes = (labels.argmax(1) + self.shift) % 1000
        return self.data.gather(self.first[digits_of(classes)])[0].float() / 127.5 - 1


def test_samples_are_scored_by_the_classes_that_they_were_made_for(data):
    asked = EvaluationConfig(every_kimg=1.0, samples=1000, metrics=("class-accuracy",))
    evaluator = Evaluator(asked, data, Path("nowhere"), CPU)
    scores = [evaluator.evaluate(RealDigits(data, shift), asked.metrics, 0, World(0, 1, CPU)) for shift in (0, 1, 111)]
    assert [found["class_accuracy1k"] for found in scores] == [1, 0, 0]
    assert scores[0]["right_digits1k"] == 1
    assert 0.6 < scores[1]["right_digits1k"] < 0.7
    assert scores[2]["right_digits1k"] < 0.05


def test_a_generator_without_classes_is_asked_too_and_shows_chance(data):
    class Blind(RealDigits):
        classes = 0

        def __call__(self, z, labels):
            return super().__call__(z, torch.eye(1000)[(1e4 * z[:, 0].abs()).long() % 1000])

    asked = EvaluationConfig(every_kimg=1.0, samples=4000, metrics=("class-accuracy",))
    scores = Evaluator(asked, data, Path("nowhere"), CPU).evaluate(Blind(data, 0), asked.metrics, 0, World(0, 1, CPU))
    assert scores["class_accuracy4k"] < 0.005
    assert scores["right_digits4k"] == pytest.approx(0.1, abs=0.015)


def test_images_without_classes_are_refused():
    assert side_problems(["class-accuracy"], dataset=True, reference=False) == []
    (problem,) = side_problems(["class-accuracy"], dataset=True, reference=False, generated=False)
    assert problem == "class-accuracy is of samples that a generator makes for classes, which images do not tell"


def test_a_training_with_projection_and_dropped_classes_ends_the_same_after_a_stop(tmp_path):
    config = small_config(network=PROJECTION, label_dropout=0.2)
    config = replace(config, evaluation=replace(config.evaluation, metrics=()))
    whole, finished = run_inside(config, tmp_path / "whole")
    assert finished
    stops = iter([False] * 3 + [True] * 100)
    job, finished = run_inside(config, tmp_path / "stopped", lambda: next(stops))
    assert not finished
    _, finished = run_inside(config, tmp_path / "stopped")
    assert finished
    for name in ("discriminator", "ema"):
        ours, theirs = (load_tensors(each.last_checkpoint() / f"{name}.safetensors")[0] for each in (job, whole))
        assert all(torch.equal(tensor, theirs[key]) for key, tensor in ours.items())

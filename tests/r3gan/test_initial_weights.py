"""Fine-tuning: what training begins with, and that its identity is the weights' and not the path's."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from r3gan.data.errors import BadData
from r3gan.files import read_object
from r3gan.identity import configuration_identity, state_identity
from r3gan.initial_weights import BadWeights, begin_with, weights_content
from r3gan.model.networks import Generator
from r3gan.preset_choice import PresetChoice
from r3gan.settings.problems import BadSettings
from r3gan.single.configuration import configuration
from r3gan.snapshot import save_weights
from r3gan.training.state import fresh_state
from tests.r3gan.small import small_config, small_network
from tests.r3gan.training.test_train import assert_equal_weights, final_weights, run_inside

CPU = torch.device("cpu")
NETWORKS = ("generator", "discriminator", "ema")


def quiet(**changes):
    """A configuration that measures nothing."""
    return small_config(evaluation=replace(small_config().evaluation, metrics=()), **changes)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The job of a short training."""
    return run_inside(quiet(total_kimg=0.08), tmp_path_factory.mktemp("trained") / "job")[0]


def tuned(source, **changes):
    return quiet(seed=7, init_from=str(source), init_content=weights_content(source), **changes)


def networks_of(config):
    state = fresh_state(config, 0, CPU)
    return {name: getattr(state, name) for name in NETWORKS}


def same(network, tensors):
    return all(torch.equal(tensor, tensors[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("source", ["job", "checkpoint"])
def test_all_three_networks_begin_as_those_of_a_job_or_a_checkpoint(trained, source):
    path = trained.root if source == "job" else trained.last_checkpoint()
    networks = networks_of(quiet(seed=7))
    begun = begin_with(networks, path, weights_content(path))
    assert [taken.left_out for taken in begun.values()] == [(), (), ()]
    assert all(same(network, final_weights(trained)[name]) for name, network in networks.items())


def test_a_file_of_a_generator_begins_the_generator_and_its_average_and_leaves_d_as_it_was(trained):
    path = trained.last_checkpoint() / "ema.safetensors"
    networks, fresh = networks_of(quiet(seed=7)), networks_of(quiet(seed=7))
    begun = begin_with(networks, path, weights_content(path))
    ema = final_weights(trained)["ema"]
    assert same(networks["generator"], ema)
    assert same(networks["ema"], ema)
    assert same(networks["discriminator"], fresh["discriminator"].state_dict())
    assert begun["discriminator"].loaded == 0
    assert len(begun["discriminator"].left_out) == len(fresh["discriminator"].state_dict())


def test_a_file_of_a_discriminator_begins_d_alone(trained):
    path = trained.last_checkpoint() / "discriminator.safetensors"
    begun = begin_with(networks_of(quiet()), path, weights_content(path))
    assert [taken.loaded > 0 for taken in begun.values()] == [False, True, False]


def test_what_does_not_fit_is_listed_by_name_and_shapes_and_stays_fresh(trained):
    config = quiet(seed=7, network=small_network(widths=(16, 8, 8), groups=(4, 2, 2), blocks=(1, 1, 1), latent_dim=5))
    networks, fresh = networks_of(config), networks_of(config)
    begun = begin_with(networks, trained.root, weights_content(trained.root))["generator"]
    assert "modulation.weight ([16, 6] there, [16, 5] here)" in begun.left_out
    added = [name for name in fresh["generator"].state_dict() if name.startswith("stages.2.")]
    assert all(any(text.startswith(f"{name} (none there, ") for text in begun.left_out) for name in added)
    ours, theirs = networks["generator"].state_dict(), final_weights(trained)["generator"]
    assert torch.equal(ours["basis"], theirs["basis"])
    assert torch.equal(ours["modulation.weight"], fresh["generator"].state_dict()["modulation.weight"])
    fitting = [name for name, tensor in ours.items() if name in theirs and theirs[name].shape == tensor.shape]
    assert begun.loaded == len(fitting)
    assert all(torch.equal(ours[name], theirs[name]) for name in fitting)


def test_weights_of_which_nothing_fits_are_refused(trained):
    networks = networks_of(quiet(network=small_network(widths=(24, 12), latent_dim=5)))
    for network in networks.values():
        for name, tensor in network.state_dict().items():
            assert final_weights(trained)["ema"].get(name, torch.zeros(0)).shape != tensor.shape, name
    with pytest.raises(BadWeights, match="no tensor of its networks fits this training's, such as"):
        begin_with(networks, trained.root, weights_content(trained.root))


def test_a_network_of_another_resolution_gives_each_stage_to_the_one_of_the_same_resolution(tmp_path):
    """Of equal widths, so that every stage of D would fit into every other."""
    small = quiet(network=small_network(widths=(8, 8), groups=(2, 2)))
    large = quiet(network=small_network(widths=(8, 8, 8), groups=(2, 2, 2), blocks=(1, 1, 1)))
    for there, here in ((small, large), (large, small)):
        source = networks_of(there)["discriminator"]
        save_weights(source, tmp_path / "discriminator.safetensors", there, 0)
        networks = networks_of(replace(here, seed=7))
        begun = begin_with(networks, tmp_path, weights_content(tmp_path))["discriminator"]
        stages, theirs = (network.trunk.stages for network in (networks["discriminator"], source))
        assert [same(stages[-i], theirs[-i].state_dict()) for i in (1, 2)] == [True, True]
        top = {text.split(".")[2] for text in begun.left_out}
        assert top == {"0" if here is large else "-1"}


def test_a_resumed_fine_tuning_equals_an_uninterrupted_one_also_when_the_weights_are_gone(trained, tmp_path):
    source = shutil.copytree(trained.last_checkpoint(), tmp_path / "source")
    whole, done = run_inside(tuned(source), tmp_path / "whole")
    assert done
    fresh, _ = run_inside(quiet(seed=7), tmp_path / "fresh")
    assert not torch.equal(*(final_weights(job)["ema"]["basis"] for job in (whole, fresh)))
    calls = iter(range(100))
    config = tuned(source)
    parts, done = run_inside(config, tmp_path / "parts", should_stop=lambda: next(calls) == 6)
    assert not done
    shutil.rmtree(source)
    run_inside(config, tmp_path / "parts")
    assert_equal_weights(final_weights(parts), final_weights(whole))
    for job in (parts, whole):
        record = read_object(job.environment)["begun_with"]
        assert record["content"] == config.init_content
        assert record["networks"]["ema"]["left_out"] == []


def test_other_weights_than_were_planned_with_are_refused(trained):
    with pytest.raises(BadWeights, match="holds other weights"):
        begin_with(networks_of(quiet()), trained.root, "0" * 16)


def test_the_identity_is_of_the_weights_wherever_they_lie_and_of_nothing_where_there_are_none(trained, tmp_path):
    copy = shutil.copytree(trained.last_checkpoint(), tmp_path / "copy")
    here, there = tuned(trained.root), tuned(copy)
    plain = quiet(seed=7)
    assert here.init_from != there.init_from
    for identity in (configuration_identity, lambda c: state_identity(c, 0), lambda c: state_identity(c, 80)):
        assert identity(here) == identity(there) != identity(plain)
        assert identity(plain) == identity(replace(plain, init_from=None, init_content=None))


def test_the_hash_is_of_the_tensors_and_not_of_the_files_bytes_or_facts(trained, tmp_path):
    generator = Generator(small_network())
    for i in (1, 2):
        save_weights(generator, tmp_path / f"{i}.safetensors", small_config(), i)
    assert weights_content(tmp_path / "1.safetensors") == weights_content(tmp_path / "2.safetensors")
    with torch.no_grad():
        generator.basis[0, 0, 0] += 1
    save_weights(generator, tmp_path / "3.safetensors", small_config(), 2)
    assert weights_content(tmp_path / "1.safetensors") != weights_content(tmp_path / "3.safetensors")


def damaged(path):
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    return path


def test_weights_that_are_missing_damaged_or_none_are_told_with_the_key(trained, tmp_path):
    def problems(path, *settings):
        with pytest.raises(BadSettings) as caught:
            configuration("stacked-digits", PresetChoice("digits-8x8"), [f"init_from={path}", *settings], 0)
        return str(caught.value)

    assert problems(tmp_path / "gone").startswith("train: init_from: ")
    assert "gone does not exist" in problems(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    assert "holds no generator.safetensors" in problems(tmp_path / "empty")
    file = shutil.copy(trained.last_checkpoint() / "ema.safetensors", tmp_path / "ema.safetensors")
    assert "is damaged" in problems(damaged(Path(file)))
    (tmp_path / "text.safetensors").write_text("hello")
    assert "is no sound file of tensors" in problems(tmp_path / "text.safetensors")
    assert problems(trained.root, "init_content=abc").startswith("train: init_content: abc was expected, but ")
    assert problems(tmp_path / "gone", "bach_size=3").count("\n") == 1
    assert "a number" in problems(3)
    assert "train: init_content: is of no use without init_from" in problems("null", "init_content=abc")


def test_the_command_line_gives_the_path_and_fills_in_the_hash(trained):
    settings = [f"init_from={trained.root}"]
    config = configuration("stacked-digits", PresetChoice("digits-8x8"), settings, 0)
    assert (config.init_from, config.init_content) == (str(trained.root.resolve()), weights_content(trained.root))
    gone = ["init_from=/gone", f"init_content={config.init_content}"]
    again = configuration("stacked-digits", PresetChoice("digits-8x8"), gone, 0)
    assert configuration_identity(again) == configuration_identity(config)


def test_a_job_whose_weights_are_gone_before_it_begins_is_bad_data(trained, tmp_path):
    source = shutil.copytree(trained.last_checkpoint(), tmp_path / "source")
    config = tuned(source)
    shutil.rmtree(source)
    with pytest.raises(BadData, match="source does not exist"):
        run_inside(config, tmp_path / "job")


def test_tensors_are_read_once_for_a_plan_of_many_variants(trained, monkeypatch):
    weights_content(trained.root)
    monkeypatch.setattr("r3gan.initial_weights.load_tensors", lambda path: pytest.fail(f"read {path} again"))
    assert weights_content(trained.root)

"""Averages stored along a run: they change nothing else, survive stops and heirs, and become weights of any length."""

from dataclasses import replace

import pytest
import torch

from r3gan import load_generator
from r3gan.__main__ import main
from r3gan.average_command import generator_of
from r3gan.beginning import can_begin
from r3gan.config import PostHocConfig
from r3gan.config_checks import find_problems
from r3gan.identity import configuration_identity, state_identity
from r3gan.power_averages import Profile
from r3gan.tensor_files import load_tensors
from r3gan.training import loop
from tests.r3gan.small import small_config, small_network
from tests.r3gan.test_beginning import heir, keeping
from tests.r3gan.training.test_train import assert_equal_weights, final_weights, run_inside, without_times

PLAIN = replace(small_config(), evaluation=replace(small_config().evaluation, metrics=(), every_kimg=1.0))
STORING = replace(PLAIN, post_hoc=PostHocConfig(every_kimg=0.016))
MOMENTS = range(16, 161, 16)


@pytest.fixture(scope="module")
def path():
    return []


@pytest.fixture(scope="module")
def storing(tmp_path_factory, path):
    """A job, all of whose weights are noted on the way."""
    update = loop.update_averages

    def noted(state, batch_size):
        path.append({name: p.detach().clone() for name, p in state.generator.named_parameters()})
        update(state, batch_size)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "update_averages", noted)
        return run_inside(STORING, tmp_path_factory.mktemp("storing"))[0]


def files(job):
    return {path.name: load_tensors(path) for _, path in job.stored_averages()}


def assert_same_files(job, other):
    ours, theirs = files(job), files(other)
    assert ours.keys() == theirs.keys()
    for name, (tensors, facts) in ours.items():
        assert facts == theirs[name][1]
        assert all(torch.equal(tensor, theirs[name][0][key]) for key, tensor in tensors.items())


def test_they_lie_where_they_are_due_and_are_the_averages_of_the_weights_on_the_way(storing, path):
    assert [images for images, _ in storing.stored_averages()] == [n for n in MOMENTS for _ in range(2)]
    for sigma in (0.05, 0.1):
        average = {name: tensor.double() for name, tensor in path[0].items()}
        for step, weights in enumerate(path):
            keep = Profile(8 * (step + 1), sigma).keep(8)
            average = {name: keep * average[name] + (1 - keep) * weights[name].double() for name in weights}
        stored = load_tensors(storing.stored_average(160, sigma))[0]
        for name, tensor in average.items():
            torch.testing.assert_close(stored[name].double(), tensor, rtol=1e-5, atol=1e-7)


def test_the_training_is_the_same_with_and_without_them(storing, tmp_path):
    plain, _ = run_inside(PLAIN, tmp_path)
    assert not plain.post_hoc.exists()
    assert_equal_weights(final_weights(plain), final_weights(storing))
    assert without_times(plain) == without_times(storing)
    assert state_identity(PLAIN, 80) == state_identity(STORING, 80)
    assert configuration_identity(PLAIN) != configuration_identity(STORING)


def test_a_stopped_and_resumed_job_stores_the_same_bits(storing, tmp_path):
    calls = iter(range(99))
    job, finished = run_inside(STORING, tmp_path, should_stop=lambda: next(calls) == 8)
    assert not finished
    run_inside(STORING, tmp_path)
    assert_same_files(job, storing)


def test_an_heir_has_what_it_would_have_stored_and_only_of_a_job_that_stores_alike(storing, tmp_path):
    donor = keeping(tmp_path / "donor", STORING, 80)
    run_inside(STORING, donor.root)
    longer = replace(STORING, total_kimg=0.176)
    job = heir(tmp_path / "heir", longer, donor, 80)
    run_inside(longer, job.root)
    assert job.inherited.exists()
    ours, theirs = files(job), files(storing)
    assert ours.keys() - theirs.keys() == {f"0000000176-{sigma}.safetensors" for sigma in (0.05, 0.1)}
    for name in theirs:
        assert all(torch.equal(tensor, ours[name][0][key]) for key, tensor in theirs[name][0].items())
    assert {facts["config"]["total_kimg"] for _, facts in ours.values()} == {0.176}
    assert not can_begin(STORING, PLAIN, 80)
    assert not can_begin(PLAIN, STORING, 80)


def lose(path):
    path.unlink()


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("harm", [lose, cut])
def test_an_heir_of_a_job_without_one_that_is_sound_trains_from_its_own_start(tmp_path, capsys, harm):
    donor = keeping(tmp_path / "donor", STORING, 80)
    run_inside(STORING, donor.root)
    harm(donor.stored_average(32, 0.1))
    longer = replace(STORING, total_kimg=0.176)
    job = heir(tmp_path / "heir", longer, donor, 80)
    run_inside(longer, job.root)
    assert "it trains from its own start" in capsys.readouterr().err
    assert not job.inherited.exists()


def test_the_command_writes_weights_of_any_length_that_generate_takes(storing, path, tmp_path, capsys):
    out = tmp_path / "averages"
    assert main(["average", str(storing.root), "--sigma-rel", "0.1", "0.2", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "of 20 stored averages" in told
    stored = load_tensors(storing.stored_average(160, 0.1))[0]
    written, facts = load_tensors(out / "sigma-rel-0.1.safetensors")
    for name, tensor in stored.items():
        torch.testing.assert_close(written[name], tensor, rtol=1e-4, atol=1e-6)
    assert (facts["images"], facts["sigma_rel"], facts["stored_averages"]) == (160, 0.1, 20)
    assert facts["profile_error"] < 1e-3
    wide = load_generator(out / "sigma-rel-0.2.safetensors")
    assert wide.images_shown == 160
    assert main(["generate", str(out / "sigma-rel-0.2.safetensors"), str(tmp_path / "grid.png"), "--count", "4"]) == 0
    average = {name: tensor.double() for name, tensor in path[0].items()}
    for step, weights in enumerate(path):
        keep = Profile(8 * (step + 1), 0.2).keep(8)
        average = {name: keep * average[name] + (1 - keep) * weights[name].double() for name in weights}
    mixed = load_tensors(out / "sigma-rel-0.2.safetensors")[0]
    moved = sum((path[-1][name] - path[0][name]).norm() ** 2 for name in path[0]) ** 0.5
    assert sum((mixed[name] - average[name]).norm() ** 2 for name in average) ** 0.5 < 0.02 * moved


def test_the_command_refuses_what_is_not_there(storing, tmp_path, capsys):
    def told(*words):
        assert main(["average", str(storing.root), "--sigma-rel", "0.1", *words]) == 2
        return capsys.readouterr().err

    assert "stored no averages at 0.05 kimg, but at 0.016, 0.032" in told("--at-kimg", "0.05", "--out", f"{tmp_path}/a")
    assert "name a folder" in told("0.2", "--out", f"{tmp_path}/a.safetensors")
    assert main(["average", str(tmp_path), "--sigma-rel", "0.1", "--out", f"{tmp_path}/a"]) == 2
    assert "its training needs post_hoc.every_kimg" in capsys.readouterr().err


@pytest.mark.parametrize("normalisation", ["spectral", "magnitude-preserving"])
def test_weight_rules_find_what_they_remember_anew(normalisation):
    config = small_config(network=small_network(normalisation=normalisation))
    state = loop.fresh_state(config, 0, torch.device("cpu"))
    parameters = {name: p.detach() for name, p in state.generator.named_parameters()}
    z = torch.randn(3, 6)
    torch.testing.assert_close(generator_of(config, parameters)(z), state.generator(z), rtol=1e-4, atol=1e-5)


def test_widths_that_are_none_are_refused():
    for post_hoc, place in (
        (PostHocConfig(0.1, ()), ("post_hoc", "sigma_rel")),
        (PostHocConfig(0.1, (0.1, 0.3)), ("post_hoc", "sigma_rel", 1)),
        (PostHocConfig(0.0), ("post_hoc", "every_kimg")),
    ):
        assert [problem.path for problem in find_problems(replace(PLAIN, post_hoc=post_hoc))] == [place]
    off = replace(PLAIN, post_hoc=PostHocConfig(sigma_rel=(0.1,)))
    assert configuration_identity(off) == configuration_identity(PLAIN)

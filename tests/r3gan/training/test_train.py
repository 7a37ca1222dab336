"""The loop as a whole: resuming, ranks, common random numbers, and stopping before harm is done."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import r3gan.evaluation.evaluator
from r3gan.computation import Computation
from r3gan.config import AttentionConfig, LossPhase, OptimiserConfig, PenaltyConfig, Schedule
from r3gan.data.load import load_dataset
from r3gan.distributed import World
from r3gan.evaluation.classifier import classifier_file
from r3gan.files import write_json
from r3gan.jobdir import JobDir
from r3gan.one_machine import own_environment, rank_command
from r3gan.training.checkpoint import NETWORKS
from r3gan.training.loop import train
from r3gan.training.recorder import JsonlRecorder
from r3gan.training.steps import NonFiniteLoss
from tests.r3gan.small import constant, small_config, small_network

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[3]


def make_job(folder, config):
    job = JobDir(folder)
    write_json(job.config, asdict(config))
    return job


def run_inside(config, folder, should_stop=lambda: False, **computation):
    job, asked = make_job(folder, config), Computation(**computation)
    world, recorder = World(0, 1, CPU), JsonlRecorder(job)
    return job, train(config, job, Path("nowhere"), recorder, world, should_stop=should_stop, computation=asked)


def command(job, ranks=1):
    return [*rank_command(ranks), "r3gan", "train", str(job.root)]


def run_process(job, ranks=1):
    environment = own_environment(os.environ)
    done = subprocess.run(command(job, ranks), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return job


def final_weights(job):
    return {name: load_file(job.last_checkpoint() / f"{name}.safetensors") for name in NETWORKS}


def assert_equal_weights(ours, theirs):
    for network in NETWORKS:
        for name, value in ours[network].items():
            assert torch.equal(value, theirs[network][name]), f"{network}.{name}"


def without_times(job):
    timing = {"images_per_second", "memory_gib", "data_share", "cpu_cores"}
    lines = job.points()
    return [(line["images"], {k: v for k, v in line["metrics"].items() if k not in timing}) for line in lines]


HEAVY = (
    "torch._dynamo",
    "torch.distributed.run",
    "torchvision",
    "torch_fidelity",
    "sklearn",
    "scipy",
    "triton",
    "pandas",
)


def test_a_job_loads_no_library_that_takes_seconds_and_that_it_does_not_need(tmp_path):
    """From its start to its end, with an evaluation by the digit classifier, which was trained ahead."""
    classifier_file(load_dataset("stacked-digits", tmp_path, CPU))
    job = make_job(tmp_path, small_config(total_kimg=0.016))
    code = (
        "import sys\n"
        "from r3gan.__main__ import main\n"
        f"assert main(['train', {str(job.root)!r}]) == 0\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    environment = own_environment(os.environ)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout == "finished\n[]\n", done.stderr
    assert any(key.startswith("d_kl") for key in job.points()[-1]["metrics"])


def test_losses_metrics_samples_and_weights_are_recorded(tmp_path):
    job, finished = run_inside(small_config(), tmp_path)
    lines = without_times(job)
    assert finished
    assert [images for images, _ in lines] == [40, 80, 120, 160]
    assert set(lines[0][1]) >= {"loss_d", "loss_g", "logit_gap", "r1", "r2", "lr", "beta2", "gamma"}
    assert [("modes" in metrics) for _, metrics in lines] == [False, True, False, True]
    assert lines[0][1]["beta2"] == pytest.approx(0.99 - 0.09 * 0.5 * (1 + math.cos(math.pi * 32 / 200)))
    assert sorted(path.name for path in job.samples.iterdir()) == ["0000000080.png", "0000000160.png"]
    assert sorted(path.name for path in job.checkpoints.iterdir()) == ["0000000120", "0000000160"]
    assert json.loads(job.environment.read_text())["dataset"]["name"] == "stacked-digits"
    assert job.neighbours.exists()
    assert job.interpolation.exists()
    modes = json.loads(job.modes.read_text())
    assert (modes["images"], sum(modes["counts"]), len(modes["counts"])) == (160, 1000, 1000)
    assert sum(count > 0 for count in modes["counts"]) == lines[-1][1]["modes"]
    assert {metrics["loss_phase"] for _, metrics in lines} == {1}


def test_a_job_killed_and_run_again_ends_with_the_same_bits(tmp_path):
    """SIGKILL in the middle, between two checkpoints; the loss switches and the log does not fall on a checkpoint."""
    config = small_config(
        total_kimg=2.0,
        log_every_kimg=0.1,
        checkpoint_every_kimg=0.088,
        evaluation=replace(small_config().evaluation, every_kimg=1.0),
        loss=(LossPhase(), LossPhase("relativistic-hinge", from_fraction=0.5)),
        schedules=replace(small_config().schedules, augment_p=Schedule(0.0, 0.5, 1000)),
    )
    through = run_process(make_job(tmp_path / "through", config))
    killed = make_job(tmp_path / "killed", config)
    process = subprocess.Popen(command(killed), cwd=ROOT, stdout=subprocess.DEVNULL)
    while process.poll() is None and len(killed.points()) < 7:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not killed.finished()
    assert killed.last_checkpoint() is not None
    run_process(killed)
    assert_equal_weights(final_weights(through), final_weights(killed))
    assert without_times(through) == without_times(killed)
    assert through.modes.read_bytes() == killed.modes.read_bytes()
    phases = {images: metrics["loss_phase"] for images, metrics in without_times(killed) if "loss_phase" in metrics}
    assert {images: phase for images, phase in phases.items() if 900 < images <= 1104} == {
        904: 1, 1000: 1, 1104: 2,
    }  # fmt: skip
    assert killed.finished()


def test_two_ranks_agree_with_one_and_share_the_work(tmp_path):
    config = small_config(
        total_kimg=0.064,
        network=small_network(conditional=True, attention=AttentionConfig(resolutions=(4,), heads=2)),
        schedules=replace(small_config().schedules, augment_p=constant(0.5)),
    )
    one = run_process(make_job(tmp_path / "one", config))
    two = run_process(make_job(tmp_path / "two", config), ranks=2)
    assert json.loads(two.environment.read_text())["ranks"] == 2
    # Adam divides by the gradient's size: where a gradient is nothing but rounding, a step still is lr long.
    for network, weights in final_weights(one).items():
        for name, value in weights.items():
            other = final_weights(two)[network][name]
            assert (value - other).norm() <= 2e-3 * value.norm() + 1e-4, f"{network}.{name}"
    for (_, a), (_, b) in zip(without_times(one), without_times(two), strict=True):
        assert {key: pytest.approx(value, rel=2e-2, abs=1e-3) for key, value in a.items()} == b


@pytest.mark.parametrize("activation", ["leaky-relu", "gelu"])
def test_parts_of_a_batch_train_the_same_and_the_record_says_how(tmp_path, activation):
    """Both forms of the penalties; 3 does not divide the batch of 8."""
    config = small_config(
        total_kimg=0.032,
        log_every_kimg=0.008,
        network=small_network(activation=activation),
        schedules=replace(small_config().schedules, augment_p=constant(0.5)),
    )
    whole, _ = run_inside(config, tmp_path / "whole")
    parts, _ = run_inside(config, tmp_path / "parts", micro_batch=3)
    form = {"leaky-relu": "exact first-order form", "gelu": "double backward"}[activation]
    for job, size in ((whole, 8), (parts, 3)):
        environment = json.loads(job.environment.read_text())
        assert (environment["micro_batch"], environment["penalty_gradients"]) == (size, form)
    for (_, a), (_, b) in zip(without_times(whole), without_times(parts), strict=True):
        assert {
            key: pytest.approx(value, rel=2e-3, abs=1e-5) for key, value in a.items() if key[:4] in ("loss", "r1", "r2")
        } == {key: value for key, value in b.items() if key[:4] in ("loss", "r1", "r2")}


def test_the_share_of_time_spent_on_data_is_recorded(tmp_path):
    job, _ = run_inside(small_config(total_kimg=0.08), tmp_path)
    shares = [line["metrics"]["data_share"] for line in job.points()]
    assert all(0 < share < 1 for share in shares)


def test_variants_with_one_seed_share_data_latents_and_initial_weights(tmp_path):
    """Common random numbers: the first D step of two variants differs only by what the variant changes."""
    baseline = small_config(total_kimg=0.008, log_every_kimg=0.008)
    variants = {
        "attention": replace(baseline, network=small_network(attention=AttentionConfig(resolutions=(8,)))),
        "switch": replace(baseline, loss=(LossPhase(), LossPhase("relativistic-hinge", from_fraction=0.9))),
        "no-r2": replace(baseline, penalties=PenaltyConfig(r2=False)),
        "other-seed": replace(baseline, seed=1),
    }
    first = without_times(run_inside(baseline, tmp_path / "baseline")[0])[0][1]
    same = ("loss_d", "logit_gap", "r1")
    for name, config in variants.items():
        metrics = without_times(run_inside(config, tmp_path / name)[0])[0][1]
        shared = [metrics[key] == pytest.approx(first[key], rel=1e-5) for key in same]
        assert all(shared) == (name != "other-seed"), name


def diverging():
    """Steps as large as the configuration allows."""
    config = small_config(optimiser=OptimiserConfig(lr_ratio=1e6))
    return replace(config, schedules=replace(config.schedules, lr=constant(1)))


def test_a_loss_that_is_not_finite_stops_before_the_update(tmp_path):
    with pytest.raises(NonFiniteLoss, match=r"(loss_d|loss_g|r1|r2|logit_gap) is (nan|inf|-inf) in the step after"):
        run_inside(diverging(), tmp_path)


def test_a_failed_job_says_why_in_one_line_and_exits_with_1(tmp_path):
    job = make_job(tmp_path, diverging())
    done = subprocess.run(command(job), cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert not job.finished()


def test_a_stopped_job_leaves_a_checkpoint_and_goes_on_from_it(tmp_path):
    config = small_config(checkpoint_every_kimg=100)
    calls = iter(range(100))
    job, finished = run_inside(config, tmp_path / "stopped", should_stop=lambda: next(calls) == 6)
    assert not finished
    assert job.last_checkpoint().name == "0000000056"
    run_inside(config, tmp_path / "stopped")
    through, _ = run_inside(config, tmp_path / "through")
    assert_equal_weights(final_weights(through), final_weights(job))
    assert without_times(through) == without_times(job)


@pytest.mark.parametrize(
    ("batch", "images", "recorded"),
    [
        (30, 80, [40]),  # of 63 batches of an evaluation
        (63 + 30, 160, [40, 80, 120]),  # at the end
        (2 * 63 + 30, 160, [40, 80, 120]),  # of the best weights
    ],
)
def test_a_job_stopped_in_an_evaluation_begins_with_it_again_and_ends_with_the_same_bits(
    tmp_path, monkeypatch, batch, images, recorded
):
    evaluation = replace(small_config().evaluation, keep_best="digits")
    config = small_config(evaluation=evaluation, log_every_kimg=0.04, checkpoint_every_kimg=100)
    batches, convert = iter(range(1000)), r3gan.evaluation.evaluator.as_seen
    asked = []

    def stopping(made):
        asked.extend([True] if next(batches) == batch else [])
        return convert(made)

    with monkeypatch.context() as patch:
        patch.setattr(r3gan.evaluation.evaluator, "as_seen", stopping)
        job, finished = run_inside(config, tmp_path / "stopped", should_stop=lambda: bool(asked))
    assert next(batches) == batch + 1, "no batch was made after the signal"
    assert not finished
    assert job.last_checkpoint().name == f"{images:010d}"
    assert [point["images"] for point in job.points()] == recorded
    assert run_inside(config, tmp_path / "stopped")[1]
    through, _ = run_inside(config, tmp_path / "through")
    assert_equal_weights(final_weights(through), final_weights(job))
    assert job.best.read_bytes() == through.best.read_bytes()
    assert without_times(through) == without_times(job)


@pytest.mark.parametrize("ranks", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_signal_in_an_evaluation_stops_all_ranks_with_a_checkpoint_of_this_step(tmp_path, ranks):
    config = small_config(checkpoint_every_kimg=100)
    job = make_job(tmp_path / "stopped", config)
    stopping = [*rank_command(ranks), "tests.r3gan.stopping", str(job.root), "20"]
    environment = own_environment(os.environ)
    done = subprocess.run(stopping, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert "stopped, with a checkpoint to go on from" in done.stdout
    assert job.last_checkpoint().name == "0000000080"
    assert [point["images"] for point in job.points()] == [40]
    run_process(job, ranks)
    through = run_process(make_job(tmp_path / "through", config), ranks)
    assert_equal_weights(final_weights(through), final_weights(job))
    assert without_times(through) == without_times(job)


def test_a_job_ends_when_its_launcher_is_gone(tmp_path):
    launcher = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    job = make_job(tmp_path, small_config(total_kimg=50))
    environment = os.environ | {"R3GAN_LAUNCHER_PID": str(launcher.pid)}
    process = subprocess.Popen(command(job), cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    while process.poll() is None and not job.points():
        time.sleep(0.05)
    launcher.kill()
    launcher.wait()
    assert process.wait(timeout=60) == 0
    assert job.last_checkpoint() is not None
    assert not job.finished()


def test_as_many_checkpoints_stay_as_asked_for(tmp_path):
    for keep, names in ((1, ["0000000160"]), (3, ["0000000160", "0000000120", "0000000080"])):
        job, _ = run_inside(small_config(), tmp_path / str(keep), keep_checkpoints=keep)
        assert [path.name for path in job.checkpoint_folders()] == names


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_training_runs_on_a_gpu_in_bf16(tmp_path):
    config = small_config(network=small_network(bf16_stages=1))
    job = run_process(make_job(tmp_path, config))
    assert json.loads(job.environment.read_text())["device"] != "cpu"
    assert all(math.isfinite(v) for _, metrics in without_times(job) for v in metrics.values())

"""Damaged job directories: whatever happens to a file, training goes on from a sound state, or says why it cannot."""

import copy
import json
import random
import shutil
from dataclasses import replace

import pytest
import torch

from r3gan.distributed import World
from r3gan.evaluation.best import best_facts
from r3gan.jobdir import JobDir
from r3gan.points import as_lines
from r3gan.training.checkpoint import STATE, DamagedCheckpoint
from r3gan.training.environment import read_environment
from r3gan.training.resume import load_newest, resume
from r3gan.training.state import fresh_state
from tests.r3gan.small import small_config
from tests.r3gan.training.test_train import assert_equal_weights, final_weights, run_inside, without_times

CPU = torch.device("cpu")
CONFIG = replace(small_config(), evaluation=replace(small_config().evaluation, every_kimg=0.04, keep_best="digits"))
ENDS = (80, 120)  # where the stopped job has checkpoints


def recorded_images(folder):
    return [point["images"] for point in JobDir(folder).points()]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A job that was stopped after 15 of 20 steps."""
    folder = tmp_path_factory.mktemp("stopped")
    job, _ = run_inside(CONFIG, folder, should_stop=lambda: 120 in recorded_images(folder))
    assert [int(folder.name) for folder in job.checkpoint_folders()] == [120, 80]
    return job


@pytest.fixture
def job(stopped, tmp_path):
    shutil.copytree(stopped.root, tmp_path / "job")
    return JobDir(tmp_path / "job")


def everything(state):
    """All that a state holds, as one comparable text."""
    parts = [state.images, state.steps, state.seconds, state.sums]
    parts += [getattr(state, name).state_dict() for name in ("generator", "discriminator", "ema")]
    parts += [state.generator_adam.state_dict()["state"], state.discriminator_adam.state_dict()["state"]]
    torch.set_printoptions(profile="full", precision=12)
    try:
        return str(parts)
    finally:
        torch.set_printoptions(profile="default")


def test_training_goes_on_from_the_checkpoint_before_and_ends_with_the_same_bits(job, tmp_path, capsys):
    through, _ = run_inside(CONFIG, tmp_path / "through")
    path = job.checkpoint(120) / STATE
    path.write_bytes(path.read_bytes()[:-1])
    lines = job.metrics.read_text().splitlines(keepends=True)
    job.metrics.write_text(lines[0].replace("loss_d", "loss_e") + "".join(lines[1:]))
    run_inside(CONFIG, job.root)
    said = capsys.readouterr().err
    assert f"warning: {job.checkpoint(120)} is damaged (state.pt is not what was written): the one before it" in said
    assert f"warning: {job.metrics} had a line cut off or damaged: 2 points are the checkpoint's own, 0 later" in said
    assert_equal_weights(final_weights(through), final_weights(job))
    assert without_times(through) == without_times(job)
    assert best_facts(through) == best_facts(job)


@pytest.mark.parametrize("name", ["checksums.json", STATE, "ema.safetensors", "metrics.jsonl", "environment.json"])
@pytest.mark.parametrize("damage", ["missing", "empty", "null"])
def test_a_file_of_a_checkpoint_that_is_missing_or_empty_is_named(job, name, damage):
    path = job.checkpoint(120) / name
    path.unlink() if damage == "missing" else path.write_text("null" if damage == "null" else "")
    _, (problem,) = load_newest(fresh_state(CONFIG, 0, CPU), CONFIG, job)
    assert str(job.checkpoint(120)) in problem
    assert name in problem


def test_without_a_sound_checkpoint_the_job_stops_and_says_the_way_out(job):
    for folder in job.checkpoint_folders():
        (folder / "generator.safetensors").write_bytes(b"")
    with pytest.raises(
        DamagedCheckpoint, match=r"no checkpoint is sound: .*120 is.*; .*80 is.*Delete .*checkpoints to"
    ):
        load_newest(fresh_state(CONFIG, 0, CPU), CONFIG, job)


def test_strange_folders_are_said_and_left_alone(job, capsys):
    (job.checkpoints / "0000000120 (copy)").mkdir()
    (job.checkpoints / "0000000999").mkdir()  # an empty one
    shutil.copytree(job.checkpoint(80), job.checkpoints / "0000000998")  # another one's
    state = fresh_state(CONFIG, 0, CPU)
    resume(state, CONFIG, job, World(0, 1, CPU))
    assert state.images == 120
    said = capsys.readouterr().err
    assert "0000000120 (copy) is no checkpoint: left alone" in said
    assert "0000000999 is damaged (checksums.json is missing): the one before it is taken" in said
    assert "0000000998 holds the state after 80 images, not what its name says: the one before it is taken" in said
    run_inside(CONFIG, job.root)
    names = sorted(path.name for path in job.checkpoints.iterdir())
    assert names == ["0000000120", "0000000120 (copy)", "0000000160"]


def test_records_come_back_from_the_checkpoint(job, stopped, capsys):
    job.environment.write_text("[1, 2]")
    job.metrics.unlink()
    job.best.write_bytes(b"damaged")
    job.modes.unlink()
    resume(fresh_state(CONFIG, 0, CPU), CONFIG, job, World(0, 1, CPU))
    assert job.points() == stopped.points()
    assert read_environment(job.environment) == read_environment(stopped.environment)
    assert best_facts(job) == best_facts(stopped)
    assert job.modes.read_bytes() == stopped.modes.read_bytes()
    said = capsys.readouterr().err
    assert f"{job.environment} is damaged: it is written again" in said
    assert f"{job.metrics} had missing points: 3 points are the checkpoint's own" in said


def test_a_fresh_start_keeps_nothing_of_an_earlier_one_but_sound_points(job, stopped):
    shutil.rmtree(job.checkpoints)
    job.environment.write_text("")
    job.metrics.write_text(as_lines(stopped.points()[:1]) + "torn")
    resume(fresh_state(CONFIG, 0, CPU), CONFIG, job, World(0, 1, CPU))
    assert not job.environment.exists()
    assert not job.best.exists()
    assert not job.modes.exists()
    assert job.points() == stopped.points()[:1]


def damage_something(job, rng):
    """Something that happens to disks and people. Returns what was done."""
    files = [path for path in job.root.rglob("*") if path.is_file() and path.suffix in (".json", ".jsonl", ".pt")]
    files += list(job.root.rglob("*.safetensors"))
    path = rng.choice([path for path in sorted(files) if path != job.config])
    content, kind = path.read_bytes(), rng.choice(["flip", "flip", "zeros", "cut", "empty", "append", "stray", "lost"])
    place = rng.randrange(len(content))
    if kind == "flip":
        flipped = content[place] ^ (1 << rng.randrange(8))
        path.write_bytes(content[:place] + bytes([flipped]) + content[place + 1 :])
    elif kind == "zeros":
        length = min(len(content) - place, 4096)
        path.write_bytes(content[:place] + bytes(length) + content[place + length :])
    elif kind == "cut":
        path.write_bytes(content[:place])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "append":
        path.write_bytes(content + rng.randbytes(rng.choice([1, 4096])))
    elif kind == "lost":
        path.unlink()
    else:
        shutil.copytree(job.checkpoint(80), job.checkpoints / rng.choice(["0000000200", "old", "00000001200"]))
    return f"{kind} {path.relative_to(job.root)} at {place}"


def check_damages(stopped, tmp_path, count, seed):
    """After every one of `count` random damages: the state is that of a sound checkpoint, the records are as they were,
    and whatever was not is said."""
    sound = {}
    for images in ENDS:
        job = JobDir(tmp_path / f"sound{images}")
        shutil.copytree(stopped.root, job.root)
        for folder in job.checkpoint_folders():
            if int(folder.name) != images:
                shutil.rmtree(folder)
        state = fresh_state(CONFIG, 0, CPU)
        load_newest(state, CONFIG, job)
        sound[images] = everything(state)
    rng, points, found = random.Random(seed), stopped.points(), []
    for i in range(count):
        job = JobDir(tmp_path / f"damaged{i}")
        shutil.copytree(stopped.root, job.root)
        done = damage_something(job, rng)
        state = fresh_state(CONFIG, 0, CPU)
        folder, problems = load_newest(state, CONFIG, job)
        assert everything(state) == sound[state.images], done
        assert state.images == 120 or problems, done
        resume(copy.copy(state), CONFIG, job, World(0, 1, CPU))
        kept = job.points()
        assert kept == points[: len(kept)], done
        assert [point["images"] for point in kept if point["images"] <= state.images] == [40, 80, 120][
            : state.images // 40
        ], done
        assert read_environment(job.environment) == read_environment(stopped.environment), done
        assert job.best.read_bytes() == (folder / job.best.name).read_bytes(), done
        found.append(state.images)
        shutil.rmtree(job.root)
    assert {80, 120} == set(found)


def test_random_damages_are_seen_or_harmless(stopped, tmp_path, capsys):
    check_damages(stopped, tmp_path, 25, 0)


@pytest.mark.slow
def test_four_hundred_random_damages_are_seen_or_harmless(stopped, tmp_path, capsys):
    check_damages(stopped, tmp_path, 400, 1)


def test_json_in_a_job_directory_that_is_not_what_was_written_is_one_sentence(job, capsys):
    from r3gan.__main__ import main

    for text in ("", "[]", "null", "{", '{"a": 1}', "\x00\x00"):
        job.config.write_text(text)
        assert main(["train", str(job.root)]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"error: {job.config}: "), (text, said)
        assert len(said.splitlines()) == 1
    assert json.loads(job.environment.read_text())

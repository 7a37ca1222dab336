"""Beginning in another job's state: the same bits as without, or the own start, whatever is killed or damaged."""

import random
import shutil
import signal
import subprocess
import time
from dataclasses import asdict, replace

import pytest

from r3gan.beginning import Beginning, Sharing, can_begin, latest_beginning, read_inherited
from r3gan.config import AttentionConfig, LossPhase, Schedule
from r3gan.files import read_object, write_json
from r3gan.identity import state_identity
from r3gan.training import loop
from r3gan.training.adopt import adopt
from r3gan.training.steps import discriminator_step
from tests.r3gan.small import constant, small_config
from tests.r3gan.training.test_train import (
    ROOT,
    assert_equal_weights,
    command,
    final_weights,
    make_job,
    run_inside,
    run_process,
    without_times,
)

SMALL = replace(small_config(), evaluation=replace(small_config().evaluation, keep_best="digits"))
HINGE = LossPhase("relativistic-hinge", from_fraction=0.5)
SWITCH = replace(SMALL, loss=(LossPhase(), HINGE))  # at 80 of 160 images
LATER = replace(SMALL, loss=(LossPhase(), replace(HINGE, from_fraction=0.75)))


def keeping(folder, config, images):
    """A job that keeps a checkpoint for others."""
    job = make_job(folder, config)
    write_json(job.sharing, asdict(Sharing(keep=(images,))))
    return job


def heir(folder, config, donor, images):
    job = make_job(folder, config)
    beginning = Beginning(name="donor/0", identity="abc", folder=f"../{donor.root.name}", images=images)
    write_json(job.sharing, asdict(Sharing(begins_in=beginning)))
    return job


@pytest.fixture(scope="module")
def donor(tmp_path_factory):
    job = keeping(tmp_path_factory.mktemp("shared") / "donor", SMALL, 80)
    run_inside(SMALL, job.root)
    return job


@pytest.fixture
def copy(donor, tmp_path):
    """Of the donor, to be damaged."""
    job = keeping(tmp_path / "donor", SMALL, 80)
    shutil.copytree(donor.root, job.root, dirs_exist_ok=True)
    return job


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return run_inside(SWITCH, tmp_path_factory.mktemp("alone"))[0]


def assert_same(job, other):
    assert_equal_weights(final_weights(job), final_weights(other))
    assert without_times(job) == without_times(other)
    for files in (lambda one: one.samples.iterdir(), lambda one: one.last_checkpoint().glob("*.safetensors")):
        ours, theirs = ({path.name: path.read_bytes() for path in files(one)} for one in (job, other))
        assert ours == theirs != {}


def test_the_kept_checkpoint_stays_beside_the_newest(donor):
    assert [int(folder.name) for folder in donor.checkpoint_folders()] == [160, 120, 80]


def test_a_job_that_begins_in_another_ends_like_one_that_trained_it_all(copy, tmp_path, alone, monkeypatch):
    job, steps = heir(tmp_path / "heir", SWITCH, copy, 80), []

    def counted(state, *rest):
        steps.append(state.images)
        return discriminator_step(state, *rest)

    monkeypatch.setattr(loop, "discriminator_step", counted)
    run_inside(SWITCH, job.root)
    assert steps == list(range(80, 160, 8))
    assert_same(job, alone)
    inherited = read_inherited(job)
    assert (inherited.name, inherited.identity, inherited.images) == ("donor/0", "abc", 80)
    assert inherited.seconds == next(point["seconds"] for point in copy.points() if point["images"] == 80)


def test_stopped_after_the_fork_it_goes_on_from_its_own_checkpoint(copy, tmp_path, alone):
    job = heir(tmp_path / "heir", SWITCH, copy, 80)
    calls = iter(range(99))
    run_inside(SWITCH, job.root, should_stop=lambda: next(calls) == 6)
    shutil.rmtree(copy.root)
    run_inside(SWITCH, job.root)
    assert_same(job, alone)
    assert read_inherited(job).images == 80


def test_what_is_taken_over_says_the_heirs_configuration_like_files_of_its_own(tmp_path):
    often = replace(SMALL.evaluation, every_kimg=0.04)
    before, config = replace(SMALL, evaluation=often, total_kimg=0.08), replace(SWITCH, evaluation=often)
    donor, alone = keeping(tmp_path / "donor", before, 80), keeping(tmp_path / "alone", config, 80)
    run_inside(before, donor.root)
    run_inside(config, alone.root)
    job = heir(tmp_path / "heir", config, donor, 80)
    content = read_object(donor.environment)["dataset"]["content_hash"]
    assert list(adopt(job, config, content)) == []
    (folder,), own = job.checkpoint_folders(), alone.checkpoint(80)
    names = {path.name for path in own.glob("*.safetensors")}
    assert {"best.safetensors", "discriminator.safetensors", "ema.safetensors", "generator.safetensors"} == names
    assert all((folder / name).read_bytes() == (own / name).read_bytes() for name in names)


def damage_weights(donor):
    path = donor.checkpoint(80) / "ema.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def remove(donor):
    shutil.rmtree(donor.checkpoint(80))


def retrain(donor):
    write_json(donor.config, asdict(replace(SMALL, batch_size=16)))


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (damage_weights, "is damaged (ema.safetensors is not what was written)"),
        (lambda donor: cut(donor.checkpoint(80) / "generator.safetensors"), "is damaged (generator.safetensors is not"),
        (lambda donor: flip(donor.checkpoint(80) / "state.pt"), "is damaged (state.pt is not"),
        (lambda donor: flip(donor.checkpoint(80) / "metrics.jsonl"), "is damaged (metrics.jsonl is not"),
        (lambda donor: (donor.checkpoint(80) / "environment.json").unlink(), "is damaged (environment.json is "),
        (lambda donor: cut(donor.config), "config.json is not what was written"),
        (lambda donor: donor.config.write_text("[]"), "config.json is not what was written"),
        (lambda donor: shutil.rmtree(donor.root), "there is no checkpoint"),
        (remove, "there is no checkpoint"),
        (retrain, "was trained or measured under another configuration"),
    ],
)
def test_without_a_sound_state_it_says_why_and_trains_from_its_own_start(copy, tmp_path, alone, capsys, harm, why):
    harm(copy)
    job = heir(tmp_path / "heir", SWITCH, copy, 80)
    run_inside(SWITCH, job.root)
    said = capsys.readouterr().err
    assert "warning: does not begin in donor/0 at 0.08 kimg: " in said
    assert why in said
    assert_same(job, alone)
    assert read_inherited(job) is None


@pytest.mark.parametrize("harm", [cut, flip])
def test_samples_that_are_damaged_are_named_and_not_inherited(copy, tmp_path, harm):
    harm(copy.sample(80))
    job = heir(tmp_path / "heir", SWITCH, copy, 80)
    content = read_object(copy.environment)["dataset"]["content_hash"]
    assert list(adopt(job, SWITCH, content)) == [f"leaves out the samples {copy.sample(80)}, which are damaged"]
    assert read_inherited(job).images == 80
    assert not job.sample(80).exists()


def test_a_longer_training_goes_on_from_the_end_of_a_shorter_one(tmp_path):
    """What the shorter one has measured at its end alone is no part of the longer one's records."""
    at_end = replace(SMALL, evaluation=replace(SMALL.evaluation, at_end=("digits",), metrics=("digits",)))
    longer = replace(at_end, total_kimg=0.24)
    assert latest_beginning(longer, at_end) == 160
    short, _ = run_inside(at_end, tmp_path / "short")
    assert any(key.startswith("best_") for key in short.points()[-1]["metrics"])
    through, _ = run_inside(longer, tmp_path / "through")
    job = heir(tmp_path / "heir", longer, short, 160)
    run_inside(longer, job.root)
    assert_same(job, through)


def test_an_inverse_square_root_goes_on_in_longer_trainings_from_the_same_bits(tmp_path):
    lr = Schedule(2e-3, 0.0, 40, 16, shape="inverse-sqrt")
    short = replace(SMALL, schedules=replace(SMALL.schedules, lr=lr))
    short = replace(short, evaluation=replace(SMALL.evaluation, every_kimg=0.16, keep_best=None))
    longer = replace(short, total_kimg=0.32)
    assert latest_beginning(longer, short) == 160
    donor, _ = run_inside(short, tmp_path / "short")
    through, _ = run_inside(longer, tmp_path / "through")
    job = heir(tmp_path / "heir", longer, donor, 160)
    run_inside(longer, job.root)
    assert read_inherited(job).images == 160
    assert_same(job, through)
    last_steps = {point["images"] - 8: point["metrics"]["lr"] for point in job.points()}
    assert last_steps == pytest.approx({n: 2e-3 * (40 / max(n, 40)) ** 0.5 for n in range(32, 320, 40)})


def test_a_training_that_ends_out_of_turn_is_not_gone_on_from_at_its_end():
    short, longer = replace(SMALL, total_kimg=0.136), SMALL
    assert not can_begin(longer, short, 136)  # a point, and averages of fewer steps, that the longer one has not
    assert latest_beginning(longer, short) == 128


def test_other_measurements_are_not_inherited():
    often = replace(SWITCH, evaluation=replace(SWITCH.evaluation, every_kimg=0.04))
    assert latest_beginning(often, SMALL) == 0
    assert latest_beginning(replace(SWITCH, log_every_kimg=0.08), SMALL) == 0
    assert latest_beginning(replace(SWITCH, checkpoint_every_kimg=0.08), SMALL) == 80


def draw(rng):
    """A configuration, of few values each, so that pairs often begin alike."""
    schedules = replace(SMALL.schedules, lr=Schedule(1e-3, rng.choice([1e-3, 2e-3]), 160, rng.choice([0, 40])))
    if schedules.lr.start == schedules.lr.end:
        schedules = replace(schedules, lr=replace(schedules.lr, decay_img=0))
    if rng.random() < 0.3:
        lr = Schedule(1e-3, 0.0, rng.choice([84, 120]), rng.choice([0, 40]), shape="inverse-sqrt")
        schedules = replace(schedules, lr=lr)
    phases = [LossPhase()]
    for place in sorted(rng.sample([24, 48, 60, 96], rng.randint(0, 2))):
        kind = rng.choice(["relativistic-hinge", "relativistic-softplus"])
        phases.append(LossPhase(kind, margin=rng.choice([1.0, 2.0]), from_kimg=place / 1000))
    attention = AttentionConfig(resolutions=rng.choice([(), (), (8,)]), heads=1)
    return replace(
        SMALL,
        seed=rng.choice([0, 0, 1]),
        total_kimg=rng.choice([0.12, 0.16]),
        loss=tuple(phases),
        schedules=replace(schedules, gamma=constant(rng.choice([1.0, 1.0, 2.0]))),
        network=replace(SMALL.network, attention=attention),
    )


def test_the_latest_beginning_is_the_last_image_with_equal_states():
    rng = random.Random(0)
    found = set()
    for _ in range(300):
        one, other = draw(rng), draw(rng)
        steps = range(8, min(one.total_img, other.total_img) + 8, 8)
        equal = [n for n in steps if can_begin(one, other, n)]
        assert latest_beginning(one, other) == max(equal, default=0)
        same = [n for n in steps if state_identity(one, n) == state_identity(other, n)]
        assert same == list(steps[: len(same)])  # states that have parted stay apart
        found.add(latest_beginning(one, other))
    assert len(found) > 5


@pytest.mark.slow
def test_equal_keys_mean_equal_weights_and_different_keys_different_ones(tmp_path):
    rng = random.Random(1)
    outcomes = set()
    for i in range(24):
        one, other = (
            replace(draw(rng), total_kimg=0.12, evaluation=replace(SMALL.evaluation, every_kimg=1)) for _ in "ab"
        )
        images = rng.choice(range(8, 120, 8))
        jobs = [keeping(tmp_path / f"{i}{name}", config, images) for name, config in (("a", one), ("b", other))]
        for job, config in zip(jobs, (one, other), strict=True):
            run_inside(config, job.root)
        ours, theirs = ((job.checkpoint(images) / "generator.safetensors").read_bytes()[-1000:] for job in jobs)
        is_equal = state_identity(one, images) == state_identity(other, images)
        assert (ours == theirs) == is_equal, (one, other, images)
        outcomes.add(is_equal)
    assert outcomes == {True, False}


@pytest.mark.slow
@pytest.mark.timeout(900)  # five starts of a job, of two ranks each under torchrun
@pytest.mark.parametrize("ranks", [1, 2])
def test_killed_on_both_sides_of_the_fork_it_ends_with_the_same_bits(tmp_path, ranks):
    long = {"total_kimg": 0.64, "log_every_kimg": 0.08, "checkpoint_every_kimg": 0.088}
    long["evaluation"] = replace(SMALL.evaluation, every_kimg=0.32)
    donor_config, config = replace(SMALL, **long), replace(SWITCH, **long)
    through = run_process(make_job(tmp_path / "through", config), ranks)
    donor = keeping(tmp_path / "donor", donor_config, 320)
    job = heir(tmp_path / "heir", config, donor, 320)
    for one, points in ((donor, 2), (job, 5)):
        process = subprocess.Popen(command(one, ranks), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(one.points()) < points:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not one.finished()
        run_process(one, ranks)
    assert read_inherited(job).images == 320
    assert_same(job, through)

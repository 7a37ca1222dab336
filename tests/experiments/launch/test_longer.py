"""A raised total_kimg goes on from the end of the finished training, or it is said why not, by the key."""

import json
from dataclasses import replace

import pytest

from experiments.launch.execution import Execution
from experiments.launch.job_states import look_into_all
from experiments.launch.longer import obstacles, trained_anew
from experiments.launch.scheduler import Task, prepare_directory
from experiments.launch.sharing import find_starts
from experiments.run import main
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.config import LossPhase, Schedule
from r3gan.jobdir import JobDir
from r3gan.provenance import source_hash
from tests.experiments.launch.test_sharing import HOW
from tests.r3gan.small import small_config

SHORT = small_config()  # 160 images
LONG = replace(SHORT, total_kimg=0.24)
SWITCH = (LossPhase(), LossPhase(kind="relativistic-hinge", from_fraction=0.5))
MOVED = "loss.1.from_fraction 0.5 is 0.12 kimg, and was 0.08"


def decaying(images):
    return replace(SHORT.schedules, lr=Schedule(2e-3, 1e-3, images))


def falling(images):
    return replace(SHORT.schedules, lr=Schedule(2e-3, 0.0, images, shape="inverse-sqrt"))


def with_evaluation(config, every):
    return replace(config, evaluation=replace(config.evaluation, every_kimg=every))


@pytest.mark.parametrize(
    ("config", "other", "expected"),
    [
        (LONG, SHORT, []),
        (replace(LONG, schedules=decaying(160)), replace(SHORT, schedules=decaying(160)), []),
        (
            replace(LONG, schedules=decaying(240.0)),
            replace(SHORT, schedules=decaying(160.0)),
            ["schedules.lr.decay_img is 240, and was 160"],
        ),
        (replace(LONG, schedules=falling(40)), replace(SHORT, schedules=falling(40)), []),
        (
            replace(LONG, schedules=falling(40.0)),
            replace(SHORT, schedules=replace(falling(40.0), lr=Schedule(2e-3, 0.0, 40.0))),
            ["schedules.lr.shape is inverse-sqrt, and was cosine"],
        ),
        (replace(LONG, loss=SWITCH), replace(SHORT, loss=SWITCH), [MOVED]),
        (
            replace(LONG, loss=(SWITCH[0], replace(SWITCH[1], from_fraction=None, from_kimg=0.08))),
            replace(SHORT, loss=(SWITCH[0], replace(SWITCH[1], from_fraction=None, from_kimg=0.08))),
            [],
        ),
        (with_evaluation(LONG, 0.12), SHORT, ["evaluation.every_kimg is 0.12, and was 0.08"]),
        (
            with_evaluation(LONG, 0.12),
            with_evaluation(SHORT, 0.12),
            ["evaluation.every_kimg is 0.12, of which 0.16 kimg is no multiple"],
        ),
    ],
    ids=[
        "alike",
        "absolute decay",
        "tied decay",
        "decay without end",
        "another shape",
        "moved switch",
        "absolute switch",
        "evaluation",
        "out of turn",
    ],
)
def test_what_keeps_a_longer_training_from_going_on_is_named_by_its_key(config, other, expected):
    assert obstacles(config, other) == expected


@pytest.fixture
def plan_of(write_study):
    """A function that makes the plan of a study with seed 0, for some length."""

    def make(**settings):
        study = read_study(write_study(("seeds: [0, 1]", "seeds: [0]")))
        return make_plan(study, None, {}, settings).jobs

    return make


def finish(jobs, output, sources=None, images=160):
    """Make the folders of finished jobs, without any training."""
    for job in jobs:
        folder = JobDir(job.directory(output))
        prepare_directory(Task(job, folder))
        folder.checkpoint(images).mkdir(parents=True)
        folder.result.write_text("{}")
        stretch = {"code": {"sources": sources or source_hash()}}
        folder.environment.write_text(json.dumps(HOW | {"trained_by": [stretch]}))


def said(jobs, output, **more):
    execution, findings = Execution(output=output, **more), look_into_all(jobs, output)
    return list(trained_anew(jobs, findings, find_starts(jobs, findings, execution), execution))


def test_the_jobs_of_a_plan_that_train_anew_are_listed_with_the_reason(plan_of, tmp_path):
    finish(plan_of(), tmp_path)
    longer = plan_of(total_kimg=0.24)
    begins = "not from the end of the shorter training (0.16 kimg)"
    assert said(longer, tmp_path) == [f"{begins}: stacked-digits/switch/0, stacked-digits/both/0: {MOVED}"]
    assert said(longer, tmp_path, sharing=False) == []
    assert said(plan_of(), tmp_path) == []
    assert said(plan_of(total_kimg=0.08), tmp_path) == []  # none of these is shorter


@pytest.mark.parametrize(
    ("left", "reason"),
    [
        ({"sources": "other"}, "other code has trained it, or other ranks, or another --penalty-form"),
        ({"images": 80}, "{folder} has no checkpoint of its end"),
    ],
    ids=["other code", "no checkpoint"],
)
def test_a_shorter_training_whose_end_cannot_be_had_is_named_too(plan_of, tmp_path, left, reason):
    (baseline, *_) = plan_of()
    finish([baseline], tmp_path, **left)
    (longer, *_) = plan_of(total_kimg=0.24)
    text = reason.format(folder=baseline.directory(tmp_path))
    assert said([longer], tmp_path) == [
        f"not from the end of the shorter training (0.16 kimg): stacked-digits/baseline/0: {text}"
    ]


def test_the_dry_run_says_it(plan_of, write_study, tmp_path, capsys):
    finish(plan_of(), tmp_path / "runs")
    study = write_study(("seeds: [0, 1]", "seeds: [0]"))
    arguments = ["--dry-run", "--no-costs", "--output", str(tmp_path / "runs"), "--set", "total_kimg=0.24"]
    assert main([str(study), *arguments]) == 0
    printed = capsys.readouterr().out
    assert f"stacked-digits/switch/0, stacked-digits/both/0: {MOVED}" in printed
    assert "from baseline at 0.16 kimg" in " ".join(printed.split())

import json
from dataclasses import replace

import pytest
import torch

from r3gan.config_checks import find_problems
from r3gan.evaluation.best import keep_if_best, load_best
from r3gan.jobdir import JobDir
from r3gan.model.networks import Generator, initialise
from tests.r3gan.small import small_config, small_network
from tests.r3gan.training.test_train import run_inside


def best_config(**changes):
    config = small_config()
    return replace(config, evaluation=replace(config.evaluation, keep_best="digits", **changes))


def test_only_a_better_value_replaces_the_best_weights(tmp_path):
    job, config = JobDir(tmp_path), best_config()
    generator = Generator(small_network())
    for images, d_kl in ((40, float("nan")), (80, 3.0), (160, 2.0), (240, 2.5), (320, float("nan"))):
        initialise(generator, images, "generator")
        keep_if_best(job, config, generator, images, {"d_kl": d_kl, "modes": 1.0})
    found = Generator(small_network())
    assert load_best(job, found) == 160
    initialise(generator, 160, "generator")
    assert all(torch.equal(a, b) for a, b in zip(found.parameters(), generator.parameters(), strict=True))


def test_the_best_weights_are_scored_anew_on_other_samples(tmp_path):
    job, _ = run_inside(best_config(), tmp_path)
    lines = [line["metrics"] for line in job.points() if "d_kl" in line["metrics"]]
    least, best = min(range(len(lines)), key=lambda i: lines[i]["d_kl"]), lines[-1]
    assert best["best_kimg"] == pytest.approx(0.08 * (least + 1))
    assert best["best_d_kl"] != lines[least]["d_kl"]
    assert best["best_d_kl"] == pytest.approx(lines[least]["d_kl"], rel=0.2)
    assert job.best.exists()


def test_without_being_asked_nothing_is_kept(tmp_path):
    job, _ = run_inside(small_config(total_kimg=0.08), tmp_path)
    assert not job.best.exists()
    assert not [key for key in json.loads(job.metrics.read_text().splitlines()[-1])["metrics"] if "best" in key]


def test_a_metric_named_twice_is_a_problem():
    evaluation = replace(small_config().evaluation, metrics=("digits", "digits"), at_end=("fid", "digits"))
    found = find_problems(small_config(evaluation=evaluation))
    assert [problem.path[1:] for problem in found] == [("metrics", 1), ("at_end", 1)]


@pytest.mark.parametrize(
    ("best", "words"), [("fid", "not among evaluation.metrics"), ("precision-recall", "several numbers")]
)
def test_a_choice_that_cannot_be_made_is_a_problem(best, words):
    config = small_config()
    config = replace(config, evaluation=replace(config.evaluation, keep_best=best))
    assert any(words in problem.message for problem in find_problems(config))

"""Searches: what decides their identity, and the jobs of a trial."""

import pytest

from experiments.study.tune_section import SHARED
from r3gan.identity import configuration_identity

NO_PRUNER = "pruner: none"


def test_the_budget_and_who_runs_it_are_not_part_of_the_identity(search):
    one = search()
    other = search(("trials: 3", "trials: 9\n  kimg: 100\n  minutes: 5\n  workers: 2\n  storage: journal:x"))
    assert one.identity == other.identity
    assert other.budget.trials == 9


@pytest.mark.parametrize(
    ("old", "new", "comparable"),
    [
        ("sampler: random", "sampler: tpe", True),
        ("sampler: random", "sampler: {kind: random, seed: 1}", True),
        (NO_PRUNER, "pruner: median", True),
        ("[3, 300]", "[3, 301]", True),
        ("[1000]", "[1001]", False),
        ("{metric: d_kl}", "{metric: d_kl, at: best}", False),
    ],
)
def test_all_that_decides_the_proposals_is_part_of_the_identity(search, old, new, comparable):
    one, other = search(), search((old, new))
    assert one.identity != other.identity
    assert (one.comparison == other.comparison) == comparable


def test_another_configuration_is_another_search(search):
    one, other = search(), search(settings={"schedules.lr.end": 1e-4})
    assert one.identity != other.identity
    assert one.comparison != other.comparison


def test_a_trial_trains_every_variant_of_a_seed_before_the_next_seed(search):
    made = search(("seeds: [1000]", "seeds: [7, 8]\n  shared: true\n  variants: [attention, switch]"))
    chosen = {"schedules.gamma.start": 50.0, "schedules.gamma.end": 30.0, "schedules.gamma.decay_img": 160.0}
    jobs = made.jobs(chosen | {"batch_size": 16})
    assert made.variant == SHARED
    assert [(job.variant, job.seed) for job in jobs] == [
        ("attention", 7),
        ("switch", 7),
        ("attention", 8),
        ("switch", 8),
    ]
    assert all(job.config.schedules.gamma.start == 50 and job.config.batch_size == 16 for job in jobs)
    assert jobs[0].differences == {"schedules.gamma.start": 50.0, "schedules.gamma.decay_img": 160.0, "batch_size": 16}
    assert made.trial_img == 4 * 160
    assert jobs[1].config.loss[1].margin == 2.0  # the variant's own


def test_without_a_change_the_jobs_are_the_variants_own(search):
    made = search()
    (job,) = made.jobs({})
    assert job.configuration == configuration_identity(made.configs["baseline"]) == job.comparison
    assert job.differences == {}

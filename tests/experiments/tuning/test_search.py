"""Searches: what decides their identity, the jobs of a trial, the variant's own setting, and what is refused."""

import pytest

from experiments.study.problems import StudyError
from experiments.study.study import read_study
from experiments.study.tune_section import SHARED
from experiments.tuning.make_searches import make_searches, tuning_seeds
from experiments.tuning.own_setting import own_setting, own_setting_is_within
from experiments.tuning.search_checks import rank_problems, seed_warnings
from r3gan.identity import configuration_identity

NO_PRUNER = "pruner: none"


def problems(searches, *replacements, **options):
    with pytest.raises(StudyError) as caught:
        searches(*replacements, **options)
    return "\n".join(str(problem) for problem in caught.value.problems)


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


def test_every_variant_gets_a_search_and_one_can_be_chosen(searches):
    several = ("seeds: [1000]", "seeds: [1000]\n  variants: [baseline, attention, both]")
    assert [s.variant for s in searches(several)] == ["baseline", "attention", "both"]
    assert [s.variant for s in searches(several, variant="both")] == ["both"]
    assert len({s.identity for s in searches(several)}) == 3
    assert "--variant: unknown variant atention; did you mean attention?" in problems(
        searches, several, variant="atention"
    )
    assert "--dataset: unknown dataset cifar" in problems(searches, dataset="cifar")


def test_the_own_setting_is_found_also_behind_names_and_constants(search):
    # gamma is constant (30) in the preset: its decay is any; batch_size is 8 in the study's baseline
    made = search()
    assert own_setting(made)["schedules.gamma.start"] == 30
    assert own_setting(made)["batch_size"] == 8
    assert own_setting_is_within(made)


def test_an_own_choice_is_recognised_by_what_it_means(search):
    loss = """loss:
      choice:
        plain: [{kind: relativistic-softplus}]
        switched: [{kind: relativistic-softplus}, {kind: relativistic-hinge, from_fraction: 0.9}]
    loss.1.from_fraction: {uniform: [0.2, 0.8], when: {loss: switched}}
    loss.1.margin: {log: [0.25, 4], when: {loss: switched}}
    batch_size:"""
    assert own_setting(search(("batch_size:", loss)))["loss"] == "plain"
    switch = search(("batch_size:", loss), ("seeds: [1000]", "seeds: [1000]\n  variants: [switch]"))
    own = own_setting(switch)
    assert (own["loss"], own["loss.1.from_fraction"], own["loss.1.margin"]) == ("switched", 0.5, 2.0)
    assert own_setting_is_within(switch)


@pytest.mark.parametrize(
    ("old", "new"),
    [("[3, 300]", "[3, 20]"), ("[8, 16]", "[16, 32]"), ("gamma.end: {value: 30}", "gamma.end: {value: 20}")],
)
def test_an_own_setting_outside_the_space_is_not_taken_for_one_inside(search, old, new):
    assert not own_setting_is_within(search((old, new)))


def test_seeds_that_no_profile_uses_are_chosen(write_tune, write_study):
    study = read_study(write_tune(("seeds: [1000]", "seeds: 3")))
    assert tuning_seeds(study, study.tune) == (1000, 1001, 1002)
    path = write_tune(("seeds: [1000]", "seeds: 3"))
    path.write_text(path.read_text().replace("seeds: [0, 1]", "seeds: [0, 1000, 1002]"))
    study = read_study(path)
    assert tuning_seeds(study, study.tune) == (1001, 1003, 1004)


def test_tuning_on_a_seed_that_is_compared_is_warned_about(write_tune, line_of):
    path = write_tune(("seeds: [1000]", "seeds: [1, 1000]"))
    study = read_study(path)
    made = make_searches(study, study.tune, {}, {"dataset": None, "variant": None})
    (warning,) = seed_warnings(study, made)
    assert f"study.yaml:{line_of(path, 'seeds: [1, 1000]')}" in warning
    assert "profile quick compares on [1]" in warning


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("{metric: d_kl}", "{metric: dkl}", "tune.objective.0.metric: unknown metric dkl; did you mean d_kl?"),
        (
            "{metric: d_kl}",
            "{metric: fid}",
            "fid is not measured on the way: add fid to evaluation.metrics (now digits)",
        ),
        ("{metric: d_kl}", "{metric: d_kl, direction: maximize}", "d_kl is better when lower: minimize"),
        ("{metric: d_kl}", "[]", "at least one is needed"),
        (
            "{metric: d_kl}",
            "[{metric: d_kl}, {metric: d_kl, at: best}]",
            "objective.1.metric: d_kl is an objective already",
        ),
        ("trials: 3", "kimg: 0.1", "tune.kimg: 0.1 is less than the 0.16 kimg of one trial on stacked-digits"),
        (
            NO_PRUNER,
            "pruner: {kind: median, warmup_kimg: 0.16}",
            "tune.pruner.warmup_kimg: 0.16 is not below the 0.16 kimg",
        ),
        (NO_PRUNER, "pruner: {kind: successive-halving, min_kimg: 0.0001}", "0.0001 is less than an image"),
        ("sampler: random", "sampler: {kind: random, startup_trials: 3}", "startup_trials is not for random"),
        ("sampler: random", "sampler: {kind: nsga-ii, population: 1}", "1 must be 2 or more"),
        (NO_PRUNER, "pruner: {kind: hyperband, min_kimg: 9}", "tune.pruner.min_kimg: 9 is not below the 0.16 kimg"),
        ("sampler: random", "sampler: tpee", "unknown value tpee; did you mean tpe?"),
        (NO_PRUNER, "pruner: {kind: median, min_kimg: 1}", "min_kimg is not for median"),
        (NO_PRUNER, "pruner: {kind: hyperband, reduction_factor: 1}", "1 must be 2 or more"),
        ("trials: 3", "trials: 0", "0 must be 1 or more"),
        ("trials: 3", "minutes: 0", "0 must be above 0"),
        ("trials: 3", "workers: 2", "needs a budget"),
        ("seeds: [1000]", "seeds: [3, 3]", "a list of distinct whole numbers"),
        ("seeds: [1000]", "seeds: 0", "a number of seeds was expected"),
        ("seeds: [1000]", "profile: quik", "unknown profile quik; did you mean quick?"),
        ("seeds: [1000]", "variants: [atention]", "unknown variant atention; did you mean attention?"),
        ("seeds: [1000]", "datasets: [mnist]", "unknown dataset mnist"),
        ("seeds: [1000]", "variants: [baseline, baseline]", "distinct names were expected"),
        ("trials: 3", "trails: 3", "unknown key trails; did you mean trials?"),
    ],
)
def test_a_section_that_cannot_work_is_refused(searches, old, new, part):
    found = problems(searches, (old, new))
    assert part in found
    assert "study.yaml:" in found


@pytest.mark.parametrize(
    ("key", "change"),
    [("evaluation", "evaluation: {weights: raw}"), ("total_kimg", "total_kimg: 0.32")],
)
def test_variants_whose_values_cannot_be_averaged_share_no_search(write_tune, key, change):
    path = write_tune(("seeds: [1000]", "seeds: [1000]\n  shared: true\n  variants: [baseline, other]"))
    path.write_text(path.read_text().replace("variants:\n", f"variants:\n  other:\n    {change}\n", 1))
    study = read_study(path)
    with pytest.raises(StudyError, match=f"tune.variants.1: other changes `{key}`: it cannot share a search"):
        make_searches(study, study.tune, {}, {"dataset": None, "variant": None})


@pytest.mark.parametrize(
    ("space", "odd"),
    [("choice: [8, 15]", 15), ("int: [8, 64]", 9), ("int: [8, 64], step: 8", None), ("log_int: [2, 64]", 3)],
)
def test_batch_sizes_that_the_ranks_cannot_share_are_found_before_anything_runs(search, space, odd):
    found = [str(problem) for problem in rank_problems(search(("choice: [8, 16]", space)), 2)]
    assert len(found) == (odd is not None)
    assert all(f"tune.space.batch_size: may be {odd}, which 2 ranks cannot share evenly" in text for text in found)
    assert list(rank_problems(search(("choice: [8, 16]", space)), 1)) == []


def test_two_objectives_cannot_be_pruned(searches, search):
    both = ("{metric: d_kl}", "[{metric: d_kl}, {metric: modes}]")
    assert [o.direction for o in search(both).objectives] == ["minimize", "maximize"]
    found = problems(searches, both, (NO_PRUNER, "pruner: median"))
    assert "tune.pruner: median cannot weigh 2 objectives: choose none" in found

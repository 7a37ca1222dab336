"""From the section to searches: their seeds, their variants, and the sections that are refused."""

import pytest

from experiments.study.problems import StudyError
from experiments.study.study import read_study
from experiments.tuning.make_searches import make_searches, tuning_seeds

NO_PRUNER = "pruner: none"


def test_every_variant_gets_a_search_and_one_can_be_chosen(searches, problems):
    several = ("seeds: [1000]", "seeds: [1000]\n  variants: [baseline, attention, both]")
    assert [s.variant for s in searches(several)] == ["baseline", "attention", "both"]
    assert [s.variant for s in searches(several, variant="both")] == ["both"]
    assert len({s.identity for s in searches(several)}) == 3
    assert "--variant: unknown variant atention; did you mean attention?" in problems(several, variant="atention")[0]
    assert "--dataset: unknown dataset cifar" in problems(dataset="cifar")[0]


def test_seeds_that_no_profile_uses_are_chosen(write_tune, write_study):
    study = read_study(write_tune(("seeds: [1000]", "seeds: 3")))
    assert tuning_seeds(study, study.tune) == (1000, 1001, 1002)
    path = write_tune(("seeds: [1000]", "seeds: 3"))
    path.write_text(path.read_text().replace("seeds: [0, 1]", "seeds: [0, 1000, 1002]"))
    study = read_study(path)
    assert tuning_seeds(study, study.tune) == (1001, 1003, 1004)


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
def test_a_section_that_cannot_work_is_refused(problems, old, new, part):
    found = problems((old, new))
    assert part in "\n".join(found)
    assert all("study.yaml:" in problem for problem in found)


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

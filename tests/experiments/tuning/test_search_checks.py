"""What stands in the way of a search is found before anything runs."""

import pytest

from experiments.study.study import read_study
from experiments.tuning.make_searches import make_searches
from experiments.tuning.search_checks import rank_problems, seed_warnings

GAMMA = "schedules.gamma.start: {log: [3, 300]}"
BATCH = "batch_size: {choice: [8, 16]}"
NO_PRUNER = "pruner: none"


def test_a_range_that_fails_at_one_end_only_is_found_before_anything_runs(problems):
    # 4 * 16 = 64 channels inside the blocks of the first stage: not divisible by 4 groups at every width
    (found,) = problems((GAMMA, "network.attention.resolutions: {choice: {ok: [8], bad: [16]}}"))
    assert "16 is not a resolution of this network" in found


def test_edges_are_tried_out_also_where_a_key_is_searched_under_a_rare_choice_only(problems):
    plain = "[{kind: relativistic-softplus}]"
    hinge = "[{kind: relativistic-softplus}, {kind: relativistic-hinge, from_fraction: 0.5}]"
    choice = ", ".join([f"c{i}: {plain}" for i in range(40)] + [f"rare: {hinge}"])
    more = f"loss: {{choice: {{{choice}}}}}\n    loss.1.margin: {{uniform: [-0.5, 4], when: {{loss: rare}}}}"
    (found,) = problems((BATCH, more))
    assert "tune.space.loss.1.margin: -0.5 must be above 0" in found


def test_tuning_on_a_seed_that_is_compared_is_warned_about(write_tune, line_of):
    path = write_tune(("seeds: [1000]", "seeds: [1, 1000]"))
    study = read_study(path)
    made = make_searches(study, study.tune, {}, {"dataset": None, "variant": None})
    (warning,) = seed_warnings(study, made)
    assert f"study.yaml:{line_of(path, 'seeds: [1, 1000]')}" in warning
    assert "profile quick compares on [1]" in warning


@pytest.mark.parametrize(
    ("space", "odd"),
    [
        ("value: 15", 15),
        ("value: 16", None),
        ("choice: [8, 15]", 15),
        ("int: [8, 64]", 9),
        ("int: [8, 64], step: 8", None),
        ("log_int: [2, 64]", 3),
    ],
)
def test_batch_sizes_that_the_ranks_cannot_share_are_found_before_anything_runs(search, space, odd):
    found = [str(problem) for problem in rank_problems(search(("choice: [8, 16]", space)), 2)]
    assert len(found) == (odd is not None)
    assert all(f"tune.space.batch_size: may be {odd}, which 2 ranks cannot share evenly" in text for text in found)
    assert list(rank_problems(search(("choice: [8, 16]", space)), 1)) == []


def test_two_objectives_cannot_be_pruned(problems, search):
    both = ("{metric: d_kl}", "[{metric: d_kl}, {metric: modes}]")
    assert [o.direction for o in search(both).objectives] == ["minimize", "maximize"]
    (found,) = problems(both, (NO_PRUNER, "pruner: median"))
    assert "tune.pruner: median cannot weigh 2 objectives: choose none" in found

"""What is read off the trials of searches, against values worked out by hand."""

import math

import pytest

from analysis.searches import (
    SearchResult,
    best_so_far,
    budget_notes,
    fairness_notes,
    history,
    importances,
    label,
    most_important,
    survival,
)
from tests.analysis.fake_searches import realistic, record, result, trial


@pytest.fixture
def search() -> SearchResult:
    trials = [
        trial(0, value=0.5, is_default=True),
        trial(1, "pruned", value=0.4),
        trial(2, value=0.3, ended=9000),  # the last one to end
        trial(3, "diverged", value=None),
        trial(4, value=0.4),
        trial(5, "interrupted"),
        trial(6, "waiting", value=None),
    ]
    return result(record(trials, budget={"trials": 5, "kimg": None, "minutes": None}))


def test_history_holds_the_spent_trials_and_the_best_complete_one_so_far(search: SearchResult) -> None:
    table = history(search, 0)
    assert table["number"].tolist() == [0, 1, 2, 3, 4]
    assert table["value"].fillna(-1).tolist() == [0.5, 1.6, 0.3, -1, 0.4]  # of the pruned one: at its first rung
    assert table["best"].tolist() == [0.5, 0.5, 0.3, 0.3, 0.3]


def test_best_is_the_highest_where_the_objective_is_maximised() -> None:
    trials = [trial(0, value=3.0), trial(1, value=5.0), trial(2, value=4.0)]
    search = result(record(trials, objectives=[{"metric": "modes", "direction": "maximize", "at": "last"}]))
    assert history(search, 0)["best"].tolist() == [3.0, 5.0, 5.0]
    best = search.best_in(0)
    assert best is not None
    assert best.number == 1


def test_best_so_far_adds_up_the_cost_of_all_trials_in_the_order_of_their_ends(search: SearchResult) -> None:
    table = best_so_far(search, 0, "kimg")
    assert table["cost"].tolist() == [24, 30, 36, 60, 84]
    assert table["best"].tolist() == [0.5, 0.5, 0.5, 0.4, 0.3]
    assert best_so_far(search, 0, "seconds")["cost"].tolist() == [60, 75, 90, 150, 210]


def test_survival_counts_who_was_evaluated_at_each_rung_and_who_ended_there(search: SearchResult) -> None:
    assert survival(search).to_numpy().tolist() == [[6, 4, 1], [12, 3, 0], [18, 3, 0], [24, 3, 0]]


def test_cost_leaves_out_what_another_attempt_took_over(search: SearchResult) -> None:
    assert search.cost("kimg") == 3 * 24 + 2 * 6
    assert search.default_value(0) == 0.5


def test_a_search_that_waits_is_not_over_and_unequal_costs_are_told(search: SearchResult) -> None:
    notes = budget_notes([search])
    assert len(notes) == 1
    assert "tpe+median is not over: 5 of 5 trials, 1 unfinished" in notes[0]
    other = result(record([trial(0)], sampler="random", pruner="none", tuning="b"))
    done = result(record([trial(0), trial(1)]))
    assert budget_notes([done, other]) == [
        "The searches spent different amounts (tpe+median 48 kimg, random 24 kimg): compare them at equal cost."
    ]
    assert budget_notes([done]) == []


def test_searches_are_named_by_what_sets_them_apart() -> None:
    first, second = result(record([trial(0)])), result(record([trial(0)], tuning="ffffffffff"))
    other = result(record([trial(0)], variant="attention"))
    assert label(first, [first]) == "tpe+median"
    assert [label(s, [first, second]) for s in (first, second)] == ["tpe+median (a1b2)", "tpe+median (ffff)"]
    assert label(other, [first, other]) == "attention, tpe+median"


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_parameter_that_decides_the_value_is_the_most_important(direction: str) -> None:
    data = realistic(60, 0, pruned=False)
    for one in data["trials"]:
        distance = abs(math.log(one["params"]["schedules.ema_half_life_img"] / 1000))
        one["values"] = [distance if direction == "minimize" else -distance]
    data["objectives"][0]["direction"] = direction
    found = importances(result(data), 0)
    assert isinstance(found, dict)
    assert next(iter(found)) == "schedules.ema_half_life_img"
    assert sum(found.values()) == pytest.approx(1)
    assert "loss" not in most_important(result(data), 0, 11, numeric=True)


def test_importances_of_few_or_equal_trials_are_a_sentence() -> None:
    assert "9 complete trials are too few" in str(importances(result(realistic(9, 0, pruned=False)), 0))
    same = [trial(n, value=0.5) for n in range(12)]
    assert "same value" in str(importances(result(record(same)), 0))


def test_variants_that_got_different_amounts_are_told_and_failures_are_not_counted_as_trials() -> None:
    first = result(record([trial(0)]))
    other = result(record([trial(0), trial(1)], variant="hinge", tuning="ffffffffff", comparison="1111111111"))
    (note,) = fairness_notes([first, other])
    assert "stacked-digits (tpe+median): baseline, tpe+median 24 kimg, hinge, tpe+median 48 kimg" in note
    assert fairness_notes([first]) == []
    broken = result(record([trial(0), trial(1, "failed", value=None)]))
    assert budget_notes([broken]) == ["tpe+median is not over: 1 of 2 trials, 0 unfinished."]

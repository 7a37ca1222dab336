"""What counts towards the budget of a search, and when one more trial may begin."""

import optuna
import pytest
from optuna.trial import TrialState

from experiments.tuning.budget import Budget, admit, counted
from experiments.tuning.trial_attributes import COST, OUTCOME, RETRIES, SURPLUS


@pytest.fixture
def trials():
    study = optuna.create_study()

    def add(state, kimg=None, repeats=None, surplus=False, outcome=None):
        attributes = ({COST: {"kimg": kimg, "seconds": 1.0}} if kimg else {}) | ({SURPLUS: True} if surplus else {})
        attributes |= {OUTCOME: outcome} if outcome else {}
        system = {RETRIES: repeats} if repeats else {}
        value = 1.0 if state == TrialState.COMPLETE else None
        study.add_trial(optuna.create_trial(state=state, value=value, user_attrs=attributes, system_attrs=system))

    add(TrialState.COMPLETE, 24)
    add(TrialState.PRUNED, 6)
    add(TrialState.FAIL, 12)  # taken over by number 6
    add(TrialState.FAIL, 1, outcome="failed")  # not the fault of its parameters
    add(TrialState.FAIL, 2, outcome="diverged")  # with two objectives
    add(TrialState.FAIL, surplus=True)
    add(TrialState.RUNNING, 3, repeats=[2])
    add(TrialState.WAITING)
    return study.trials


def test_attempts_that_others_took_over_and_failed_surplus_and_waiting_trials_do_not_count(trials):
    assert [trial.number for trial in counted(trials)] == [0, 1, 4, 6]


@pytest.mark.parametrize(
    ("budget", "minutes", "expected"),
    [
        (Budget(5, None, None), 0, "start"),
        (Budget(4, None, None), 0, "wait"),  # the one that runs may be killed and come again
        (Budget(None, 80, None), 0, "start"),  # 24 + 6 + 2 + a whole one that runs + a whole one more
        (Budget(None, 79.9, None), 0, "wait"),
        (Budget(None, None, 10), 9.9, "start"),
        (Budget(None, None, 10), 10, "stop"),
        (Budget(5, 79.9, 10), 1, "wait"),
    ],
)
def test_a_trial_begins_only_within_every_limit(trials, budget, minutes, expected):
    assert admit(budget, trials, 24, minutes) == expected


def test_with_nothing_running_a_spent_budget_is_the_end(trials):
    ended = [trial for trial in trials if trial.state != TrialState.RUNNING]
    assert admit(Budget(3, None, None), ended, 24, 0) == "stop"
    assert admit(Budget(None, 24, None), [], 24, 0) == "start"
    assert admit(Budget(None, 23.9, None), [], 24, 0) == "stop"

"""Every way to search a key: how it is read, shown, proposed, recognised and set, from its row alone."""

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from experiments.study.tune_section import ParameterSection
from experiments.tuning.parameter import KINDS, Parameter

NAMED = {"small": 8, "large": 16}
EXAMPLES = {  # kind -> the section's value, step, text, distribution, corners, whole values
    "uniform": ([8, 16], 4, "uniform 8 to 16, in steps of 4", FloatDistribution(8, 16, step=4), [8, 16], [8, 12, 16]),
    "log": ([8, 10], None, "log 8 to 10", FloatDistribution(8, 10, log=True), [8, 10], [8, 9, 10]),
    "int": ([8, 16], 4, "int 8 to 16, in steps of 4", IntDistribution(8, 16, step=4), [8, 16], [8, 12, 16]),
    "log-int": ([8, 10], None, "log-int 8 to 10", IntDistribution(8, 10, log=True), [8, 10], [8, 9, 10]),
    "choice": (NAMED, None, "small | large", CategoricalDistribution(("small", "large")), ["small", "large"], [8, 16]),
    "value": (8, None, "always 8", None, [], [8]),
}


def parameter(kind, value=None, step=None):
    value = EXAMPLES[kind][0] if value is None else value
    return Parameter(key="batch_size", kind=kind, step=step, **KINDS[kind].fields(value))


def test_there_is_an_example_of_every_kind_and_a_key_of_the_section_for_it():
    assert list(EXAMPLES) == list(KINDS)
    assert {row.section_key for row in KINDS.values()} == set(ParameterSection.model_fields) - {"step", "when"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_says_what_a_key_may_be(kind):
    value, step, text, distribution, corners, whole = EXAMPLES[kind]
    made = parameter(kind, step=step)
    assert list(made.row.problems(value, step)) == []
    assert made.text == text
    assert made.distribution == distribution
    assert made.row.is_searched == (distribution is not None)
    assert made.corners() == corners
    assert list(made.whole_values) == whole


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_trial_chooses_is_what_it_sets(kind):
    made = parameter(kind)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(10):
        trial = study.ask()
        chosen = made.suggest(trial)
        assert trial.distributions == ({} if made.distribution is None else {"batch_size": made.distribution})
        assert 8 <= made.setting(chosen) <= 16


@pytest.mark.parametrize(
    ("kind", "value", "step", "own"),
    [
        ("uniform", [4, 16], None, 8),
        ("uniform", [4, 16], 3, None),  # 4, 7, 10 ...
        ("log", [9, 16], None, None),
        ("int", [8, 16], 4, 8),
        ("log-int", [2, 7], None, None),
        ("choice", NAMED, None, "small"),
        ("choice", [16, 32], None, None),
        ("value", 16, None, 16),  # whether that is the variant's own is for own_setting_is_within to say
    ],
)
def test_a_kind_finds_a_configurations_own_value_or_that_it_is_not_there(search, kind, value, step, own):
    config = search().config
    assert config.batch_size == 8
    assert parameter(kind, value, step).own(config, lambda setting: setting == 8) == own


def test_only_the_values_of_a_choice_can_be_conditions():
    assert [name for name, row in KINDS.items() if row.has_conditions] == ["choice"]

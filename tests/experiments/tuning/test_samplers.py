"""Which sampler a section means, and what it proposes."""

from dataclasses import replace

import optuna
import pytest

from experiments.study.search_methods import SAMPLERS
from experiments.study.tune_section import SamplerSection
from experiments.tuning.samplers import make_sampler
from r3gan.tables.lookup import UnknownChoice


@pytest.mark.parametrize("kind", ["tpe", "random", "qmc", "nsga-ii", "nsga-iii"])
def test_every_sampler_proposes_within_the_space(search, kind):
    made = search(("sampler: random", f"sampler: {kind}"))
    study = optuna.create_study(sampler=make_sampler(made))
    for value in range(4):
        trial = study.ask()
        assert 3 <= made.space.suggest(trial)["schedules.gamma.start"] <= 300
        study.tell(trial, value)


def test_a_sequence_varies_conditional_parameters_too(search):
    hinge = "[{kind: relativistic-softplus}, {kind: relativistic-hinge, from_fraction: 0.5}]"
    space = f"loss: {{choice: {{hinge: {hinge}}}}}\n    loss.1.margin: {{log: [0.25, 4], when: {{loss: hinge}}}}"
    made = search(("batch_size: {choice: [8, 16]}", space), ("sampler: random", "sampler: qmc"))
    study = optuna.create_study()
    for number in range(6):
        study.sampler = make_sampler(made, number)
        trial = study.ask()
        made.space.suggest(trial)
        study.tell(trial, 1.0)
    assert len({trial.params["loss.1.margin"] for trial in study.trials}) == 6


def test_the_first_generation_is_as_large_as_asked(search):
    sampler = make_sampler(search(("sampler: random", "sampler: {kind: nsga-ii, population: 7}")))
    assert sampler.population_size == 7


def test_the_proposals_of_a_sampler_depend_on_its_seed_on_the_trials_and_on_the_slot(search):
    made, other = search(), search(("sampler: random", "sampler: {kind: random, seed: 1}"))

    def proposal(sampler):
        return made.space.suggest(optuna.create_study(sampler=sampler).ask())["schedules.gamma.start"]

    samplers = [make_sampler(made), make_sampler(made, 1), make_sampler(made, 0, 1), make_sampler(other)]
    assert len({proposal(sampler) for sampler in samplers}) == 4
    assert proposal(make_sampler(made, 5)) == proposal(make_sampler(made, 5))


def test_options_that_are_not_given_are_those_that_the_documentation_names(search):
    tpe = make_sampler(search(("sampler: random", "sampler: tpe")))
    assert f"`startup_trials` (default {tpe._n_startup_trials})" in SAMPLERS["tpe"].text
    for kind in ("nsga-ii", "nsga-iii"):
        assert make_sampler(search(("sampler: random", f"sampler: {kind}"))).population_size == 50
    assert "`population` (default 50)" in SAMPLERS["nsga-ii"].text


def test_an_unknown_sampler_is_an_error_that_lists_the_known_ones(search):
    made = replace(search(), sampler=SamplerSection.model_construct(kind="tpee", seed=0))
    with pytest.raises(UnknownChoice, match="unknown sampler tpee; did you mean tpe") as caught:
        make_sampler(made)
    assert str(caught.value).endswith(f"valid: {', '.join(SAMPLERS)}")

"""Which pruner a section means, with images as steps."""

from dataclasses import replace

import optuna
import pytest

from experiments.study.search_methods import PRUNERS
from experiments.study.tune_section import PrunerSection
from experiments.tuning.pruners import make_pruner
from r3gan.tables.lookup import UnknownChoice

PRUNER = "pruner: none"


def test_pruners_count_in_images(search):
    median = make_pruner(search((PRUNER, "pruner: {kind: median, startup_trials: 7, warmup_kimg: 0.08}")))
    assert isinstance(median, optuna.pruners.MedianPruner)
    assert (median._n_startup_trials, median._n_warmup_steps) == (7, 80)
    band = make_pruner(search((PRUNER, "pruner: hyperband"), ("seeds: [1000]", "seeds: [1, 2]")))
    assert isinstance(band, optuna.pruners.HyperbandPruner)
    assert (band._min_resource, band._max_resource, band._reduction_factor) == (80, 320, 3)
    halving = make_pruner(search((PRUNER, "pruner: {kind: successive-halving, min_kimg: 0.04, reduction_factor: 2}")))
    assert isinstance(halving, optuna.pruners.SuccessiveHalvingPruner)
    assert (halving._min_resource, halving._reduction_factor) == (40, 2)
    assert isinstance(make_pruner(search()), optuna.pruners.NopPruner)


def test_options_that_are_not_given_are_those_that_the_documentation_names(search):
    median = make_pruner(search((PRUNER, "pruner: median")))
    assert f"`startup_trials` (default {median._n_startup_trials})" in PRUNERS["median"].text
    assert f"`warmup_kimg` (default {median._n_warmup_steps})" in PRUNERS["median"].text
    band = make_pruner(search((PRUNER, "pruner: hyperband")))
    assert f"`reduction_factor` (default {band._reduction_factor})" in PRUNERS["hyperband"].text
    halving = make_pruner(search((PRUNER, "pruner: successive-halving")))
    assert f"(default {halving._reduction_factor})" in PRUNERS["successive-halving"].text


def test_an_unknown_pruner_is_an_error_that_lists_the_known_ones(search):
    made = replace(search(), pruner=PrunerSection.model_construct(kind="meddian"))
    with pytest.raises(UnknownChoice, match="unknown pruner meddian; did you mean median") as caught:
        make_pruner(made)
    assert str(caught.value).endswith(f"valid: {', '.join(PRUNERS)}")

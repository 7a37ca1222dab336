"""Optuna's pruners, as the `tune` section asks for them, with images as steps; rows: study/search_methods.py."""

from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner

from experiments.study.search_methods import (
    HALVING_FACTOR,
    HYPERBAND_FACTOR,
    PRUNER_STARTUP_TRIALS,
    PRUNERS,
    WARMUP_KIMG,
)
from experiments.tuning.search import Search
from r3gan.config import IMG_PER_KIMG
from r3gan.tables.lookup import row_of


def make_pruner(search: Search) -> BasePruner:
    """The search's pruner. Raises UnknownChoice."""
    pruner: BasePruner = row_of(PRUNERS, "pruner", search.pruner.kind).make(search)
    return pruner


def make_none(search: Search) -> BasePruner:
    """No trial is pruned."""
    return NopPruner()


def make_median(search: Search) -> BasePruner:
    """By the median of earlier trials at the same step."""
    spec = search.pruner
    startup = PRUNER_STARTUP_TRIALS if spec.startup_trials is None else spec.startup_trials
    return MedianPruner(startup, round((spec.warmup_kimg or WARMUP_KIMG) * IMG_PER_KIMG))


def make_hyperband(search: Search) -> BasePruner:
    """Successive halving in several brackets."""
    return HyperbandPruner(first_rung(search), search.trial_img, search.pruner.reduction_factor or HYPERBAND_FACTOR)


def make_successive_halving(search: Search) -> BasePruner:
    """Successive halving in one bracket."""
    return SuccessiveHalvingPruner(first_rung(search), search.pruner.reduction_factor or HALVING_FACTOR)


def first_rung(search: Search) -> int:
    """Images after which a trial may be ended at the earliest."""
    return round((search.pruner.min_kimg or search.config.evaluation.every_kimg) * IMG_PER_KIMG)

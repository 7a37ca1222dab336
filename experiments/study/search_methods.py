"""The tables of Optuna's samplers and pruners that a search may use. Loads no Optuna."""

from typing import NamedTuple

from r3gan.deferred import Deferred

# What an option is if the section does not say; all of them Optuna's own defaults.
SAMPLER_STARTUP_TRIALS, POPULATION = 10, 50
PRUNER_STARTUP_TRIALS, WARMUP_KIMG = 5, 0.0
HYPERBAND_FACTOR, HALVING_FACTOR = 3, 4


class SearchMethod(NamedTuple):
    """A sampler, or a pruner."""

    make: Deferred  # a sampler of (search, seed), a pruner of (search)
    options: tuple[str, ...]  # the keys of the section that it takes beside `kind`
    several_objectives: bool  # whether it can serve a search for the front of several
    text: str  # for documentation


SAMPLERS = {
    "tpe": SearchMethod(
        Deferred("experiments.tuning.samplers:make_tpe"),
        ("seed", "startup_trials"),
        True,
        f"tree-structured Parzen estimators; `startup_trials` (default {SAMPLER_STARTUP_TRIALS}) are random at first",
    ),
    "random": SearchMethod(Deferred("experiments.tuning.samplers:make_random"), ("seed",), True, "independent draws"),
    "qmc": SearchMethod(
        Deferred("experiments.tuning.samplers:make_qmc"), ("seed",), False, "a scrambled low-discrepancy sequence"
    ),
    "nsga-ii": SearchMethod(
        Deferred("experiments.tuning.samplers:make_nsga_ii"),
        ("seed", "population"),
        True,
        f"evolution; `population` (default {POPULATION}) of a generation, the first one random",
    ),
    "nsga-iii": SearchMethod(
        Deferred("experiments.tuning.samplers:make_nsga_iii"),
        ("seed", "population"),
        True,
        "the same for many objectives",
    ),
}

PRUNERS = {
    "median": SearchMethod(
        Deferred("experiments.tuning.pruners:make_median"),
        ("startup_trials", "warmup_kimg"),
        False,
        "ends a trial that is worse than the median at the same point; after `startup_trials` (default "
        f"{PRUNER_STARTUP_TRIALS}), and `warmup_kimg` (default {WARMUP_KIMG:g}) of a trial",
    ),
    "hyperband": SearchMethod(
        Deferred("experiments.tuning.pruners:make_hyperband"),
        ("min_kimg", "reduction_factor"),
        False,
        f"keeps one in `reduction_factor` (default {HYPERBAND_FACTOR}) at each rung, the first at "
        "`min_kimg` (default: the first evaluation), in several brackets",
    ),
    "successive-halving": SearchMethod(
        Deferred("experiments.tuning.pruners:make_successive_halving"),
        ("min_kimg", "reduction_factor"),
        False,
        f"the same in one bracket (default {HALVING_FACTOR})",
    ),
    "none": SearchMethod(Deferred("experiments.tuning.pruners:make_none"), (), True, "every trial runs to its end"),
}

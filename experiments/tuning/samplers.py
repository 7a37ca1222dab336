"""Optuna's samplers, as the `tune` section asks for them; their rows are in experiments/study/search_methods.py."""

from optuna.samplers import BaseSampler, NSGAIIISampler, NSGAIISampler, QMCSampler, RandomSampler, TPESampler

from experiments.study.search_methods import POPULATION, SAMPLER_STARTUP_TRIALS, SAMPLERS
from experiments.tuning.search import Search
from r3gan.identity import short_hash
from r3gan.tables.lookup import row_of


def make_sampler(search: Search, proposed: int = 0, slot: int = 0) -> BaseSampler:
    """The search's sampler, for the worker in a slot after so many proposals. Raises UnknownChoice.

    They are part of its seed: a search that goes on does not propose the same again.
    """
    seed = int(short_hash([search.sampler.seed, proposed, slot]), 16) % 2**32
    sampler: BaseSampler = row_of(SAMPLERS, "sampler", search.sampler.kind).make(search, seed)
    return sampler


def make_tpe(search: Search, seed: int) -> BaseSampler:
    """Multivariate; grouped where some keys are searched under a condition only."""
    startup = SAMPLER_STARTUP_TRIALS if search.sampler.startup_trials is None else search.sampler.startup_trials
    conditional = any(p.when for p in search.space.parameters)
    return TPESampler(n_startup_trials=startup, seed=seed, multivariate=True, group=conditional)


def make_random(search: Search, seed: int) -> BaseSampler:
    """Independent draws."""
    return RandomSampler(seed=seed)


def make_qmc(search: Search, seed: int) -> BaseSampler:
    """Its sequence goes on by itself, under the section's seed; conditional keys are not part of it."""
    return QMCSampler(
        seed=search.sampler.seed,
        scramble=True,
        independent_sampler=RandomSampler(seed),
        warn_asynchronous_seeding=False,
    )


def make_nsga_ii(search: Search, seed: int) -> BaseSampler:
    """Evolution for one objective or a few."""
    return NSGAIISampler(seed=seed, population_size=search.sampler.population or POPULATION)


def make_nsga_iii(search: Search, seed: int) -> BaseSampler:
    """Evolution for many objectives."""
    return NSGAIIISampler(seed=seed, population_size=search.sampler.population or POPULATION)

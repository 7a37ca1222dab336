"""What stands in the way of a search, checked before anything runs; and what its reader should be warned of."""

from collections.abc import Iterator

import optuna
from optuna.samplers import RandomSampler

from experiments.study.problems import StudyError, StudyProblem
from experiments.study.search_methods import PRUNERS, SAMPLERS
from experiments.study.study import Study
from experiments.tuning.search import Search
from r3gan.config import IMG_PER_KIMG

PROBES = 16  # random settings that are tried before anything runs, beside the edges of every range


def search_problems(search: Search) -> list[StudyProblem]:
    """Everything about a search that cannot work."""
    return [*_probe_problems(search), *_method_problems(search), *_length_problems(search)]


def _probe_problems(search: Search) -> Iterator[StudyProblem]:
    """What goes wrong at the edges of the ranges, and at some random settings."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    edges = [search.space.activating(p) | {p.key: corner} for p in search.space.searched for corner in p.corners()]
    for fixed in [*edges, *[{}] * PROBES]:
        if fixed:
            study.enqueue_trial(fixed)
        chosen = search.space.suggest(study.ask())
        for variant in search.configs:
            try:
                search.configured(variant, chosen)
            except StudyError as error:
                yield from error.problems
                return  # the first is enough: others are mostly the same with other numbers


def _method_problems(search: Search) -> Iterator[StudyProblem]:
    """Samplers and pruners that cannot do what is asked of them."""
    if len(search.objectives) == 1:
        return
    for name, kind, table in (("sampler", search.sampler.kind, SAMPLERS), ("pruner", search.pruner.kind, PRUNERS)):
        if not table[kind].several_objectives:
            able = ", ".join(other for other, row in table.items() if row.several_objectives)
            message = f"{kind} cannot weigh {len(search.objectives)} objectives: choose {able}"
            yield search.study.document.problem(("tune", name), message)


def _length_problems(search: Search) -> Iterator[StudyProblem]:
    """A budget, or a pruner, that no trial fits into."""
    trial_kimg, budget, pruner = search.trial_img / IMG_PER_KIMG, search.budget.kimg, search.pruner
    if budget is not None and budget < trial_kimg:
        message = f"{budget:g} is less than the {trial_kimg:g} kimg of one trial on {search.dataset}"
        yield search.study.document.problem(("tune", "kimg"), message)
    if pruner.min_kimg is not None and round(pruner.min_kimg * IMG_PER_KIMG) < 1:
        yield search.study.document.problem(
            ("tune", "pruner", "min_kimg"), f"{pruner.min_kimg:g} is less than an image"
        )
    for key in ("warmup_kimg", "min_kimg"):
        value = getattr(pruner, key)
        if value is not None and value >= trial_kimg:
            message = (
                f"{value:g} is not below the {trial_kimg:g} kimg of a trial on {search.dataset}: nothing is pruned"
            )
            yield search.study.document.problem(("tune", "pruner", key), message)


def rank_problems(search: Search, ranks: int) -> Iterator[StudyProblem]:
    """Batch sizes that the space holds and the ranks cannot share."""
    for p in search.space.parameters:
        if p.key != "batch_size":
            continue
        odd = next((size for size in p.whole_values if size % ranks), None)
        if odd is not None:
            message = f"may be {odd}, which {ranks} ranks cannot share evenly"
            yield search.study.document.problem(p.place, message)


def seed_warnings(study: Study, searches: list[Search]) -> Iterator[str]:
    """Tuning seeds that a profile compares with: what is chosen on a seed looks better there than it is."""
    for name, profile in study.profiles.items():
        datasets = {search.dataset for search in searches} & set(profile.datasets)
        shared = sorted({seed for search in searches for seed in search.seeds} & set(profile.seeds))
        if datasets and shared:
            where = study.document.where(("tune", "seeds"))
            yield f"{where}: tune.seeds: profile {name} compares on {shared} too: tuned variants need other seeds there"

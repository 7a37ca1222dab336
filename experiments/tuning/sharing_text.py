"""What the trials of a search share, in a sentence, before any of them has been trained."""

from optuna import create_study
from optuna.samplers import RandomSampler

from experiments.tuning.own_setting import own_setting, own_setting_is_within
from experiments.tuning.partings import partings
from experiments.tuning.search import Search
from r3gan.config import IMG_PER_KIMG
from r3gan.training.cost import Cost

FLOAT_BYTES = 4


def sharing_text(search: Search, cost: Cost | None) -> str:
    """Whether trials can begin in the states of others, what each of them keeps for that, and what that takes.

    It is said of the variant's own setting; of a random one, if the space does not hold that. cost: of a job.
    """
    is_own = own_setting_is_within(search)
    chosen = own_setting(search) if is_own else search.space.suggest(create_study(sampler=RandomSampler(seed=0)).ask())
    found = partings(search, next(iter(search.configs)), chosen)
    if found.from_the_start:
        return f"trials share no beginnings: {found.from_the_start} acts from the start"
    if not found.images:
        return "trials share no beginnings: whatever is searched acts from the start"
    places = ", ".join(f"{images / IMG_PER_KIMG:g}" for images in found.images)
    size = f", about {checkpoint_bytes(cost) / 1e6:.2g} MB each" if cost else ""
    return (
        f"trials share their beginnings where they part later: {'the own' if is_own else 'a'} setting's jobs keep "
        f"{len(found.images)} checkpoints for the others until the search is over{size}, at {places} kimg"
    )


def checkpoint_bytes(cost: Cost) -> int:
    """What a checkpoint takes: G, its moving average and D, and two moments of Adam for every weight of G and D."""
    return FLOAT_BYTES * (4 * cost.generator_parameters + 3 * cost.discriminator_parameters)

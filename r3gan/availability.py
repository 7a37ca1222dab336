"""What a sound configuration asks for and its dataset does not have. Needs no torch."""

from r3gan.config import TrainConfig
from r3gan.config_checks import Problem
from r3gan.data.catalog import DatasetUnavailable, dataset_row
from r3gan.data.facts import Facts
from r3gan.evaluation.protocol import metric_problems

RESOLUTION_KEY = ("network", "widths")  # whose number is the resolution


def availability_problems(config: TrainConfig) -> list[Problem]:
    """What does not fit together. Files that are missing are no problem yet."""
    try:
        row = dataset_row(config.dataset)
    except DatasetUnavailable as error:
        return [Problem(("dataset",), str(error))]
    return misfits(config, row.facts, row.storage.stacked_digits)


def misfits(config: TrainConfig, known: Facts, stacked_digits: bool = False) -> list[Problem]:
    """The same of a dataset of which so much is known."""
    problems = []
    ours, theirs = config.network.resolution, known.resolution
    if ours != theirs:
        stages = f"has {len(config.network.widths)} stages, for {ours}x{ours} images"
        problems.append(Problem(RESOLUTION_KEY, f"{stages}; {config.dataset} has {theirs}x{theirs}"))
    if config.network.conditional and not known.classes:
        problems.append(Problem(("network", "conditional"), f"needs labels, and {config.dataset} has none"))
    return problems + metric_problems(config.evaluation, stacked_digits, known.images)

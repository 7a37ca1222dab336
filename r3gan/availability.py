"""What a sound configuration asks for and its dataset does not have. Needs no torch."""

from r3gan.config import TrainConfig
from r3gan.config_checks import Problem
from r3gan.data.catalog import DatasetUnavailable, facts, unknown_dataset
from r3gan.evaluation.metrics import metric_problems


def availability_problems(config: TrainConfig) -> list[Problem]:
    """What a sound configuration asks for and its dataset does not have. Files that are missing are no problem yet."""
    try:
        known = facts(config.dataset)
    except DatasetUnavailable as error:
        return [Problem(("dataset",), str(error))]
    if known is None:
        return [Problem(("dataset",), unknown_dataset(config.dataset))]
    problems = []
    ours, theirs = config.network.resolution, known.resolution
    if ours != theirs:
        message = (
            f"has {len(config.network.widths)} stages, for {ours}x{ours} images; {config.dataset} has {theirs}x{theirs}"
        )
        problems.append(Problem(("network", "widths"), message))
    if config.network.conditional and not known.classes:
        problems.append(Problem(("network", "conditional"), f"needs labels, and {config.dataset} has none"))
    return problems + metric_problems(config.evaluation, known.images is None, known.images)

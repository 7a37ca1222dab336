"""What a sound configuration asks for and its dataset does not have. Needs no torch."""

from r3gan.config import TrainConfig
from r3gan.data.catalog import DatasetUnavailable, dataset_row
from r3gan.data.facts import Facts
from r3gan.evaluation.protocol import metric_problems
from r3gan.network_checks import Problem
from r3gan.quantities import POINT_CHANNELS
from r3gan.tables.metrics import Kind

RESOLUTION_KEY = ("network", "widths")  # whose number is the resolution


def availability_problems(config: TrainConfig) -> list[Problem]:
    """What does not fit together. Files that are missing are no problem yet."""
    try:
        row = dataset_row(config.dataset)
    except DatasetUnavailable as error:
        return [Problem(("dataset",), str(error))]
    return misfits(config, row.facts, row.storage.kind)


def misfits(config: TrainConfig, known: Facts, kind: Kind = "images") -> list[Problem]:
    """The same of a dataset of which so much is known."""
    problems = []
    ours, theirs = config.network.resolution, known.resolution
    channels = config.network.image_channels
    if channels != known.channels:
        points = known.channels == POINT_CHANNELS
        advice = "has points of the plane, for which there is the preset plane" if points else "has images"
        message = f"{channels}; {config.dataset} {advice}, of {known.channels} channels"
        problems.append(Problem(("network", "image_channels"), message))
    elif ours != theirs:
        stages = f"has {len(config.network.widths)} stages, for {ours}x{ours} images"
        problems.append(Problem(RESOLUTION_KEY, f"{stages}; {config.dataset} has {theirs}x{theirs}"))
    if config.network.conditional and not known.classes:
        problems.append(Problem(("network", "conditional"), f"needs labels, and {config.dataset} has none"))
    return problems + metric_problems(config.evaluation, kind, known.images)

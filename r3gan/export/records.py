"""What is known of a generator beyond its weights: from the files beside them that its training wrote."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from r3gan.config import TrainConfig
from r3gan.config_json import from_dict
from r3gan.data.catalog import DATASETS
from r3gan.data.errors import DatasetUnavailable
from r3gan.evaluation.protocol import read_key
from r3gan.generation.class_names import folder_of, recorded_dataset
from r3gan.generation.load import LoadedGenerator
from r3gan.snapshot import WeightsName
from r3gan.tables.metrics import METRICS, Metric, Number, metric_of

UNKNOWN = "unknown: fill in"


@dataclass(frozen=True)
class Measured:
    """One number of the generator, with how it was measured."""

    key: str  # as recorded
    number: Number
    metric: Metric
    value: float


@dataclass(frozen=True, kw_only=True)
class Data:
    """What the generator was trained on."""

    name: str
    content_hash: str
    classes: tuple[str, ...]  # names of the first ones
    licence: str


def trained_config(facts: dict[str, Any]) -> TrainConfig | None:
    """The whole configuration; None of an imported model."""
    return from_dict(TrainConfig, facts["config"]) if "config" in facts else None


def data_of(source: Path, generator: LoadedGenerator) -> Data:
    """From environment.json beside the weights, if it speaks of the same dataset, and the catalogue."""
    name = generator.dataset or UNKNOWN
    recorded = recorded_dataset(source, generator.dataset)
    licence = DATASETS[name].licence if name in DATASETS else ""
    return Data(
        name=name,
        content_hash=recorded.get("content_hash", UNKNOWN),
        classes=tuple(recorded.get("first_class_names", ())),
        licence=licence or UNKNOWN,
    )


def measured_of(
    source: Path, generator: LoadedGenerator, facts: dict[str, Any], weights: WeightsName
) -> list[Measured]:
    """The numbers that were recorded beside the weights after as many images, of these very weights.

    Raises DatasetUnavailable if the metrics are there and belong to another training.
    """
    job = folder_of(source)
    if not job.metrics.exists() or "sigma_rel" in facts:  # nothing was measured of an average made afterwards
        return []
    chosen = "metric" in facts  # best weights, whose own numbers are recorded at the end of training
    points = [p for p in job.points() if chosen or p["images"] == generator.images_shown]
    found = {key: value for point in points for key, value in point["metrics"].items()}
    if chosen and found.get("best_kimg", generator.images_shown / 1000) != generator.images_shown / 1000:
        raise DatasetUnavailable(f"{job.metrics} speaks of other best weights than {source}: move the weights away")
    return [
        Measured(key, recorded.number, METRICS[metric_of(recorded.number.key)], value)
        for key, value in found.items()
        if (recorded := read_key(key)) is not None
        and recorded.best == chosen
        and (chosen or recorded.raw == (weights == "raw"))
    ]

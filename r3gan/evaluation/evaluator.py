"""The metrics of a job: features of samples, shared among the ranks, and what is made of them."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from r3gan.config import EvaluationConfig, MetricName
from r3gan.data.dataset import Dataset
from r3gan.distributed import World
from r3gan.evaluation.extractors import FeatureNetwork
from r3gan.evaluation.protocol import extractors_of, recorded_key, wanted
from r3gan.evaluation.reference import reference_from
from r3gan.evaluation.sampling import SAMPLE_BATCH, as_seen, fixed_classes, fixed_inputs, generate
from r3gan.evaluation.scores import Reference
from r3gan.model.networks import Generator
from r3gan.tables.metrics import METRICS
from r3gan.tables.references import REFERENCES

Features = dict[str, dict[str, Tensor]]  # feature network -> layer -> [N, F]


class EvaluationStopped(Exception):
    """The job was asked to stop in the middle of an evaluation."""


class Evaluator:
    """Feature networks and references for all metrics of a job.

    data: whose labels samples are given, and which they are compared with; without one, only a comparison with other
    images (`compare_with`) and metrics that compare with nothing are possible.
    Raises WeightsUnavailable or DatasetUnavailable, before any training, if one of them cannot be measured.
    """

    def __init__(self, config: EvaluationConfig, data: Dataset | None, root: Path, device: torch.device):
        self.config, self.device = config, device
        self.histogram = torch.zeros(0) if data is None else data.label_histogram
        self.mode_counts: Tensor | None = None  # of the last evaluation on the first rank, if its metrics count modes
        metrics = {name: METRICS[name] for name in wanted(config)}
        layers: dict[str, dict[str, None]] = {}
        for metric in metrics.values():
            layers.setdefault(metric.extractor, {}).update(dict.fromkeys(metric.layers))
        places: dict[str, Any] = {"data": data, "root": root, "device": device}
        self.networks = {name: FeatureNetwork(name, list(found), **places) for name, found in layers.items()}
        self.references = {name: Reference() for name, metric in metrics.items() if not metric.compares}
        if data is not None:
            self.references = {
                name: REFERENCES[metric.reference].compute(
                    self.networks[metric.extractor], metric.layers[0], data, config.samples
                )
                for name, metric in metrics.items()
            }

    def compare_with(self, batches: Iterable[Tensor]) -> None:
        """Take images uint8 [B, 3, R, R], all of a set, for what is compared with instead of a dataset's."""
        comparing = [name for name in wanted(self.config) if METRICS[name].compares]
        features = self.features(batches, comparing)
        for name in comparing:
            metric = METRICS[name]
            found = features[metric.extractor][metric.layers[0]]
            self.references[name] = reference_from(metric.reference, found, self.config.samples)

    def evaluate(
        self,
        generator: Generator,
        metrics: Sequence[MetricName],
        seed: int,
        world: World,
        at_once: int = SAMPLE_BATCH,
        purpose: str = "evaluation",
        stops: Callable[[], bool] = lambda: False,
    ) -> dict[str, float]:
        """Metrics of the job's fixed samples for this purpose, as they are recorded; nothing on ranks but the first.

        at_once: how many images may be made at a time. Training makes as many, so that metrics need no more memory.
        stops: whether to stop, the same on all ranks, which ask together before each batch and each metric.
        Without metrics no samples are made. Raises EvaluationStopped.
        """
        if not metrics:
            return {}
        config = self.config
        inputs = fixed_inputs(generator, self.histogram, seed, purpose, config.samples, config.labels)
        drawn = len(self.histogram), self.histogram, seed, purpose, config.samples, config.labels
        classes = fixed_classes(*drawn) if any(METRICS[name].of_classes for name in metrics) else None
        share = [part[world.part_of(config.samples)] for part in inputs if part is not None]
        images = (as_seen(batch) for batch in generate(generator, *share, at_once=min(at_once, SAMPLE_BATCH)))
        rounds = math.ceil(math.ceil(config.samples / world.size) / min(at_once, SAMPLE_BATCH))
        features = self.features(until_stopped(images, rounds, stops), metrics)
        for layers in features.values():
            for layer, mine in layers.items():
                layers[layer] = world.gather(mine)
        results: dict[str, float] = {}
        for name in metrics:
            require_going(stops)
            results |= self.measure(features, [name], classes) if world.is_main else {}
        return results

    def features(self, batches: Iterable[Tensor], metrics: Sequence[MetricName]) -> Features:
        """Of uint8 images [B, 3, R, R], or points float32 [B, 2, 1, 1], everything that these metrics need."""
        parts: dict[str, list[dict[str, Tensor]]] = {name: [] for name in extractors_of(metrics)}
        for images in batches:
            for name, found in parts.items():
                found.append(self.networks[name](images))
        return {
            name: {layer: torch.cat([part[layer] for part in found]) for layer in self.networks[name].layers}
            for name, found in parts.items()
        }

    def measure(
        self, features: Features, metrics: Sequence[MetricName], classes: Tensor | None = None
    ) -> dict[str, float]:
        """The numbers of these metrics, as they are recorded.

        classes: that the samples were made for, int64 [N], which metrics of classes need.
        """
        results: dict[str, float] = {}
        for name in metrics:
            metric = METRICS[name]
            found = {layer: features[metric.extractor][layer] for layer in metric.layers}
            if metric.of_classes:
                assert classes is not None
                found["asked"] = classes
            if metric.counts is not None:
                self.mode_counts = metric.counts(found)
            results |= metric.scorer(found, self.references[name], self.device)
            results |= self.networks[metric.extractor].about
        return {recorded_key(key, self.config): value for key, value in results.items()}


def until_stopped(batches: Iterator[Tensor], rounds: int, stops: Callable[[], bool]) -> Iterator[Tensor]:
    """The batches, of which another rank may have one more: all ask as often, before each of `rounds`.

    Raises EvaluationStopped.
    """
    for _ in range(rounds):
        require_going(stops)
        yield from islice(batches, 1)


def require_going(stops: Callable[[], bool]) -> None:
    """Raises EvaluationStopped if the job is to stop."""
    if stops():
        raise EvaluationStopped

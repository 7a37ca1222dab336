"""`python -m r3gan prepare`: data, feature networks and references made ready, ahead of the jobs that need them."""

import argparse
from dataclasses import replace

import torch

from r3gan.arguments import positive
from r3gan.config import EvaluationConfig, MetricName
from r3gan.data.catalog import data_root
from r3gan.data.load import ensure_dataset, load_dataset
from r3gan.evaluation.evaluator import Evaluator
from r3gan.evaluation.protocol import extractors_of
from r3gan.evaluation.weights import ensure_weights
from r3gan.tables.extractors import EXTRACTORS
from r3gan.tables.metrics import METRICS


def add_prepare(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`r3gan prepare`: what `experiments.run` calls once, before its jobs."""
    parser = commands.add_parser("prepare", help="make data, feature networks and references ready, ahead of the jobs")
    parser.add_argument("needs", nargs="+", metavar="DATASET[=METRIC,...[@SAMPLES]]", type=dataset_and_metrics)
    parser.set_defaults(run=run_prepare)


def dataset_and_metrics(text: str) -> tuple[str, EvaluationConfig]:
    """`cifar10=fid,kid@50000`: the dataset, the metrics and of how many samples (by default 10,000).

    Raises ArgumentTypeError for an unknown metric, ValueError for a number of samples that is none.
    """
    dataset, _, asked = text.partition("=")
    names, _, samples = asked.partition("@")
    metrics = tuple(name for name in METRICS if name in names.split(","))
    others = set(filter(None, names.split(","))) - set(metrics)
    if others:
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(others))}: not among {', '.join(METRICS)}")
    evaluation = EvaluationConfig(every_kimg=1.0, metrics=metrics)
    return dataset, replace(evaluation, samples=positive(samples)) if samples else evaluation


def run_prepare(options: argparse.Namespace) -> int:
    """Download and compute what is missing."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for name, asked in options.needs:
        open_evaluator(name, asked, device)
    return 0


def ensure_networks(metrics: tuple[MetricName, ...]) -> None:
    """Download the weights of feature networks. The digit classifier is trained when it is first asked for."""
    for extractor in extractors_of(metrics):
        if EXTRACTORS[extractor].weights is not None:
            ensure_weights(extractor, data_root())


def open_evaluator(name: str, asked: EvaluationConfig, device: torch.device) -> Evaluator:
    """The evaluator for a dataset, after fetching what it needs."""
    ensure_dataset(name, data_root())
    ensure_networks(asked.metrics)
    return Evaluator(asked, load_dataset(name, data_root(), device), data_root(), device)

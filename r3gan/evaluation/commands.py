"""`python -m r3gan evaluate`: metrics apart from training, of a generator or of images in files."""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from r3gan.arguments import positive
from r3gan.config import EvaluationConfig
from r3gan.data.catalog import DatasetUnavailable
from r3gan.data.images import take
from r3gan.data.prepare import Options, survey
from r3gan.data.progress import progress_bar, warn
from r3gan.data.recognise import open_source
from r3gan.data.remarks import NONE
from r3gan.data.sources import Source
from r3gan.distributed import World
from r3gan.evaluation.preparation import open_evaluator
from r3gan.evaluation.protocol import FEWEST_IMAGES, wanted
from r3gan.snapshot import find_snapshot, load_snapshot
from r3gan.tables.metrics import METRICS


def add_evaluate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`r3gan evaluate`."""
    parser = commands.add_parser("evaluate", help="metrics of a checkpoint, or of a folder or zip of images")
    add = parser.add_argument
    add("source", type=Path, help="job directory, checkpoint folder, .safetensors file, or images (folder or zip)")
    add("--metrics", nargs="+", choices=METRICS, metavar="METRIC", required=True,
        help=f"any of {', '.join(METRICS)}")  # fmt: skip
    add("--dataset", help="what to compare with (default: what the generator was trained on)")
    add("--samples", type=positive, default=50_000, help="how many to generate (default: 50000)")
    add("--weights", choices=("ema", "raw", "best"), default="ema", help="which of a job's generators (default: ema)")
    add("--labels", choices=("dataset", "balanced"), default="dataset", help="classes of the samples")
    add("--seed", type=int, default=0, help="of the latents; a job's own seed gives the job's own numbers")
    add("--json", type=Path, help="also write the result to this file")
    parser.set_defaults(run=run_evaluate)


def run_evaluate(options: argparse.Namespace) -> int:
    """Measure, print a table, and write JSON if asked to."""
    metrics = tuple(dict.fromkeys(options.metrics))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not options.source.exists():
        raise DatasetUnavailable(f"{options.source} does not exist")
    asked = EvaluationConfig(every_kimg=1.0, samples=options.samples, metrics=metrics, labels=options.labels)
    path = find_snapshot(options.source, options.weights)
    result = evaluate_snapshot(path, asked, options, device) if path else evaluate_images(asked, options, device)
    table = Table("metric", "value", title=str(options.source), title_justify="left")
    for key, value in result["metrics"].items():
        table.add_row(key, f"{value:.6g}")
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def evaluate_snapshot(path: Path, asked: EvaluationConfig, options: argparse.Namespace, device: torch.device) -> dict:
    """Of samples of a generator."""
    snapshot = load_snapshot(path, device)
    asked = replace(asked, weights="raw" if options.weights == "raw" else "ema")
    name = options.dataset or snapshot.dataset
    if name is None:
        raise DatasetUnavailable(f"{path} does not say what it was trained on: name what to compare with: --dataset")
    evaluator = open_evaluator(name, asked, device)
    purpose = "best" if snapshot.chosen else "evaluation"  # not the samples by which they were chosen
    world = World(0, 1, device)
    metrics = evaluator.evaluate(snapshot.generator, asked.metrics, options.seed, world, purpose=purpose)
    return describe(options, name, asked, metrics) | {"images_shown": snapshot.images}


def evaluate_images(asked: EvaluationConfig, options: argparse.Namespace, device: torch.device) -> dict:
    """Of images in files, all of them."""
    if options.dataset is None:
        raise DatasetUnavailable(
            f"{options.source} is no checkpoint: name the dataset to compare its images with: --dataset"
        )
    source = open_source([options.source], "none")
    for note in source.notes:
        print(f"{options.source}: {note}", file=sys.stderr)
    if len(source) < FEWEST_IMAGES:
        raise DatasetUnavailable(f"{options.source} holds {len(source)} images: at least {FEWEST_IMAGES} are needed")
    asked = replace(asked, samples=len(source))
    evaluator = open_evaluator(options.dataset, asked, device)
    features = evaluator.features(read_batches(source), asked.metrics)
    return describe(options, options.dataset, asked, evaluator.measure(features, asked.metrics))


def describe(options: argparse.Namespace, dataset: str, asked: EvaluationConfig, metrics: dict[str, float]) -> dict:
    """The result with its protocol."""
    return {
        "source": str(options.source),
        "dataset": dataset,
        "samples": asked.samples,
        "weights": options.weights,
        "labels": asked.labels,
        "seed": options.seed,
        "extractors": {name: METRICS[name].extractor for name in wanted(asked)},
        "metrics": metrics,
    }


def read_batches(source: Source) -> Iterator[Tensor]:
    """uint8 batches [B, 3, R, R] of a source's images, all of one size, with a progress bar. Raises BadData."""
    options, done, remarks = Options(), 0, NONE
    size = len(take(next(source.items(0)), None).pixels)
    with progress_bar(f"reading {source.description}") as progress:
        for images, found in survey(source, options, size):
            yield torch.from_numpy(images).permute(0, 3, 1, 2)
            done += len(images)
            remarks += found
            progress(done, len(source))
    for note in remarks.notes(done):
        warn(note)

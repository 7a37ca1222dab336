"""`python -m r3gan evaluate`: metrics apart from training, of a generator or of images in files."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from r3gan.arguments import sample_count, seed_number
from r3gan.config import EvaluationConfig
from r3gan.data.catalog import DatasetUnavailable, data_root, find_row
from r3gan.data.load import ensure_dataset, load_dataset
from r3gan.data.places import require_file_place
from r3gan.data.progress import warn
from r3gan.data.recognise import PreparedSource, open_source
from r3gan.data.store import ImageSet
from r3gan.devices import add_device, device_of
from r3gan.distributed import World
from r3gan.evaluation.array_files import open_npz
from r3gan.evaluation.evaluator import Evaluator
from r3gan.evaluation.preparation import ensure_networks, open_evaluator
from r3gan.evaluation.protocol import side_problems, wanted
from r3gan.evaluation.sides import ImageSide, dataset_record, side_record
from r3gan.snapshot import find_snapshot, load_snapshot
from r3gan.tables.lookup import UnknownChoice
from r3gan.tables.metrics import FEWEST, METRICS
from r3gan.tables.resizes import RESIZES, UNCHANGED, Resize, read_resize


def add_evaluate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`r3gan evaluate`."""
    parser = commands.add_parser("evaluate", help="metrics of a generator, or of images in files or in a dataset")
    add = parser.add_argument
    images = "images (folder, zip, .npz, prepared dataset)"
    add("source", type=Path, help=f"job directory, checkpoint folder, .safetensors file, {images}, or a dataset's name")
    add("--metrics", nargs="+", choices=METRICS, metavar="METRIC", required=True,
        help=f"any of {', '.join(METRICS)}")  # fmt: skip
    compared = parser.add_mutually_exclusive_group()
    compared.add_argument("--dataset", help="what to compare with (default: what the generator was trained on)")
    compared.add_argument("--reference", type=Path, help=f"{images} to compare with instead of a dataset")
    rules = f"how images in files become squares: {', '.join(RESIZES)} (default: as-is); such as crop-lanczos:64"
    add("--resize", type=resize, default=UNCHANGED, metavar="RULE[:SIZE]", help=rules)
    add("--samples", type=sample_count, default=50_000, help="how many to generate (default: 50000)")
    add("--weights", choices=("ema", "raw", "best"), default="ema", help="which of a job's generators (default: ema)")
    add("--labels", choices=("dataset", "balanced"), default="dataset", help="classes of the samples")
    add("--seed", type=seed_number, default=0, help="of the latents; a job's own seed gives the job's own numbers")
    add_device(parser)
    add("--json", type=Path, help="also write the result to this file")
    parser.set_defaults(run=run_evaluate)


def resize(text: str) -> Resize:
    """A rule of r3gan/tables/resizes.py with its size. Raises ArgumentTypeError."""
    try:
        return read_resize(text)
    except (UnknownChoice, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def run_evaluate(options: argparse.Namespace) -> int:
    """Measure, print a table, and write JSON if asked to."""
    if options.json:
        require_file_place(options.json)
    metrics = tuple(dict.fromkeys(options.metrics))
    device = device_of(options.device)
    asked = EvaluationConfig(every_kimg=1.0, samples=options.samples, metrics=metrics, labels=options.labels)
    path = find_snapshot(options.source, options.weights) if options.source.exists() else None
    result = evaluate_snapshot(path, asked, options, device) if path else evaluate_images(asked, options, device)
    show(result)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def evaluate_snapshot(path: Path, asked: EvaluationConfig, options: argparse.Namespace, device: torch.device) -> dict:
    """Of samples of a generator."""
    snapshot = load_snapshot(path, device)
    generator, trained_on = snapshot.generator, snapshot.dataset
    asked = replace(asked, weights="raw" if options.weights == "raw" else "ema")
    dataset = None if options.reference else options.dataset or trained_on
    if options.reference is None and options.resize != UNCHANGED:
        raise DatasetUnavailable("--resize is for images in files, and neither a generator's samples nor a dataset are")
    evaluator, compared = open_comparison(asked, dataset, options, device)
    if dataset is None and generator.classes and asked.labels == "dataset":
        if trained_on is None:
            raise DatasetUnavailable(f"{path} does not say of which dataset its classes are: say --labels balanced")
        ensure_dataset(trained_on, data_root())  # whose classes are drawn as often as it has them
        evaluator.histogram = load_dataset(trained_on, data_root(), torch.device("cpu")).label_histogram
    purpose = "best" if snapshot.chosen else "evaluation"  # not the samples by which they were chosen
    world = World(0, 1, device)
    metrics = evaluator.evaluate(generator, asked.metrics, options.seed, world, purpose=purpose)
    samples = side_record(f"samples of {path}", asked.samples, snapshot.network.resolution)
    record = describe(options, dataset, asked, metrics, samples, compared)
    drawn = {"weights": options.weights, "labels": asked.labels, "seed": options.seed}
    return record | drawn | {"images_shown": snapshot.images}


def evaluate_images(asked: EvaluationConfig, options: argparse.Namespace, device: torch.device) -> dict:
    """Of images in files or in a dataset, all of them."""
    side = open_side(options.source, options.resize)
    asked = replace(asked, samples=len(side))
    evaluator, compared = open_comparison(asked, options.dataset, options, device, generated=False)
    features = evaluator.features(side.batches(), asked.metrics)
    metrics = evaluator.measure(features, asked.metrics)
    return describe(options, options.dataset, asked, metrics, side.record(), compared)


def open_comparison(
    asked: EvaluationConfig,
    dataset: str | None,
    options: argparse.Namespace,
    device: torch.device,
    generated: bool = True,
) -> tuple[Evaluator, dict[str, Any] | None]:
    """The evaluator with its references, and what is to be recorded of what is compared with.

    generated: whether samples of a generator are measured.

    Raises DatasetUnavailable where a metric lacks what it needs.
    """
    for problem in side_problems(asked.metrics, dataset is not None, options.reference is not None, generated):
        raise DatasetUnavailable(f"{options.source}: {problem}")
    comparing, named = any(METRICS[name].compares for name in asked.metrics), options.reference or options.dataset
    if named and not comparing:
        warn(f"{', '.join(asked.metrics)}: nothing is compared with, so the images of {named} are not read")
    if dataset is not None:
        evaluator = open_evaluator(dataset, asked, device)
        compared = dataset_record(load_dataset(dataset, data_root(), torch.device("cpu")))
        return evaluator, with_drawn(compared, evaluator) if comparing else None
    side = open_side(options.reference, options.resize) if comparing else None
    ensure_networks(asked.metrics)
    evaluator = Evaluator(asked, None, data_root(), device)
    if side is None:
        return evaluator, None
    evaluator.compare_with(side.batches())
    return evaluator, with_drawn(side.record(), evaluator)


def with_drawn(compared: dict[str, Any], evaluator: Evaluator) -> dict[str, Any]:
    """A side with the number of its images that were drawn for metrics which do not compare with all."""
    found = {name: reference.features for name, reference in evaluator.references.items()}
    return compared | {"drawn": {name: len(features) for name, features in found.items() if features is not None}}


def open_side(place: Path, resize: Resize) -> ImageSide:
    """The images at a path, or in the prepared dataset of a name. Raises DatasetUnavailable."""
    if not place.exists() and find_row(str(place)) is not None:
        ensure_dataset(str(place), data_root())
        data = load_dataset(str(place), data_root(), torch.device("cpu"))
        if not isinstance(data, ImageSet):
            raise DatasetUnavailable(f"{place} is drawn without end, and no set of images: name it by --dataset")
        return ImageSide(f"dataset {place}", PreparedSource(data, None, ()), resize)
    source = open_npz(place) if place.suffix.lower() == ".npz" and place.is_file() else open_source([place], "none")
    for note in source.notes:
        print(f"{place}: {note}", file=sys.stderr)
    if len(source) < FEWEST:
        raise DatasetUnavailable(f"{place} holds {len(source)} images: at least {FEWEST} are needed")
    return ImageSide(str(place), source, resize)


def describe(
    options: argparse.Namespace,
    dataset: str | None,
    asked: EvaluationConfig,
    metrics: dict[str, float],
    measured: dict[str, Any],
    compared: dict[str, Any] | None,
) -> dict[str, Any]:
    """The result with its protocol: both sides, how many images of each, and how they were resized."""
    return {
        "source": str(options.source),
        "dataset": dataset,
        "samples": asked.samples,
        "measured": measured,
        "compared_with": compared,
        "extractors": {name: METRICS[name].extractor for name in wanted(asked)},
        "metrics": metrics,
    }


def show(result: dict[str, Any]) -> None:
    """The table of the numbers, and below it what they say of what."""
    console = Console(highlight=False)
    table = Table("metric", "value", title=result["source"], title_justify="left")
    for key, value in result["metrics"].items():
        table.add_row(key, f"{value:.6g}")
    console.print(table)
    for role, side in (("measured", result["measured"]), ("compared with", result["compared_with"])):
        if side is not None:
            console.print(f"{role}: {side_text(side)}", markup=False, soft_wrap=True)


def side_text(side: dict[str, Any]) -> str:
    """One side in words."""
    size = f"{side['resolution']}x{side['resolution']}"
    drawn = "".join(f"; {count:,} of them for {name}" for name, count in side.get("drawn", {}).items())
    return f"{side['what']}, {side['images']:,} images, {size}, resize: {side['resize']}{drawn}"

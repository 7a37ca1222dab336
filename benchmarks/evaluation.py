"""What an evaluation costs: samples, features of the digit classifier, and each metric, on this machine.

`python -m benchmarks.evaluation [--samples 10000] [--json FILE]`

The generator is the one of the quick profile, with drawn weights; torch-fidelity's metrics are computed from the digit
classifier's features (192 numbers an image) in place of Inception's (2048), whose weights need no download here.
"""

import argparse
import resource
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from benchmarks.machine import write_result
from benchmarks.tables import Table, show
from r3gan.arguments import sample_count
from r3gan.config import EvaluationConfig, MetricName, NetworkConfig
from r3gan.data.catalog import data_root
from r3gan.data.load import load_dataset
from r3gan.evaluation.evaluator import Evaluator
from r3gan.evaluation.sampling import fixed_inputs, generate, to_uint8
from r3gan.model.networks import Generator, initialise
from r3gan.presets import PRESETS
from r3gan.tables.metrics import DIGITS, METRICS

SWAPPED: tuple[MetricName, ...] = ("fid", "kid", "precision-recall", "density-coverage")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=sample_count, default=10_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    data = load_dataset("stacked-digits", data_root(), device)
    swapped = {name: replace(METRICS[name], extractor=DIGITS, layers=("features",)) for name in SWAPPED}
    seconds: dict[str, float] = {}
    with patch.dict(METRICS, swapped):
        evaluator = Evaluator(
            EvaluationConfig(every_kimg=1.0, samples=options.samples, metrics=("digits", *SWAPPED)),
            data,
            data_root(),
            device,
        )
        row = PRESETS["digits-8x8"]
        generator = Generator(NetworkConfig(widths=row.widths, groups=row.groups, blocks=row.blocks)).to(device)
        generator.to(memory_format=torch.channels_last)
        initialise(generator, 0, "generator")
        before = resident_mib()
        latents = fixed_inputs(generator, data.label_histogram, 0, "evaluation", options.samples)
        started = time.perf_counter()
        images = [to_uint8(batch) for batch in generate(generator, *latents)]
        seconds["samples"] = time.perf_counter() - started
        started = time.perf_counter()
        features = evaluator.features(images, ["digits"])
        seconds["features"] = time.perf_counter() - started
        for name in evaluator.references:
            started = time.perf_counter()
            evaluator.measure(features, [name])
            seconds[name] = time.perf_counter() - started
    grown = resident_mib() - before
    result = {"samples": options.samples, "seconds": seconds, "grown_mib": grown}
    show(tables(result))
    write_result(options.json, result)


def tables(result: dict[str, Any]) -> list[Table]:
    """For the terminal."""
    title = f"{result['samples']} samples; peak memory grew by {result['grown_mib']:.0f} MiB"
    rows = [[part, f"{value:.2f}", f"{result['samples'] / value:,.0f}"] for part, value in result["seconds"].items()]
    return [Table(title=title, columns=("part", "seconds", "images/s"), rows=rows)]


def resident_mib() -> float:
    """The most memory that was resident so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()

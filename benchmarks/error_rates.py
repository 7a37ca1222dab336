"""How often a study shows an effect that is not there, and how often it shows one that is.

`python -m benchmarks.error_rates [--studies 50000] [--ten-seeds CSV] [--json FILE]`

Simulated are studies of a baseline and three variants in three metrics, all without any effect. "Nine cells": something
is bold if one of nine uncorrected paired t intervals excludes zero. "Holm": one of the three differences in the primary
metric is significant by the test that the correlation over seeds chooses (`analysis.statistics.pairing`), corrected by
Holm. Seeds of one number are independent over variants, or correlated.

A finished study with columns variant, seed, images, d_kl gives the power: of all ways to take n of its seeds, the share
that finds the variant switch-loss different from the baseline at 5%.
"""

import argparse
import math
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ttest_ind, ttest_rel, zscore

from analysis.statistics.differences import difference
from analysis.statistics.families import simultaneous_level
from analysis.statistics.pairing import needed_correlation
from benchmarks.machine import write_result
from benchmarks.tables import Table, show

VARIANTS, METRICS = 3, 3
SEEDS = (2, 3, 5, 10)
CORRELATIONS = (0.0, 0.6)
LEVEL = 0.05
CHECKED = 20  # simulated differences that are compared with what the analysis says of them

# of normal values [study, metric, side, seed], side 0 the baseline: noise of equal means on all sides
Noise = Callable[[np.ndarray, np.random.Generator], np.ndarray]
NOISE: dict[str, Noise] = {
    "normal": lambda z, _: z,
    "t, 3 df": lambda z, rng: z / np.sqrt(rng.chisquare(3, z.shape) / 3),
    "lognormal": lambda z, _: np.exp(z),
    "variants 3x wider": lambda z, _: z * np.array([1.0, 3.0, 3.0, 3.0])[:, None],
    "baseline 3x wider": lambda z, _: z * np.array([3.0, 1.0, 1.0, 1.0])[:, None],
    "variants skewed": lambda z, _: np.concatenate([z[:, :, :1], np.exp(z[:, :, 1:]) - math.exp(0.5)], axis=2),
}


def main() -> None:
    """Simulate, resample, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=50_000)
    parser.add_argument("--ten-seeds", type=Path, help="metrics of a finished study; without it, no power is measured")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    errors = [
        error_rates(noise, correlation, seeds, options.studies)
        for noise in NOISE
        for correlation in CORRELATIONS
        for seeds in SEEDS
    ]
    powers = power(pd.read_csv(options.ten_seeds)) if options.ten_seeds else []
    result = {"studies": options.studies, "errors": errors, "power": powers}
    show(tables(result))
    write_result(options.json, result)


def tables(result: dict[str, Any]) -> list[Table]:
    """For the terminal."""
    titles = {
        "errors": f"studies without effect that show one, of {result['studies']}",
        "power": "power to find switch-loss, drawn from a finished study",
    }
    return [table_of(title, result[part]) for part, title in titles.items() if result[part]]


def error_rates(noise: str, correlation: float, seeds: int, studies: int) -> dict[str, Any]:
    """One kind of noise and one number of seeds."""
    rng = np.random.default_rng(seeds)
    shared = rng.normal(size=(studies, METRICS, 1, seeds))
    own = rng.normal(size=(studies, METRICS, 1 + VARIANTS, seeds))
    sides = NOISE[noise](math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own, rng)
    baseline, variants = np.broadcast_to(sides[:, :, :1], sides[:, :, 1:].shape), sides[:, :, 1:]
    cells = ttest_rel(variants, baseline, axis=-1).pvalue < LEVEL
    chosen, is_paired = chosen_p(variants[:, 0], baseline[:, 0])
    check(variants[:CHECKED, 0, 0], baseline[:CHECKED, 0, 0], chosen[:CHECKED, 0])
    return {
        "noise": noise,
        "correlation": correlation,
        "seeds": seeds,
        "nine cells": float(cells.any(axis=(1, 2)).mean()),
        "Holm": float((chosen < 1 - simultaneous_level(VARIANTS, 1 - LEVEL)).any(axis=1).mean()),
        "paired": float(is_paired.mean()),
    }


def chosen_p(values: np.ndarray, baseline: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P of the test that the correlation chooses, and whether that is the paired one. values, baseline: [..., seed]."""
    seeds = values.shape[-1]
    welch = ttest_ind(values, baseline, axis=-1, equal_var=False).pvalue
    if seeds < 3:
        return welch, np.zeros(welch.shape, dtype=bool)
    is_paired = correlations(values, baseline) > needed_correlation(seeds, seeds, seeds)
    return np.where(is_paired, ttest_rel(values, baseline, axis=-1).pvalue, welch), is_paired


def correlations(values: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """Pearson's over the last axis, for every study at once."""
    return (zscore(values, axis=-1) * zscore(baseline, axis=-1)).mean(axis=-1)


def check(values: np.ndarray, baseline: np.ndarray, p: np.ndarray) -> None:
    """The simulation, which does all studies at once, tests as the analysis does."""
    said = [
        difference(pd.Series(a), pd.Series(b), "lower", comparisons=VARIANTS).p
        for a, b in zip(values, baseline, strict=True)
    ]
    np.testing.assert_allclose(said, p, rtol=1e-6)


def power(points: pd.DataFrame) -> list[dict[str, Any]]:
    """Over all subsets of the seeds."""
    last = points.dropna(subset="d_kl").sort_values("images").groupby(["variant", "seed"])["d_kl"].last().unstack()
    values, baseline = last.loc["switch-loss"].to_numpy(), last.loc["baseline"].to_numpy()
    rows = []
    for seeds in range(3, len(values) + 1):
        subsets = np.array(list(combinations(range(len(values)), seeds)))
        a, b = values[subsets], baseline[subsets]
        rows.append(
            {
                "seeds": seeds,
                "subsets": len(subsets),
                "paired": float((ttest_rel(a, b, axis=-1).pvalue < LEVEL).mean()),
                "Welch": float((ttest_ind(a, b, axis=-1, equal_var=False).pvalue < LEVEL).mean()),
                "chosen": float((chosen_p(a, b)[0] < LEVEL).mean()),
            }
        )
    return rows


def table_of(title: str, rows: list[dict[str, Any]]) -> Table:
    """A column for each key."""
    cells = [[f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()] for row in rows]
    return Table(title=title, columns=tuple(rows[0]), rows=cells)


if __name__ == "__main__":
    main()

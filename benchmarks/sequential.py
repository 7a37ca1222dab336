"""Adaptive seeds: how often looking several times shows an effect that is not there, and what it saves where one is.

`python -m benchmarks.sequential [--studies 20000] [--ten-seeds CSV] [--json FILE]`

`error`: studies of a baseline and three variants without any effect that end with a sign for one of them. "peeking"
ends at the first of the same looks where one of three uncorrected Welch tests is below 5%, "peeking, corrected" where
one is below 5% / 3; "once" is one look at the most seeds, at 5% / 3. `together`: all three intervals at their ends hold
the truth, if what ends a variant is its sign, or the width of its interval.

A finished study with columns variant, seed, images, d_kl is drawn from with replacement: all sides from its baseline
(error), or each from its own seeds that did not collapse. `fixed`: so many seeds, all trained at once and tested at
5% / 3, find the variant as often.
"""

import argparse
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from scipy.stats import ttest_ind

from analysis.statistics.collapse import find_collapses
from analysis.statistics.looks import Ending, levels_of, take_look
from benchmarks.error_rates import LEVEL, NOISE, VARIANTS, table_of
from benchmarks.machine import write_result
from benchmarks.tables import Table, show
from experiments.design import CollapseRule, SeedRule, Spending

OF_EQUAL_SHAPE = ("normal", "t, 3 df", "lognormal", "variants 3x wider", "baseline 3x wider")
RANGES = ((3, 10), (3, 20), (5, 20))
EFFECT = 1.5  # standard deviations, where coverage is asked of the first variant
HALF_WIDTH = 1.5  # standard deviations
MOST_FIXED = 60  # seeds that are tried for equal power
CHECKED = 20  # studies that are compared with what the analysis says of them


def main() -> None:
    """Simulate, resample, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=20_000)
    parser.add_argument("--ten-seeds", type=Path, default=Path("docs/results/ten-seeds/metrics.csv"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)  # of draws that hold one seed several times
    rules = [
        SeedRule(least=least, most=most, sign=True, spending=spending, comparisons=VARIANTS)
        for least, most in RANGES
        for spending in get_args(Spending)
    ]
    seeds = good_seeds(pd.read_csv(options.ten_seeds))
    errors = [error_row(noise, rule, options.studies) for noise in NOISE for rule in rules]
    errors += [resampled_error(seeds["baseline"], rule, options.studies) for rule in rules]
    coverage = [
        coverage_row(noise, ending, rule, options.studies)
        for noise in OF_EQUAL_SHAPE
        for ending in get_args(Ending)[:2]
        for rule in rules
    ]
    savings = [saving_row(seeds, scale, rule, options.studies) for scale in (1.0, 0.5) for rule in rules]
    result = {"studies": options.studies, "errors": errors, "coverage": coverage, "savings": savings}
    show(tables(result))
    write_result(options.json, result)


def tables(result: dict[str, Any]) -> list[Table]:
    """For the terminal."""
    titles = {
        "errors": f"studies without effect that show one, of {result['studies']}",
        "coverage": "studies all of whose intervals hold the truth at their ends",
        "savings": "switch-loss, drawn from a finished study",
    }
    return [table_of(title, result[part]) for part, title in titles.items()]


def draw(noise: str, most: int, studies: int) -> np.ndarray:
    """[study, side, seed] of equal means and an SD of the narrowest side of 1; side 0 is the baseline."""
    rng = np.random.default_rng(most)
    sides = NOISE[noise](rng.normal(size=(studies, 1, 1 + VARIANTS, most)), rng)[:, 0]
    spread = {"t, 3 df": math.sqrt(3), "lognormal": math.sqrt((math.e - 1) * math.e)}.get(noise, 1.0)
    return np.asarray(sides / spread)


def p_values(sides: np.ndarray, rule: SeedRule) -> np.ndarray:
    """Of Welch's test, [look, study, variant]; 1 where there is none, as neither side varies."""
    found = []
    for seeds in rule.looks:
        varies = np.ptp(sides[:, :, :seeds], axis=-1) > 0
        found.append(np.where(varies[:, :1] | varies[:, 1:], welch_of(sides, seeds).pvalue, 1.0))
    return np.array(found)


def welch_of(sides: np.ndarray, seeds: int) -> Any:
    """All variants of all studies against their baselines, on so many seeds."""
    values = sides[:, 1:, :seeds]
    return ttest_ind(values, np.broadcast_to(sides[:, :1, :seeds], values.shape), axis=-1, equal_var=False)


def first_look(is_over: np.ndarray) -> np.ndarray:
    """The position of the first look that ends it; of the last where none does. is_over: [look, ...]."""
    return np.where(is_over.any(axis=0), is_over.argmax(axis=0), len(is_over) - 1)


def error_row(noise: str, rule: SeedRule, studies: int) -> dict[str, Any]:
    """Studies without effect in one kind of noise."""
    sides = draw(noise, rule.most, studies)
    check(sides[:CHECKED], rule)
    return {"values": noise, **named(rule), **errors_of(p_values(sides, rule), rule)}


def resampled_error(baseline: np.ndarray, rule: SeedRule, studies: int) -> dict[str, Any]:
    """All sides drawn from one baseline."""
    sides = np.random.default_rng(0).choice(baseline, size=(studies, 1 + VARIANTS, rule.most))
    return {"values": "the ten seeds' baseline", **named(rule), **errors_of(p_values(sides, rule), rule)}


def named(rule: SeedRule) -> dict[str, Any]:
    """The rule as columns."""
    return {"seeds": f"{rule.least} to {rule.most}", "spending": rule.spending}


def errors_of(p: np.ndarray, rule: SeedRule) -> dict[str, float]:
    """Shares of studies that find something. p: [look, study, variant]."""
    return {
        "error": share(p <= levels_of(rule)[:, None, None]),
        "peeking": share(p < LEVEL),
        "peeking, corrected": share(p < LEVEL / VARIANTS),
        "once": share(p[-1:] < LEVEL / VARIANTS),
    }


def share(found: np.ndarray) -> float:
    """Of studies where any look finds any variant. found: [look, study, variant]."""
    return float(found.any(axis=(0, 2)).mean())


def coverage_row(noise: str, ending: Ending, rule: SeedRule, studies: int) -> dict[str, Any]:
    """Studies whose first variant has an effect. `least`: of the three intervals, the one that is held least."""
    sides, truth = draw(noise, rule.most, studies), np.array([EFFECT, 0.0, 0.0])
    sides[:, 1] += EFFECT
    levels, held, width = levels_of(rule), [], []
    for seeds, level in zip(rule.looks, levels, strict=True):
        interval = welch_of(sides, seeds).confidence_interval(1 - level)
        held.append((interval.low <= truth) & (truth <= interval.high))
        width.append((interval.high - interval.low) / 2)
    is_over = p_values(sides, rule) <= levels[:, None, None] if ending == "sign" else np.array(width) <= HALF_WIDTH
    ends = first_look(is_over)
    at_end = np.take_along_axis(np.array(held), ends[None], axis=0)[0]
    return {
        "values": noise,
        "until": ending,
        **named(rule),
        "together": float(at_end.all(axis=1).mean()),
        "least": float(at_end.mean(axis=0).min()),
        "mean seeds": float(np.array(rule.looks)[ends].mean()),
    }


def good_seeds(points: pd.DataFrame) -> dict[str, np.ndarray]:
    """By variant: the last D_KL of the seeds that did not collapse."""
    curves = points.dropna(subset="d_kl").assign(kimg=points["images"] / 1000, value=points["d_kl"])
    fell = set(find_collapses(curves, "lower", "baseline", CollapseRule()).collapsed)
    last = curves.sort_values("kimg").groupby(["variant", "seed"])["value"].last()
    kept = last[[key not in fell for key in last.index]]
    return {str(variant): values.to_numpy() for variant, values in kept.groupby(level="variant")}


def saving_row(seeds: Mapping[str, np.ndarray], scale: float, rule: SeedRule, studies: int) -> dict[str, Any]:
    """The study's own variants, switch-loss with so much of its effect."""
    rng = np.random.default_rng(1)
    base, switched = seeds["baseline"], seeds["switch-loss"]
    switched = switched - (1 - scale) * (switched.mean() - base.mean())
    samples = [base, switched, seeds["attention"], seeds["both"]]
    sides = np.stack([rng.choice(values, size=(studies, MOST_FIXED)) for values in samples], axis=1)
    is_found = p_values(sides, rule) <= levels_of(rule)[:, None, None]
    counts = np.array(rule.looks)[first_look(is_found)]
    power = float(is_found[:, :, 0].any(axis=0).mean())
    fixed = next((n for n in range(2, MOST_FIXED + 1) if fixed_power(sides, n) >= power), None)
    jobs = counts.sum(axis=1) + counts.max(axis=1)
    return {
        "effect": scale,
        **named(rule),
        "power": power,
        "mean seeds": float(counts[:, 0].mean()),
        "fixed": fixed,
        "power at most": fixed_power(sides, rule.most),
        "jobs": float(jobs.mean()),
        "jobs at most": (1 + VARIANTS) * rule.most,
    }


def fixed_power(sides: np.ndarray, seeds: int) -> float:
    """Studies of so many seeds that find the first variant at the corrected level."""
    return float((welch_of(sides[:, :2], seeds).pvalue < LEVEL / VARIANTS).mean())


def check(sides: np.ndarray, rule: SeedRule) -> None:
    """The simulation, which does all studies at once, tests as the analysis does."""
    for number, p in enumerate(p_values(sides, rule)[:, :, 0], 1):
        seeds = rule.looks[number - 1]
        said = [take_look(rule, number, study[1, :seeds], study[0, :seeds]) for study in sides]
        np.testing.assert_allclose([look.p for look in said], p, rtol=1e-6)
        assert [look.level for look in said] == [levels_of(rule)[number - 1]] * len(said)


if __name__ == "__main__":
    main()

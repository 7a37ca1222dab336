"""How often the intervals of an average hold the truth that they are to hold in 95% of studies.

`python -m benchmarks.coverage [--repetitions 1000] [--json FILE]`

Draws studies of a few seeds from known distributions. Of each interval: `known`, the share of studies that allow one,
and `covered`, the share of these whose interval holds the distribution's own mean, median or interquartile mean (to
± 1.4% with 1000 repetitions). Counts have a ceiling of 1000 and are named by what is missing on average: Poisson, or
with a variance 3.6 times the mean ("spread"), as between the ten seeds of a real study.
"""

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import lognorm, nbinom, norm, poisson, t

from analysis.statistics.counts import count_mean
from analysis.statistics.means import Average, Numbers, interquartile_mean, mean_bca, mean_t, median
from benchmarks.machine import write_result
from benchmarks.tables import Table, show

SEEDS = (2, 3, 5, 10, 20)
CEILING = 1000
DISPERSION = 3.6
NUMBERS = {"normal": norm(), "lognormal": lognorm(1), "t3": t(3)}
MISSING = {f"{mean} missing": poisson(mean) for mean in (0.1, 0.5, 2, 10)} | {
    f"{mean} missing, spread": nbinom(mean / (DISPERSION - 1), 1 / DISPERSION) for mean in (0.5, 2, 10)
}


def middle(distribution: Any) -> float:
    """The interquartile mean of a distribution: the mean of its quantiles from 1/4 to 3/4."""
    return float(np.mean(distribution.ppf(np.linspace(0.25, 0.75, 10_001))))


@dataclass(frozen=True)
class Kind:
    """An interval, and what of a distribution it is to hold."""

    average: Callable[[Numbers], Average]
    truth: Callable[[Any], float]


KINDS = {
    "t": Kind(mean_t, lambda distribution: distribution.mean()),
    "BCa": Kind(mean_bca, lambda distribution: distribution.mean()),
    "median": Kind(median, lambda distribution: distribution.median()),
    "interquartile mean": Kind(interquartile_mean, middle),
}
OF_COUNTS = Kind(lambda counts: count_mean(counts, CEILING), lambda distribution: distribution.mean())


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one interval did in many studies of so many seeds."""

    values: str
    seeds: int
    interval: str
    known: float
    covered: float | None  # None: never known

    def cell(self) -> str:
        """Percent covered, and of how many studies where not all allow an interval."""
        if self.covered is None:
            return "none"
        return f"{self.covered:.1%}" + ("" if self.known == 1 else f" of {self.known:.0%}")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = [
        asdict(row)
        for values in (*NUMBERS, *MISSING)
        for seeds in SEEDS
        for row in measure(values, seeds, options.repetitions)
    ]
    result = {"repetitions": options.repetitions, "rows": rows}
    show(tables(result))
    write_result(options.json, result)


def tables(result: dict[str, Any]) -> list[Table]:
    """For the terminal."""
    cells: dict[tuple[str, int], dict[str, str]] = {}
    for row in result["rows"]:
        cells.setdefault((row["values"], row["seeds"]), {})[row["interval"]] = Row(**row).cell()
    columns = (*KINDS, "count")
    rows = [[values, str(seeds), *(found.get(key, "") for key in columns)] for (values, seeds), found in cells.items()]
    title = f"95% intervals that hold the truth, of {result['repetitions']} studies"
    return [Table(title=title, columns=("values", "seeds", *columns), rows=rows)]


def measure(values: str, seeds: int, repetitions: int) -> list[Row]:
    """Every interval that such values can have, on the same studies."""
    is_count = values in MISSING
    distribution = MISSING[values] if is_count else NUMBERS[values]
    samples = distribution.rvs(size=(repetitions, seeds), random_state=np.random.default_rng(seeds))
    rows = []
    for name, kind in (KINDS | {"count": OF_COUNTS} if is_count else KINDS).items():
        truth = float(kind.truth(distribution))
        intervals = [kind.average(CEILING - sample if is_count else sample).interval for sample in samples]
        known = [interval for interval in intervals if interval.is_known]
        held = [not interval.excludes(CEILING - truth if is_count else truth) for interval in known]
        covered = sum(held) / len(held) if held else None
        rows.append(Row(values=values, seeds=seeds, interval=name, known=len(known) / repetitions, covered=covered))
    return rows


if __name__ == "__main__":
    main()

"""How long planning takes, for studies of ten thousand jobs: the command's own work before anything runs.

`python -m benchmarks.plan [--jobs 10000] [--rounds 5] [--json FILE]`

A study file is written with so many variants that variants x seeds is the number of jobs, each variant a setting of its
own. Timed are reading the file, expanding it, checking it, and giving every job its identity; medians over rounds.
"""

import argparse
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.machine import write_result
from benchmarks.many_jobs import gamma_variants, study_text
from benchmarks.tables import Table, as_they_are, show
from experiments.study.plan import make_plan
from experiments.study.plan_checks import run_problems
from experiments.study.study import read_study

VARIANTS = (10, 100, 1000)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = [measure(variants, options.jobs // variants, options.rounds) for variants in VARIANTS]
    result = {"jobs": options.jobs, "rows": rows}
    show(tables(result))
    write_result(options.json, result)


def tables(result: dict[str, Any]) -> list[Table]:
    """For the terminal."""
    title = f"planning {result['jobs']} jobs, seconds (medians over rounds)"
    return [as_they_are(title, result["rows"], 2)]


def measure(variants: int, seeds: int, rounds: int) -> dict[str, Any]:
    """One shape of study."""
    seconds: dict[str, list[float]] = {"read": [], "expand": [], "check": [], "identities": [], "all": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.yaml"
        path.write_text(study_text("planned", gamma_variants(range(variants - 1)), seeds))
        for _ in range(rounds):
            times = [time.perf_counter()]
            study = read_study(path)
            times.append(time.perf_counter())
            jobs = make_plan(study, None, {}, {}).jobs
            times.append(time.perf_counter())
            assert run_problems(study, jobs, 1) == []
            times.append(time.perf_counter())
            assert len({job.identity for job in jobs}) == variants * seeds
            times.append(time.perf_counter())
            for part, (start, end) in zip(seconds, [*pairwise(times), (times[0], times[-1])], strict=True):
                seconds[part].append(end - start)
    return {"variants": variants, "seeds": seeds, **{part: statistics.median(s) for part, s in seconds.items()}}


if __name__ == "__main__":
    main()

"""How long a report's data takes to load from MLflow's SQLite store, and how much memory it needs.

`python -m benchmarks.report_loading [--ratio 200 200] [--whole 1000 1000] [--metrics 20] [--rounds 3] [--json FILE]`

Both options are a number of runs and of points of each, over all of its metrics. Ratio: the histories by
`load.load_points` and by one request per run and metric, as it was before, in turn within one process; medians.
Whole: the runs and the histories in a process of its own, once, with the most memory that it held.
"""

import argparse
import multiprocessing
import os
import re
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import Metric, RunTag
from mlflow.store.tracking.dbmodels.models import SqlMetric
from mlflow.tracking import MlflowClient
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert

from analysis.histories import store_of
from analysis.load import find_study, load_jobs, load_points, open_client
from benchmarks.machine import write_result
from experiments import names

STUDY = "large"
FIRST_TIME = 1_700_000_000_000  # ms since 1970


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ratio", type=int, nargs=2, metavar=("RUNS", "POINTS"), default=[200, 200])
    parser.add_argument("--whole", type=int, nargs=2, metavar=("RUNS", "POINTS"), default=[1000, 1000])
    parser.add_argument("--metrics", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    keys = [f"metric{i}" for i in range(options.metrics)]
    with tempfile.TemporaryDirectory() as folder:
        fill(open_store(Path(folder) / "ratio.db"), options.ratio, keys)
        ratio = measure_ratio(keys, options.rounds)
        fill(open_store(Path(folder) / "whole.db"), options.whole, keys)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            whole = pool.apply(measure_whole, (Path(folder) / "whole.db", keys))
    shapes = {part: dict(zip(("runs", "points"), getattr(options, part), strict=True)) for part in ("ratio", "whole")}
    result: dict[str, Any] = {"metrics": len(keys), "ratio": shapes["ratio"] | ratio, "whole": shapes["whole"] | whole}
    for part in ("ratio", "whole"):
        table = Table("", part)
        for key, value in result[part].items():
            table.add_row(key.replace("_", " "), f"{value:.2f}" if isinstance(value, float) else f"{value:,}")
        Console().print(table)
    write_result(options.json, result)


def open_store(path: Path) -> MlflowClient:
    """A client of this store, which the report's functions use from now on."""
    mlflow.set_tracking_uri(f"sqlite:///{path}")
    return MlflowClient()


def fill(client: MlflowClient, shape: list[int], keys: list[str]) -> None:
    """A study; its last points are logged as ever, the others go right into the table."""
    runs, points = shape
    experiment, values = client.create_experiment(STUDY), np.random.default_rng(0).normal(size=(points, len(keys)))
    steps = [1000 * (i + 1) for i in range(points // len(keys))]
    for seed in range(runs):
        tags = [RunTag(tag, str(seed) if tag in (names.SEED, names.IDENTITY) else tag) for tag in names.TAGS]
        run_id = client.create_run(experiment, FIRST_TIME + seed).info.run_id
        rows: list[dict[str, Any]] = [
            {"key": key, "value": float(values[i, k]), "timestamp": FIRST_TIME + step, "step": step}
            for k, key in enumerate(keys)
            for i, step in enumerate(steps)
        ]
        last = [Metric(**row) for row in rows if row["step"] == steps[-1]]
        client.log_batch(run_id, last, tags=tags)
        with store_of(client).engine.begin() as connection:
            earlier = [row | {"run_uuid": run_id, "is_nan": False} for row in rows if row["step"] != steps[-1]]
            connection.execute(insert(SqlMetric), earlier)


def one_by_one(client: MlflowClient, jobs: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The histories by one request per run and metric."""
    rows = [
        (run_id, key, point.step / 1000, point.value)
        for key in keys
        for run_id in jobs.loc[jobs[key].notna(), "run_id"]
        for point in sorted(client.get_metric_history(run_id, key), key=lambda point: point.timestamp)
    ]
    points = pd.DataFrame(rows, columns=["run_id", "metric", "kimg", "value"])
    return points.drop_duplicates(["run_id", "metric", "kimg"], keep="last", ignore_index=True)


def measure_ratio(keys: list[str], rounds: int) -> dict[str, float]:
    """Seconds of both ways in turn, which give the same."""
    client = open_client()
    jobs = load_jobs(client, find_study(client, STUDY).experiment_id)
    seconds: dict[str, list[float]] = {"one_by_one": [], "ours": []}
    for _ in range(rounds):
        start = time.perf_counter()
        before = one_by_one(client, jobs, keys)
        middle = time.perf_counter()
        points = load_points(client, jobs, keys)
        seconds["one_by_one"].append(middle - start)
        seconds["ours"].append(time.perf_counter() - middle)
        same_types = points.astype({"run_id": before["run_id"].dtype, "metric": before["metric"].dtype})
        pd.testing.assert_frame_equal(same_types, before)
    ratios = [old / new for old, new in zip(seconds["one_by_one"], seconds["ours"], strict=True)]
    return {f"{way}_seconds": statistics.median(s) for way, s in seconds.items()} | {"ratio": statistics.median(ratios)}


def measure_whole(path: Path, keys: list[str]) -> dict[str, Any]:
    """Seconds to open the store and find the study, for its runs, and for its histories; memory with the
    libraries loaded, and at most."""
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{path}"
    libraries = memory_bytes("VmRSS")
    times = [time.perf_counter()]
    client = open_client()
    study = find_study(client, STUDY)
    times.append(time.perf_counter())
    jobs = load_jobs(client, study.experiment_id)
    times.append(time.perf_counter())
    points = load_points(client, jobs, keys)
    times.append(time.perf_counter())
    parts = dict(zip(("open_seconds", "runs_seconds", "points_seconds"), np.diff(times).tolist(), strict=True))
    memory = {"libraries_bytes": libraries, "peak_bytes": memory_bytes("VmHWM")}
    return {"rows": len(points), **parts, "all_seconds": times[-1] - times[0], **memory}


def memory_bytes(field: str) -> int:
    """Of this process, as Linux counts it: VmRSS at present, VmHWM at most so far."""
    (kib,) = re.findall(rf"^{field}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(kib) * 1024


if __name__ == "__main__":
    main()

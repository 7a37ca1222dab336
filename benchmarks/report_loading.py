"""How long a report and its data take from MLflow's SQLite store, and how much memory they need.

`python -m benchmarks.report_loading [--ratio 200 200] [--whole 1000 1000] [--rounds 3] [--json FILE]`

Both options are a number of runs and of points of each, over all of its metrics. The runs are of four variants, and
one in 25 has collapsed. Ratio: the histories by `load.load_points` and by one request per run and metric, as it was
before, in turn within one process; medians. Whole: the runs and the histories in a process of its own, once, with the
most memory that it held; and `python -m analysis report` from its start to its end, with the largest of its processes.
"""

import argparse
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
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
from sqlalchemy import insert

from analysis.histories import store_of
from analysis.load import find_study, load_jobs, load_points, open_client
from benchmarks.machine import write_result
from benchmarks.tables import Table, show
from experiments import names
from experiments.metric_keys import SECTIONS, metric_key

STUDY = "large"
FIRST_TIME = 1_700_000_000_000  # ms since 1970
VARIANTS = (names.BASELINE, "attention", "switch-loss", "both")
KEYS = (
    "d_kl",
    "modes",
    "frechet_distance_digits",
    "best_d_kl",
    "best_modes",
    *(k for s in SECTIONS.values() for k in s),
)
ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ratio", type=int, nargs=2, metavar=("RUNS", "POINTS"), default=[200, 200])
    parser.add_argument("--whole", type=int, nargs=2, metavar=("RUNS", "POINTS"), default=[1000, 1000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fill(open_store(Path(folder) / "ratio.db"), options.ratio)
        ratio = measure_ratio(options.rounds)
        fill(open_store(Path(folder) / "whole.db"), options.whole)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            whole = pool.apply(measure_whole, (Path(folder) / "whole.db",))
        whole |= measure_report(Path(folder))
    shapes = {part: dict(zip(("runs", "points"), getattr(options, part), strict=True)) for part in ("ratio", "whole")}
    result: dict[str, Any] = {"metrics": len(KEYS), "ratio": shapes["ratio"] | ratio, "whole": shapes["whole"] | whole}
    show(tables(result))
    write_result(options.json, result)


def tables(result: dict[str, Any]) -> list[Table]:
    """For the terminal."""
    titles = {"ratio": "both ways in turn", "whole": "the whole store"}
    return [Table(title=title, columns=("what", "value"), rows=rows_of(result[part])) for part, title in titles.items()]


def rows_of(part: dict[str, float]) -> list[list[str]]:
    """What was measured, and its value."""
    return [
        [key.replace("_", " "), f"{value:.2f}" if isinstance(value, float) else f"{value:,}"]
        for key, value in part.items()
    ]


def open_store(path: Path) -> MlflowClient:
    """A client of this store, which the report's functions use from now on."""
    mlflow.set_tracking_uri(f"sqlite:///{path}")
    return MlflowClient()


def fill(client: MlflowClient, shape: list[int]) -> None:
    """A study; its last points are logged as ever, the others go right into the table."""
    runs, points = shape
    experiment, random = client.create_experiment(STUDY), np.random.default_rng(0)
    steps = [1000 * (i + 1) for i in range(points // len(KEYS))]
    for run in range(runs):
        seed, variant = run // len(VARIANTS), VARIANTS[run % len(VARIANTS)]
        own = {names.SEED: str(seed), names.VARIANT: variant, names.CONFIGURATION: variant, names.IDENTITY: str(run)}
        tags = [RunTag(tag, value) for tag, value in (dict(zip(names.TAGS, names.TAGS, strict=True)) | own).items()]
        run_id = client.create_run(experiment, FIRST_TIME + run).info.run_id
        values = random.normal(1, 0.1, (len(steps), len(KEYS)))
        values[-1, KEYS.index("d_kl")] *= 5 if seed % 25 == 24 else 1
        for count in ("modes", "best_modes"):
            values[:, KEYS.index(count)] = random.integers(950, 1001, len(steps))
        rows: list[dict[str, Any]] = [
            {"key": metric_key(key), "value": float(values[i, k]), "timestamp": FIRST_TIME + step, "step": step}
            for k, key in enumerate(KEYS)
            for i, step in enumerate(steps)
        ]
        last = [Metric(**row) for row in rows if row["step"] == steps[-1]]
        client.log_batch(run_id, last, tags=tags)
        with store_of(client).engine.begin() as connection:
            earlier = [row | {"run_uuid": run_id, "is_nan": False} for row in rows if row["step"] != steps[-1]]
            connection.execute(insert(SqlMetric), earlier)
        client.set_terminated(run_id)


def one_by_one(client: MlflowClient, jobs: pd.DataFrame) -> pd.DataFrame:
    """The histories by one request per run and metric."""
    rows = [
        (run_id, key, point.step / 1000, point.value)
        for key in KEYS
        for run_id in jobs.loc[jobs[key].notna(), "run_id"]
        for point in sorted(client.get_metric_history(run_id, metric_key(key)), key=lambda point: point.timestamp)
    ]
    points = pd.DataFrame(rows, columns=["run_id", "metric", "kimg", "value"])
    return points.drop_duplicates(["run_id", "metric", "kimg"], keep="last", ignore_index=True)


def measure_ratio(rounds: int) -> dict[str, float]:
    """Seconds of both ways in turn, which give the same."""
    client = open_client()
    jobs = load_jobs(client, find_study(client, STUDY).experiment_id)
    seconds: dict[str, list[float]] = {"one_by_one": [], "ours": []}
    for _ in range(rounds):
        start = time.perf_counter()
        before = one_by_one(client, jobs)
        middle = time.perf_counter()
        points = load_points(client, jobs, KEYS)
        seconds["one_by_one"].append(middle - start)
        seconds["ours"].append(time.perf_counter() - middle)
        same_types = points.astype({"run_id": before["run_id"].dtype, "metric": before["metric"].dtype})
        pd.testing.assert_frame_equal(same_types, before)
    ratios = [old / new for old, new in zip(seconds["one_by_one"], seconds["ours"], strict=True)]
    return {f"{way}_seconds": statistics.median(s) for way, s in seconds.items()} | {"ratio": statistics.median(ratios)}


def measure_whole(path: Path) -> dict[str, Any]:
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
    points = load_points(client, jobs, KEYS)
    times.append(time.perf_counter())
    parts = dict(zip(("open_seconds", "runs_seconds", "points_seconds"), np.diff(times).tolist(), strict=True))
    memory = {"libraries_bytes": libraries, "peak_bytes": memory_bytes("VmHWM")}
    return {"rows": len(points), **parts, "all_seconds": times[-1] - times[0], **memory}


def measure_report(folder: Path) -> dict[str, Any]:
    """Seconds of the report's command, of processors and of the clock, and the memory of the largest process."""
    command = [sys.executable, "-m", "analysis", "report", "--study", STUDY, "--out", str(folder / "report")]
    environment = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'whole.db'}", "PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return {
        "report_seconds": time.perf_counter() - start,
        "report_processor_seconds": usage.ru_utime + usage.ru_stime,
        "report_largest_process_bytes": usage.ru_maxrss * 1024,
    }


def memory_bytes(field: str) -> int:
    """Of this process, as Linux counts it: VmRSS at present, VmHWM at most so far."""
    (kib,) = re.findall(rf"^{field}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(kib) * 1024


if __name__ == "__main__":
    main()

"""Compared runs as data frames, without MLflow, shaped like those of `analysis.load`."""

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.comparison import Comparison, compare_all
from analysis.selection import UNFINISHED, Selection
from experiments import names
from experiments.design import Design

Values = Mapping[str, Sequence[float]]  # variant -> values by seed, from seed 0 on


def runs_of(
    metrics: Mapping[str, Values], *, design: Design | None = None, dataset: str = "digits", **columns: object
) -> pd.DataFrame:
    """One finished run per variant and seed. metrics: key -> values at the end."""
    counts = {variant: len(values) for values in metrics.values() for variant, values in values.items()}
    rows = [
        {
            "run_id": f"{dataset}-{variant}-{seed}", "status": "FINISHED", "start_time": 1000 * i + seed,
            names.PROFILE: "laptop", names.DATASET: dataset, names.VARIANT: variant, names.SEED: seed,
            names.COMPARISON: "c1", names.IDENTITY: f"{variant}{seed}", names.SOURCES: "", names.CLASSES: "",
            names.DESIGN: design.as_text() if design else "", names.OUTCOME: "finished",
            names.DESIGN_AT_START: design.as_text() if design else "", "evaluation_samples": 5000.0, "total_kimg": 21.0,
            names.ORIGIN: "", names.INHERITED_SECONDS: "", names.INHERITED_FROM: "",
            **dict.fromkeys(names.MACHINE, ""), names.DEVICE: "cpu", names.RANKS: "1",
            **{key: values[variant][seed] for key, values in metrics.items()}, **columns,
        }
        for i, (variant, count) in enumerate(counts.items())
        for seed in range(count)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def points_of(runs: pd.DataFrame, *keys: str, earlier: Mapping[str, float] | None = None) -> pd.DataFrame:
    """For each run a point at 7 kimg (twice its last value unless `earlier` says, by run_id) and the last at 21."""
    rows = []
    for _, run in runs.iterrows():
        for key in keys:
            before = (earlier or {}).get(run["run_id"], 2 * run[key])
            rows += [(run["run_id"], key, 7.0, before), (run["run_id"], key, 21.0, run[key])]
    return pd.DataFrame(rows, columns=["run_id", "metric", "kimg", "value"])


def unfinished(runs: pd.DataFrame, variant: str, seed: int, outcome: str, start_time: int = 10**6) -> pd.DataFrame:
    """A row of `Selection.left_out` for a job that has no number."""
    row = runs.iloc[[0]].assign(
        **{names.VARIANT: variant, names.SEED: seed, names.OUTCOME: outcome}, status="FAILED", reason=UNFINISHED
    )
    return row.assign(run_id=f"{variant}-{seed}-{outcome}", start_time=start_time)


def compared(
    runs: pd.DataFrame, *, left_out: Sequence[pd.DataFrame] = (), points: pd.DataFrame | None = None
) -> list[Comparison]:
    """What `compare_all` makes of them; the variants in the order of the rows."""
    keys = [key for key in ("d_kl", "modes", "fid50k") if key in runs]
    out = pd.concat(left_out) if left_out else runs.iloc[:0].assign(reason="")
    variants = list(dict.fromkeys([*runs[names.VARIANT], *out[names.VARIANT]]))
    return compare_all(Selection(runs, out, []), variants, points_of(runs, *keys) if points is None else points)

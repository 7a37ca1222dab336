"""What tuning is worth: a pruned TPE search against random search without pruning, both with the same kimg to spend.

`python -m benchmarks.tune [--kimg 240] [--repeats 5] [--seeds 2] [--output DIR] [--json FILE] [--figures DIR]`

Each repeat tunes the baseline of ablations.yaml's `tune` section twice, on one seed that no other repeat uses: with the
section's own sampler and pruner, and at random. Both begin with the variant's own setting. The best setting of each
search, and the own one, are then trained on fresh seeds that no search and no other repeat sees. Intervals are over
repeats: 95%, Student's t; differences are paired. Run again, it goes on where it was stopped.
"""

import argparse
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from optuna.trial import FixedTrial

from analysis.figures.curves import CurvePanel, draw_curves
from analysis.figures.style import looks, save_figure
from analysis.searches import SearchResult, best_so_far, column_named
from analysis.statistics.estimates import Estimate, estimate, paired_difference
from benchmarks.machine import write_result
from benchmarks.tables import Table, show
from experiments.cli import console, prepared_launcher
from experiments.launch.execution import Execution
from experiments.launch.progress import Display
from experiments.launch.scheduler import Task, execute
from experiments.study.study import Study, read_study
from experiments.study.tune_section import PrunerSection, SamplerSection
from experiments.tuning.make_searches import make_searches
from experiments.tuning.optuna_study import open_study
from experiments.tuning.own_setting import own_setting
from experiments.tuning.record import best_trials, search_record
from experiments.tuning.search import Search
from experiments.tuning.session import Session
from experiments.tuning.storage import default_url, open_storage
from r3gan.jobdir import JobDir

FIRST_TUNING_SEED, FIRST_FRESH_SEED = 2000, 3000
METHODS = OWN, TUNED, RANDOM = ("own setting", "TPE, pruned", "random")
SHARES = (0.25, 0.5, 0.75, 1.0)  # of the budget, in the table
Series = Mapping[str, pd.Series]  # method -> a value per repeat


def main() -> None:
    """Search, train retrained, compare, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, default=Path("ablations.yaml"))
    parser.add_argument("--kimg", type=float, default=240, help="budget of a search")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--seeds", type=int, default=2, help="per repeat, on which the chosen settings are trained again"
    )
    parser.add_argument("--output", type=Path, default=Path("runs/benchmark-tune"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figures", type=Path)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{(options.output / 'mlflow.db').resolve()}"
    study = read_study(options.study)

    curves: dict[str, dict[int, pd.Series]] = {method: {} for method in METHODS}
    retrained: dict[str, dict[int, float]] = {method: {} for method in METHODS}
    states = []
    for repeat in range(options.repeats):
        seeds = [FIRST_FRESH_SEED + options.seeds * repeat + i for i in range(options.seeds)]
        for method in (TUNED, RANDOM):
            search = make_search(study, method, repeat, options.kimg)
            record, best = run_search(search, options.output)
            curves[method][repeat] = curve(record, options.kimg)
            retrained[method][repeat] = retrain(search, best, seeds, options.output)
            ended = [trial.state for trial in record.spent]
            states.append({"method": method, "repeat": repeat, **{str(s): ended.count(s) for s in sorted(set(ended))}})
        curves[OWN][repeat] = pd.Series(record.default_value(0), index=whole_kimg(options.kimg))
        retrained[OWN][repeat] = retrain(search, own_setting(search), seeds, options.output)

    costs = {method: pd.DataFrame(rows).T for method, rows in curves.items()}  # a row per repeat
    fresh = {method: pd.Series(values) for method, values in retrained.items()}
    result = {"best_at_cost": at_equal_cost(costs, options.kimg), "fresh_seeds": compared(fresh), "trials": states}
    show(tables(result))
    for row in states:
        console.print(", ".join(f"{key} {value}" for key, value in row.items()))
    write_result(options.json, {"kimg": options.kimg, "repeats": options.repeats, "seeds": options.seeds, **result})
    if options.figures:
        drawn = draw_curves([CurvePanel(column_named(search.objectives[0].key), bands(costs))], looks(METHODS), {})
        save_figure(drawn, options.figures, "tune")


def make_search(study: Study, method: str, repeat: int, kimg: float) -> Search:
    """The section's search of the baseline, or a random one in the same space, with one repeat's seeds."""
    assert study.tune is not None
    sampler, pruner = study.tune.sampler, study.tune.pruner
    if method == RANDOM:
        sampler, pruner = SamplerSection(kind="random"), PrunerSection(kind="none")
    changes = {"sampler": sampler.model_copy(update={"seed": repeat}), "pruner": pruner, "kimg": kimg}
    changes |= {"seeds": [FIRST_TUNING_SEED + repeat], "trials": None, "minutes": None}
    only: dict[str, str | None] = {"dataset": None, "variant": "baseline"}
    (search,) = make_searches(study, study.tune.model_copy(update=changes), {}, only)
    return search


def run_search(search: Search, output: Path) -> tuple[SearchResult, dict[str, Any]]:
    """Spend the search's budget. Returns its record, and the best parameters."""
    launcher = prepared_launcher(Execution(output=output), search.jobs(own_setting(search)))
    storage = open_storage(default_url(output))
    if not Session(storage, launcher, lambda: False).run(search):
        raise SystemExit(1)
    study = open_study(search, storage)
    (best,) = best_trials(study)
    return SearchResult(**vars(search_record(search, study))), search.space.suggest(FixedTrial(best.params))


def retrain(search: Search, chosen: dict[str, Any], seeds: list[int], output: Path) -> float:
    """The objective of parameters, averaged over other seeds."""
    (job,) = search.jobs(chosen)
    jobs = [replace(job, seed=seed, config=replace(job.config, seed=seed)) for seed in seeds]
    tasks = [Task(job, JobDir(output / "fresh" / job.identity), f"fresh, {job.seed}-{job.identity}") for job in jobs]
    left = [task for task in tasks if not task.directory.finished()]
    launcher = prepared_launcher(Execution(output=output), [task.job for task in left])
    with Display(console) as display:
        execute(left, launcher, [display], lambda: False)
    key = search.objectives[0].key
    return float(np.mean([task.directory.points()[-1]["metrics"][key] for task in tasks]))


def whole_kimg(kimg: float) -> list[int]:
    """The costs at which curves are read."""
    return list(range(1, round(kimg) + 1))


def curve(record: SearchResult, kimg: float) -> pd.Series:
    """The best value so far by the cost in kimg; NaN before the first complete trial."""
    ended, costs = best_so_far(record, 0, "kimg"), whole_kimg(kimg)
    at = np.searchsorted(ended["cost"].to_numpy(), np.array(costs) + 0.05, side="right") - 1  # whole batches: 24.02
    return pd.Series(np.where(at >= 0, ended["best"].to_numpy()[np.maximum(at, 0)], np.nan), index=costs)


def bands(curves: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Mean and interval over repeats at each cost from when the own setting is among the trials, for `draw_curves`."""
    rows = []
    for method, table in curves.items():
        known = (table <= curves[OWN]).all()  # False where it is NaN
        for kimg, values in table.loc[:, known].items():
            value = estimate(values)
            low, high = value.mean - value.half_width, value.mean + value.half_width
            rows.append({"variant": method, "kimg": kimg, "middle": value.mean, "low": low, "high": high})
    return pd.DataFrame(rows)


def at_equal_cost(curves: Mapping[str, pd.DataFrame], kimg: float) -> list[dict[str, Any]]:
    """The best values so far on the tuning seeds, at some shares of the budget."""
    costs = [round(kimg * share) for share in SHARES]
    return [{"kimg": cost, **compared({method: table[cost] for method, table in curves.items()})} for cost in costs]


def compared(values: Series) -> dict[str, Any]:
    """Every method over the repeats, and the paired differences."""
    pairs = ((TUNED, OWN), (RANDOM, OWN), (TUNED, RANDOM))
    differences = {f"{a} - {b}": plain(paired_difference(values[a], values[b])) for a, b in pairs}
    means = {method: plain(estimate(values[method])) for method in METHODS}
    return {**means, **differences, "values": {method: list(values[method]) for method in METHODS}}


def plain(value: Estimate) -> dict[str, float]:
    """An estimate as JSON can hold it."""
    return {"mean": value.mean, "half_width": value.half_width}


def tables(result: dict[str, Any]) -> list[Table]:
    """For the terminal."""
    rows = [(f"{row['kimg']} kimg", row) for row in result["best_at_cost"]] + [("fresh seeds", result["fresh_seeds"])]
    columns = [key for key in result["fresh_seeds"] if key != "values"]
    cells = [
        [name, *(f"{row[key]['mean']:.3f} ± {row[key]['half_width']:.3f}" for key in columns)] for name, row in rows
    ]
    title = "best value so far on the tuning seeds, and the chosen settings on fresh seeds (± 95% over repeats)"
    return [Table(title=title, columns=("after", *columns), rows=cells)]


if __name__ == "__main__":
    main()

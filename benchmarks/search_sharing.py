"""What a search over the switch of the loss alone trains, when its trials begin in the states of others.

`python -m benchmarks.search_sharing [--kimg 8] [--trials 10] [--output DIR] [--json FILE]`

The switch of the ready-made space `loss-schedule` (whether, when, to what, with which margin), on the data and by the
methods of ablations.yaml's `tune` section, with and without sharing, one trial at a time. Trials have to be the same,
value by value, bit for bit. Run again, it goes on where it was stopped.
"""

import argparse
import os
from pathlib import Path
from typing import Any

from benchmarks.machine import write_result
from benchmarks.tables import Table, show
from experiments.cli import prepared_launcher
from experiments.launch.execution import Execution
from experiments.study.study import Study, read_study
from experiments.study.tune_section import SpaceSection
from experiments.tracking.search_record import SearchRecord, TrialState
from experiments.tuning.make_searches import make_searches
from experiments.tuning.optuna_study import open_study
from experiments.tuning.ready_spaces import loss_schedule
from experiments.tuning.record import search_record
from experiments.tuning.search import Search
from experiments.tuning.session import Session
from experiments.tuning.storage import default_url, open_storage

EVALUATIONS, SAMPLES = 4, 1000
SPACE = "loss-schedule"


def main() -> None:
    """Search with and without sharing, compare, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, default=Path("ablations.yaml"))
    parser.add_argument("--kimg", type=float, default=8, help="of a trial")
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--output", type=Path, default=Path("runs/benchmark-search-sharing"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{(options.output / 'mlflow.db').resolve()}"
    study = read_study(options.study)
    search = switch_search(study, options.kimg, options.trials)
    shared, alone = (run(search, options.output / name, name == "shared") for name in ("shared", "alone"))
    row = compared(search, shared, alone)
    result = {"kimg": options.kimg, "searches": [row]}
    show(tables(result))
    write_result(options.json, result)


def switch_search(study: Study, kimg: float, trials: int) -> Search:
    """The section's search of the baseline on one seed, over the switch alone."""
    assert study.tune is not None
    budget = {"trials": trials, "kimg": None, "minutes": None, "seeds": 1}
    pruner = study.tune.pruner.model_copy(update={"warmup_kimg": kimg / EVALUATIONS})
    tune = study.tune.model_copy(update={"pruner": pruner, **budget})
    settings: dict[str, Any] = {
        "total_kimg": kimg,
        "evaluation.every_kimg": kimg / EVALUATIONS,
        "evaluation.samples": SAMPLES,
    }
    only: dict[str, str | None] = {"dataset": None, "variant": "baseline"}
    (whole,) = make_searches(study, tune, settings, only)
    others = {key: None for key in loss_schedule(whole.config) if key.split(".")[0] != "loss"}
    space = SpaceSection.model_validate({"include": [SPACE], **others})
    (search,) = make_searches(study, tune.model_copy(update={"space": space}), settings, only)
    return search


def run(search: Search, output: Path, sharing: bool) -> SearchRecord:
    """Spend the search's budget, one trial at a time. Returns its record."""
    launcher = prepared_launcher(Execution(launcher="in-process", sharing=sharing, output=output), search.jobs({}))
    storage = open_storage(default_url(output))
    if not Session(storage, launcher, lambda: False).run(search):
        raise SystemExit(1)
    return search_record(search, open_study(search, storage))


def compared(search: Search, shared: SearchRecord, alone: SearchRecord) -> dict[str, Any]:
    """What each has cost, and whether their trials are the same."""
    same = [(trial.params, trial.values, trial.rungs, trial.state) for trial in shared.trials] == [
        (trial.params, trial.values, trial.rungs, trial.state) for trial in alone.trials
    ]
    return {
        "method": search.method,
        "trials": len(shared.trials),
        "pruned": sum(trial.state is TrialState.PRUNED for trial in shared.trials),
        "nominal_kimg": sum(trial.kimg for trial in shared.trials),
        "trained_kimg": sum(trial.trained_kimg for trial in shared.trials),
        "seconds_shared": sum(trial.seconds for trial in shared.trials),
        "seconds_alone": sum(trial.seconds for trial in alone.trials),
        "is_same": same,
    }


def tables(result: dict[str, Any]) -> list[Table]:
    """Of what the JSON holds: the comparison."""
    rows = [
        [f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()]
        for row in result["searches"]
    ]
    columns = [key.replace("_", " ") for key in result["searches"][0]]
    return [Table(title=f"a search over the switch alone, {result['kimg']:g} kimg a trial", columns=columns, rows=rows)]


if __name__ == "__main__":
    main()

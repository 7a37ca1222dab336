"""What the tuner costs beside training: a real trial, in a storage that already holds many finished ones.

`python -m benchmarks.tune_overhead [--finished 0 1000] [--json FILE]`

Runs the search of ablations.yaml's `tune` section as `experiments.tune` does, with its display, its record and MLflow,
for two trials more than the storage holds. Between the ends of their last jobs, what is not the second one's jobs is
the tuner's: by the clock, what was waited for it; by the processor, what its process used in that time, which the jobs
may have missed.
"""

import argparse
import os
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import optuna
from mlflow.tracking import MlflowClient
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from benchmarks.machine import write_result
from benchmarks.tables import Table, show
from experiments.launch.execution import Execution
from experiments.launch.local import LocalLauncher, LocalProcess
from experiments.names import tuning_experiment
from experiments.study.study import read_study
from experiments.tracking.run_upload import experiment_id
from experiments.tracking.searches import SearchUpload
from experiments.tuning.make_searches import make_searches
from experiments.tuning.optuna_study import open_study
from experiments.tuning.record import search_record
from experiments.tuning.search import Search
from experiments.tuning.session import Session
from experiments.tuning.storage import default_url, open_storage
from experiments.tuning.trial_attributes import COST, OUTCOME
from r3gan.config import IMG_PER_KIMG
from r3gan.jobdir import JobDir


class Ended(NamedTuple):
    """When a job's processes had ended, in seconds."""

    clock: float
    processor: float  # used by this process until then
    job: float  # how long they ran


@dataclass(frozen=True)
class Watched(LocalLauncher):
    """A launcher that notes when each job ends."""

    ended: list[Ended] = field(default_factory=list)

    def start(self, directory: JobDir, slot: int) -> LocalProcess:
        """See launchers.Launcher."""
        began = time.perf_counter()
        process = super().start(directory, slot)

        def wait() -> None:
            process.process.wait()
            now = time.perf_counter()
            self.ended.append(Ended(now, time.process_time(), now - began))

        threading.Thread(target=wait, daemon=True).start()
        return process


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, default=Path("ablations.yaml"))
    parser.add_argument("--finished", type=int, nargs="+", default=[0, 1000], help="trials that the storage holds")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    study = read_study(options.study)
    assert study.tune is not None
    rows = []
    for finished in options.finished:
        tune = study.tune.model_copy(update={"trials": finished + 2, "kimg": None, "minutes": None})
        (search,) = make_searches(study, tune, {}, {"dataset": None, "variant": "baseline"})
        with tempfile.TemporaryDirectory() as folder:
            os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
            rows.append(measure(search, Path(folder), finished))
    result = {"rows": rows}
    show(tables(result))
    write_result(options.json, result)


def tables(result: dict[str, Any]) -> list[Table]:
    """For the terminal."""
    rows = [
        [
            f"{value:.2%}" if "share" in key else f"{value:g}" if key == "finished_trials" else f"{value:.2f}"
            for key, value in row.items()
        ]
        for row in result["rows"]
    ]
    columns = [key.replace("_", " ") for key in result["rows"][0]]
    return [Table(title="one trial", columns=columns, rows=rows)]


def measure(search: Search, folder: Path, finished: int) -> dict[str, float]:
    """The second of two more trials than `finished`, by the clock and by the processor."""
    storage = open_storage(default_url(folder))
    fill(search, open_study(search, storage), finished)
    upload(search, open_study(search, storage))
    launcher = Watched(Execution(slots=1, output=folder))
    launcher.prepare(search.jobs({}))
    if not Session(storage, launcher, lambda: False).run(search):
        raise SystemExit(1)
    jobs = len(launcher.ended) // 2
    before, second = launcher.ended[jobs - 1], launcher.ended[jobs:]
    whole = second[-1].clock - before.clock
    clock, processor = whole - sum(job.job for job in second), second[-1].processor - before.processor
    return {
        "finished_trials": finished,
        "trial_seconds": whole,
        "clock_seconds": clock,
        "clock_share": clock / whole,
        "processor_seconds": processor,
        "processor_share": processor / whole,
    }


def fill(search: Search, study: optuna.Study, count: int) -> None:
    """Put so many finished random trials into the storage, evaluated as often as real ones, and worse than them."""
    if count == 0:
        return
    first = study.ask()  # the own setting, which would be the next trial otherwise
    search.space.suggest(first)
    study.tell(first, 10.0)
    memory = optuna.create_study(sampler=RandomSampler(seed=0))
    every = search.config.evaluation.every_kimg * IMG_PER_KIMG
    rungs = [round(every * (i + 1)) for i in range(round(search.trial_img / every))]
    for number in range(1, count):
        trial = memory.ask()
        search.space.suggest(trial)
        found = memory.trials[number - 1]
        study.add_trial(
            optuna.create_trial(
                state=TrialState.COMPLETE,
                params=found.params,
                distributions=found.distributions,
                value=10 + 1 / number,
                intermediate_values={rung: 100 * rungs[-1] / rung for rung in rungs},
                user_attrs={OUTCOME: "complete", COST: {"kimg": search.trial_img / IMG_PER_KIMG, "seconds": 60.0}},
            )
        )


def upload(search: Search, study: optuna.Study) -> None:
    """Bring MLflow up to date, as the commands that ran those trials would have."""
    client = MlflowClient()
    record = search_record(search, study)  # as if long ago: no other worker will send what has ended
    record = replace(record, trials=tuple(replace(trial, ended=trial.ended and 1) for trial in record.trials))
    SearchUpload(client, experiment_id(client, tuning_experiment(search.study.name)), record).send(record)


if __name__ == "__main__":
    main()

"""Searches on the tiny study, with a launcher that invents the metrics instead of training."""

import json
import math
import threading
import time
from pathlib import Path

import pytest

from experiments.launch.execution import Execution
from experiments.study.problems import StudyError
from experiments.study.study import read_study
from experiments.tuning.make_searches import make_searches
from experiments.tuning.storage import default_url, open_storage
from experiments.tuning.workers import Workers
from r3gan.files import write_json
from r3gan.job_log import ATTEMPT_MARK
from r3gan.jobdir import JobDir
from r3gan.points import as_line

TUNE = """\
tune:
  space:
    schedules.gamma.start: {log: [3, 300]}
    schedules.gamma.end: {value: 30}
    schedules.gamma.decay_img: {value: 160}
    batch_size: {choice: [8, 16]}
  objective: {metric: d_kl}
  seeds: [1000]
  sampler: random
  pruner: none
  trials: 3
"""
GAMMA = TUNE[TUNE.index("    schedules.gamma.start") : TUNE.index("  objective")]  # what TUNE searches
SWITCH = """\
    loss:
      choice:
        no-switch: [{kind: relativistic-softplus}]
        hinge: [{kind: relativistic-softplus}, {kind: relativistic-hinge, from_fraction: 0.5}]
    loss.1.from_fraction: {PLACES, when: {loss: hinge}}
    loss.1.margin: {log: [0.25, 4], when: {loss: hinge}}
"""
STEPS = "uniform: [0.25, 0.75], step: 0.25"  # places of the switch
RANGE = "uniform: [0.2, 0.8]"


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr("experiments.tuning.workers.WAIT_SECONDS", 0.01)
    monkeypatch.setattr("experiments.tuning.takeover.CLAIM_SECONDS", 0.3)


@pytest.fixture
def write_tune(write_study):
    """Write the tiny study with TUNE, in which (old, new) are replaced; returns its path."""

    def write(*replacements: tuple[str, str]) -> Path:
        text = TUNE
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = write_study()
        path.write_text(path.read_text() + text)
        return path

    return write


@pytest.fixture
def searches(write_tune):
    """The searches of the tiny study; replacements as in write_tune."""

    def make(*replacements, settings=None, dataset=None, variant=None):
        study = read_study(write_tune(*replacements))
        return make_searches(study, study.tune, settings or {}, {"dataset": dataset, "variant": variant})

    return make


@pytest.fixture
def search(searches):
    """The only search of the tiny study; replacements as in write_tune."""

    def make(*replacements, **options):
        (only,) = searches(*replacements, **options)
        return only

    return make


@pytest.fixture
def over(search):
    """The search of the tiny study over the switch alone, searched in some places, and over what else is said."""

    def make(*replacements, places=STEPS, more="", **options):
        return search((GAMMA, SWITCH.replace("PLACES", places) + more), *replacements, **options)

    return make


@pytest.fixture
def problems(searches):
    """What a study is refused for, as text; replacements and options as in searches."""

    def refuse(*replacements, **options):
        with pytest.raises(StudyError) as caught:
            searches(*replacements, **options)
        return [str(problem) for problem in caught.value.problems]

    return refuse


@pytest.fixture
def storage(tmp_path):
    return open_storage(default_url(tmp_path / "tune"))


@pytest.fixture(params=["sqlite", "journal", "postgresql"])
def url(request, tmp_path):
    """The address of an empty storage of each kind."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql")()
    return {"sqlite": f"sqlite:///{tmp_path}/x.db", "journal": f"journal:{tmp_path}/x.log"}[request.param]


def quality(config, images):
    """The invented D_KL: least at gamma = 30, falling while training."""
    return abs(math.log(config["schedules"]["gamma"]["start"] / 30)) + 1 - images / (config["total_kimg"] * 1000)


class InventedProcess:
    """Writes one evaluation per poll, as a real job would, and goes on where it was stopped."""

    def __init__(self, directory, launcher):
        self.directory, self.launcher, self.stopped = directory, launcher, False
        self.config = json.loads(directory.config.read_text())

    def poll(self):
        config, launcher = self.config, self.launcher
        every, total = config["evaluation"]["every_kimg"] * 1000, config["total_kimg"] * 1000
        points = self.directory.points()
        images = points[-1]["images"] if points else 0
        if self.stopped:
            return 0
        if launcher.fails(config):
            self.directory.log.write_text(f"{ATTEMPT_MARK}now ===\nerror: out of luck\n")
            return 1
        if launcher.diverges(config):
            self.directory.diverged.write_text("loss_d is nan in the step after 0.08 kimg\n")
            return 1
        if launcher.hold.is_set():
            time.sleep(0.001)
            return None
        images = min(total, (images // every + 1) * every)
        batch = config["batch_size"]
        images = -(-int(images) // batch) * batch  # as training does, at the first step that reaches it
        metrics = {"d_kl": quality(config, images), "modes": 1000 - 100 * quality(config, images)}
        launcher.steps += 1
        with self.directory.metrics.open("a") as file:
            line = {"images": images, "seconds": images / 100, "time": time.time(), "metrics": metrics}
            file.write(as_line(line))
        if images < total:
            return None
        write_json(self.directory.result, {})
        return 0

    def stop(self):
        self.stopped = True

    def processor_seconds(self):
        return self.launcher.processor_seconds


class InventedLauncher:
    """Trains nothing. `fails` and `diverges` are asked with the configuration; while `hold` is set, jobs wait."""

    poll_seconds, slots = 0.002, 1

    def __init__(self, fails=lambda config: False, diverges=lambda config: False):
        self.fails, self.diverges, self.hold = fails, diverges, threading.Event()
        self.execution = Execution()
        self.started, self.steps = [], 0
        self.processor_seconds = None

    def start(self, directory: JobDir, slot: int):
        self.started.append((directory.root, slot))
        return InventedProcess(directory, self)


class Recorder:
    """An observer that remembers what it saw."""

    def __init__(self):
        self.ends = []

    def started(self, task):
        pass

    def progressed(self, task):
        pass

    def ended(self, task, outcome):
        self.ends.append(outcome.state)


@pytest.fixture
def work(tmp_path):
    """Run a search's workers to their end; returns the Workers."""

    def run(search, storage, launcher=None, count=1, should_stop=lambda: False, recorder=None, after=lambda: None):
        launcher = launcher or InventedLauncher()
        launcher.slots = count
        workers = Workers(
            search=search,
            storage=storage,
            folder=tmp_path / "files",
            launcher=launcher,
            observers=[recorder or Recorder()],
            asked_to_stop=should_stop,
            show=lambda line: None,
            after_trial=after,
        )
        workers.run()
        return workers

    return run

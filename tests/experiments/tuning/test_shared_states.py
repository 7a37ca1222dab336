"""Trials that begin in the states of others: the same search, bit for bit, with less to train."""

import json
import multiprocessing
import os
import signal
import time
from dataclasses import replace

import pytest

from experiments.launch.execution import Execution
from experiments.launch.launchers import make_launcher
from experiments.launch.outcome import JobState
from experiments.launch.scheduler import Task, execute, prepare_directory
from experiments.tracking.search_record import TrialState
from experiments.tuning.display import progress_text, trial_lines
from experiments.tuning.optuna_study import open_study
from experiments.tuning.record import search_record
from experiments.tuning.shared_states import trial_sharing
from experiments.tuning.storage import open_storage
from experiments.tuning.trial_files import tidy, trial_folder
from experiments.tuning.workers import Workers
from r3gan.beginning import Sharing, read_inherited
from r3gan.jobdir import JobDir
from r3gan.provenance import source_hash
from tests.experiments.launch.test_sharing import HOW
from tests.experiments.tuning.conftest import InventedLauncher, InventedProcess
from tests.experiments.tuning.test_partings import NO_SWITCH, hinge
from tests.r3gan.training.test_train import assert_equal_weights, final_weights, without_times

EXECUTION = Execution(launcher="in-process")
TWO_JOBS = ("seeds: [1000]", "seeds: [1000, 1001]")


def run(search, folder, *, sharing, execution=EXECUTION):
    """Spend a search's budget with real jobs, one after the other. Returns its record, and the jobs' folders."""
    storage, execution = open_storage(f"sqlite:///{folder}.db"), replace(execution, sharing=sharing)
    workers = Workers(
        search=search,
        storage=storage,
        folder=folder,
        launcher=make_launcher(execution),
        observers=[],
        asked_to_stop=lambda: False,
        show=lambda line: None,
        after_trial=lambda: None,
    )
    workers.run()
    assert workers.error is None
    return search_record(search, open_study(search, storage)), [JobDir(path) for path in sorted(folder.glob("*/*"))]


def comparable(record):
    return [replace(trial, starts_from="", inherited_kimg=0.0, inherited_seconds=0.0, seconds=0.0, started=0, ended=0,
        worker=None) for trial in record.trials]  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(900)  # six jobs
def test_a_search_that_shares_ends_with_the_bits_of_one_that_does_not(over, tmp_path):
    """The own setting, without a switch, then switches at 120 and at 80 of 160 images."""
    made = over()
    shared, jobs = run(made, tmp_path / "shared", sharing=True)
    alone, others = run(made, tmp_path / "alone", sharing=False)
    assert comparable(shared) == comparable(alone)
    for job, other in zip(jobs, others, strict=True):
        assert_equal_weights(final_weights(job), final_weights(other))
        assert without_times(job) == without_times(other)
    assert [trial.inherited_kimg for trial in shared.trials] == [0, 0.12, 0.08]
    assert [trial.kimg for trial in shared.trials] == [0.16] * 3
    first = f"trial 0, baseline/1000 at 0.12 kimg ({shared_identity(jobs[0])})"
    assert shared.trials[1].starts_from == first
    assert shared.trials[1].inherited_seconds == read_inherited(jobs[1]).seconds
    assert shared.trials[1].seconds == pytest.approx(
        jobs[1].points()[-1]["seconds"] - shared.trials[1].inherited_seconds
    )
    assert [int(path.name) for path in jobs[0].checkpoint_folders()] == [160, 120, 80, 40]
    assert {trial.inherited_kimg for trial in alone.trials} == {0}
    assert {len(job.checkpoint_folders()) for job in others} == {1}


@pytest.mark.slow
@pytest.mark.timeout(900)  # seven jobs, each a process
def test_a_search_that_shares_and_is_killed_goes_on_to_the_points_of_trainings_that_do_not_share(over, tmp_path):
    """SIGKILL of the worker while a trial that began in another one's state is trained."""
    made, processes = over(settings={"total_kimg": 1.6, "evaluation.every_kimg": 0.4}), Execution(slots=1)
    context = multiprocessing.get_context("fork")  # the search holds functions, which cannot be sent
    options = {"sharing": True, "execution": processes}
    worker = context.Process(target=run, args=(made, tmp_path / "shared"), kwargs=options)
    worker.start()
    deadline = time.time() + 600
    while not list((tmp_path / "shared").glob("trial*/*/inherited.json")) and time.time() < deadline:
        time.sleep(0.005)
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    shared, jobs = run(made, tmp_path / "shared", **options)
    assert [trial.state for trial in shared.trials].count(TrialState.INTERRUPTED) == 1
    ended = [trial for trial in shared.trials if trial.state is TrialState.COMPLETE]
    assert len(ended) == 3
    assert any(trial.inherited_kimg for trial in ended)
    for trial in ended:
        (job,) = made.jobs(trial.params)
        alone = Task(job, JobDir(tmp_path / "alone" / str(trial.number)))
        (end,) = execute([alone], make_launcher(processes), [], lambda: False)
        assert end.outcome.state is JobState.FINISHED
        (ours,) = (one for one in jobs if one.root.name.endswith(job.identity))
        assert without_times(ours) == without_times(alone.directory)


def shared_identity(job):
    return json.loads(job.description.read_text())["identity"]


@pytest.fixture
def lay(over, tmp_path):
    """A function that lays out the job of a trial that has trained up to some checkpoints, and keeps some."""

    def make(number, chosen, images, keep, *, seed=1000, sources=None):
        job = job_of(over(TWO_JOBS), chosen, seed)
        directory = JobDir(trial_folder(tmp_path, number) / f"baseline-seed{seed}-{job.identity}")
        prepare_directory(Task(job, directory, sharing=Sharing(keep=keep)))
        for each in images:
            directory.checkpoint(each).mkdir(parents=True)
        stretch = {"code": {"sources": sources or source_hash()}}
        directory.environment.write_text(json.dumps(HOW | {"trained_by": [stretch]}))
        return directory

    return make


def job_of(search, chosen, seed=1000):
    return next(job for job in search.jobs(chosen) if job.seed == seed)


def sharing_of(over, tmp_path, chosen, seed=1000, execution=EXECUTION):
    search, directory = over(TWO_JOBS), JobDir(trial_folder(tmp_path, 9) / "new")
    return trial_sharing(search, chosen, job_of(search, chosen, seed), directory, execution)


def test_a_job_begins_in_the_latest_state_that_trials_of_its_seed_keep_for_it(over, lay, tmp_path):
    lay(0, NO_SWITCH, (40, 80, 160), (40, 80))
    lay(1, hinge(0.75), (40, 80, 120), (40, 80, 120))
    lay(2, hinge(0.5), (80,), (80,), seed=1001)
    found = sharing_of(over, tmp_path, hinge(0.75, margin=2.0))
    assert (found.begins_in.text, found.keep) == ("trial 1, baseline/1000 at 0.12 kimg", ())
    assert found.begins_in.directory(trial_folder(tmp_path, 9) / "new").checkpoint(120).exists()
    found = sharing_of(over, tmp_path, hinge(0.5))
    assert (found.begins_in.text, found.keep) == ("trial 0, baseline/1000 at 0.08 kimg", ())
    found = sharing_of(over, tmp_path, NO_SWITCH)
    assert (found.begins_in.text, found.keep) == ("trial 1, baseline/1000 at 0.12 kimg", ())
    found = sharing_of(over, tmp_path, hinge(0.75), seed=1001)
    assert (found.begins_in.text, found.keep) == ("trial 2, baseline/1001 at 0.08 kimg", (120,))
    alone = sharing_of(over, tmp_path, hinge(0.5), execution=replace(EXECUTION, sharing=False))
    assert alone == Sharing()


def test_no_job_begins_in_what_is_not_kept_nor_in_what_other_code_has_trained(over, lay, tmp_path):
    lay(0, NO_SWITCH, (40, 80), (40,))  # the other one goes when the job that trains on has its next
    lay(1, NO_SWITCH, (40, 80), (40, 80), sources="other")
    assert sharing_of(over, tmp_path, hinge(0.5)).begins_in.text == "trial 0, baseline/1000 at 0.04 kimg"


def test_a_job_with_checkpoints_of_its_own_begins_in_no_other(over, lay, tmp_path):
    lay(0, NO_SWITCH, (40, 80), (40, 80))
    own = lay(1, hinge(0.5), (40,), (40, 80))
    search = over(TWO_JOBS)
    found = trial_sharing(search, hinge(0.5), job_of(search, hinge(0.5)), own, EXECUTION)
    assert found == Sharing(keep=(40, 80))


class TwoPoints(InventedProcess):
    """Two evaluations at once, as a job has that inherits them."""

    def poll(self):
        super().poll()
        return super().poll()


class InheritingLauncher(InventedLauncher):
    def start(self, directory, slot):
        self.started.append((directory.root, slot))
        if len(self.started) > 1:
            inherited = {"name": "trial 0, baseline/1000", "identity": "abc", "images": 120, "seconds": 1.2}
            directory.inherited.write_text(json.dumps(inherited))
        return TwoPoints(directory, self)


def test_a_trial_pruned_at_an_evaluation_that_it_inherits_has_no_later_one_and_costs_nothing(search, storage, work):
    """As without sharing, where it would not have been trained any further."""
    made = search(("pruner: none", "pruner: {kind: median, startup_trials: 1}"))
    work(made, storage, InheritingLauncher())
    own, pruned, _ = search_record(made, open_study(made, storage)).trials
    assert own.state == "complete"
    assert pruned.state == "pruned"
    assert [images for images, _ in pruned.rungs] == [80]
    assert (pruned.kimg, pruned.inherited_kimg, pruned.trained_kimg, pruned.seconds) == (0.08, 0.08, 0, 0)
    assert pruned.starts_from == "trial 0, baseline/1000 at 0.12 kimg (abc)"


def test_only_what_later_trials_may_begin_in_stays_and_none_of_it_when_the_search_is_over(
    search, storage, work, tmp_path
):
    made = search(("trials: 3", "trials: 4"))
    launcher = InventedLauncher(fails=lambda config: len(launcher.started) == 2)
    work(made, storage, launcher)
    record = search_record(made, open_study(made, storage))
    assert [trial.state for trial in record.trials] == ["complete", "failed", "complete", "complete", "complete"]
    jobs = [JobDir(next((tmp_path / "files" / f"trial{number:04}").iterdir())) for number in range(5)]
    for job in jobs:
        job.sharing.write_text(json.dumps({"keep": [40, 80]}))
        for images in (40, 80, 120, 160):
            job.checkpoint(images).mkdir(parents=True)
    (best,) = record.best

    def left():
        return [sorted(int(path.name) for path in job.checkpoint_folders()) for job in jobs]

    whole = [40, 80, 120, 160]
    tidy(tmp_path / "files", record, is_over=False)
    assert left() == [whole if number in (best, 1) else [40, 80] for number in range(5)]
    open_ones = replace(record, trials=(*record.trials, replace(record.trials[0], number=7, state=TrialState.RUNNING)))
    tidy(tmp_path / "files", open_ones, is_over=True)  # of another worker
    assert left() == [whole if number in (best, 1) else [40, 80] for number in range(5)]
    tidy(tmp_path / "files", record, is_over=True)
    assert left() == [[120, 160] if number in (best, 1) else [] for number in range(5)]


def test_the_terminal_says_what_was_trained_of_what_counts(search, storage, work):
    made = search()
    work(made, storage, InventedLauncher())
    record = search_record(made, open_study(made, storage))
    assert "trained" not in progress_text(record)
    begun = replace(record.trials[1], inherited_kimg=0.12, inherited_seconds=1.2)
    record = replace(record, trials=(record.trials[0], begun, record.trials[2]))
    assert progress_text(record).endswith("; 0.36 of 0.48 kimg trained, the rest begun in other trials")
    lines = list(trial_lines(None, record))
    assert "at 0.16 kimg, 0.04 of them trained" in lines[1]
    assert "trained" not in lines[0] + lines[2]

"""Workers and their trials, with a launcher that invents metrics: what is run, pruned, recorded, taken over."""

import json
import math
import multiprocessing
import os
import shutil
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import optuna
import pytest
from optuna.trial import TrialState

from experiments.launch.execution import Execution
from experiments.tracking.search_record import SearchRecord
from experiments.tuning.budget import proposed
from experiments.tuning.optuna_study import open_study
from experiments.tuning.record import search_record
from experiments.tuning.samplers import make_sampler
from experiments.tuning.storage import JOURNAL, open_storage
from experiments.tuning.takeover import MOST_KILLS, queue_again, take_over
from experiments.tuning.trial_attributes import WORKER
from experiments.tuning.trial_files import tidy
from experiments.tuning.workers import Workers
from r3gan.jobdir import JobDir
from tests.experiments.tuning.conftest import InventedLauncher, Recorder

NO_PRUNER, SAMPLER = "pruner: none", "sampler: random"


def record_of(search, storage):
    return json.loads(json.dumps(search_record(search, open_study(search, storage)).to_json()))


def states(search, storage):
    return [trial["state"] for trial in record_of(search, storage)["trials"]]


def test_a_search_runs_its_budget_with_the_own_setting_first(search, storage, work):
    made = search()
    launcher, recorder = InventedLauncher(), Recorder()
    assert work(made, storage, launcher, recorder=recorder).error is None
    found = record_of(made, storage)
    assert [trial["state"] for trial in found["trials"]] == ["complete"] * 3
    assert [trial["is_default"] for trial in found["trials"]] == [True, False, False]
    assert found["trials"][0]["params"] == {"schedules.gamma.start": 30.0, "batch_size": 8}
    for trial in found["trials"]:
        gamma = trial["params"]["schedules.gamma.start"]
        assert trial["values"] == [pytest.approx(abs(math.log(gamma / 30)))]
        assert [images for images, _ in trial["rungs"]] == [80, 160]
        assert trial["rungs"][0][1] == [pytest.approx(trial["values"][0] + 0.5)]
        assert (trial["kimg"], trial["seconds"]) == (0.16, 1.6)
    assert found["best"] == [0]  # by construction of the invented quality
    assert recorder.ends == ["finished"] * 3
    assert len({root.parent for root, _ in launcher.started}) == 3  # a folder of its own for each trial


def test_a_trial_whose_job_hangs_fails_with_that_reason_and_its_log(search, storage, work, monkeypatch):
    monkeypatch.setattr("experiments.launch.signs_of_life.LOOK_SECONDS", 0)
    launcher = InventedLauncher()
    launcher.execution, launcher.processor_seconds = Execution(patience_minutes=1e-9), 0.0
    launcher.hold.set()
    work(search(("trials: 3", "trials: 1")), storage, launcher)
    (trial,) = record_of(search(("trials: 3", "trials: 1")), storage)["trials"][:1]
    assert trial["state"] == "failed"
    assert "without a sign of life" in trial["reason"]
    assert "log.txt" in trial["reason"]


def test_running_again_adds_only_what_is_missing_and_proposes_nothing_twice(search, storage, work):
    launcher = InventedLauncher()
    work(search(), storage, launcher)
    work(search(), storage, launcher)
    assert len(launcher.started) == 3
    work(search(("trials: 3", "trials: 6")), storage, launcher)
    found = record_of(search(("trials: 3", "trials: 6")), storage)
    gammas = [trial["params"]["schedules.gamma.start"] for trial in found["trials"]]
    assert len(launcher.started) == len(set(gammas)) == 6


def test_evaluations_are_compared_at_the_same_steps_whatever_the_batch(search, storage, work):
    made = search(("[8, 16]", "[8, 48]"), ("trials: 3", "trials: 12"))
    work(made, storage)
    trials = record_of(made, storage)["trials"]
    assert {trial["params"]["batch_size"] for trial in trials} == {8, 48}
    assert all([images for images, _ in trial["rungs"]] == [80, 160] for trial in trials)


def test_seeds_are_averaged_and_count_on_as_rungs(search, storage, work):
    made = search(("seeds: [1000]", "seeds: [5, 6]"), ("{metric: d_kl}", "{metric: d_kl, at: best}"))
    work(made, storage)
    trial = record_of(made, storage)["trials"][1]
    assert [images for images, _ in trial["rungs"]] == [80, 160, 240, 320]
    final = trial["values"][0]
    # at the third rung the second seed has had one evaluation, which is half a point worse
    assert [values[0] for _, values in trial["rungs"]] == pytest.approx([final + 0.5, final, final + 0.25, final])
    assert trial["kimg"] == pytest.approx(0.32)


def test_hopeless_trials_are_pruned_and_cost_only_what_they_ran(search, storage, work):
    made = search((NO_PRUNER, "pruner: {kind: median, startup_trials: 1}"), ("trials: 3", "trials: 8"))
    launcher, recorder = InventedLauncher(), Recorder()
    work(made, storage, launcher, recorder=recorder)
    found = record_of(made, storage)["trials"]
    pruned = [trial for trial in found if trial["state"] == "pruned"]
    assert len(pruned) == 7  # the own setting is the best by construction
    assert all(trial["kimg"] == 0.08 and trial["values"] is None for trial in pruned)
    assert recorder.ends.count("pruned") == 7
    assert all(not JobDir(root).finished() for root, _ in launcher.started[1:])


@pytest.mark.parametrize("pruner", ["{kind: hyperband, min_kimg: 0.08, reduction_factor: 2}", "successive-halving"])
def test_the_other_pruners_end_trials_at_rungs(search, storage, work, pruner):
    made = search((NO_PRUNER, f"pruner: {pruner}"), ("trials: 3", "trials: 16"), (SAMPLER, "sampler: tpe"))
    work(made, storage)
    found = states(made, storage)
    assert found.count("pruned") > 3
    assert "complete" in found


def test_two_objectives_are_searched_for_their_front(search, storage, work):
    made = search(("{metric: d_kl}", "[{metric: d_kl}, {metric: modes}]"), (SAMPLER, "sampler: nsga-ii"))
    work(made, storage)
    found = record_of(made, storage)
    assert found["best"] == [0]
    assert all(len(trial["values"]) == 2 and len(trial["rungs"]) == 2 for trial in found["trials"])


def test_a_diverged_trial_is_recorded_as_such_and_keeps_the_sampler_away(search, storage, work):
    made = search(("trials: 3", "trials: 6"))
    recorder = Recorder()
    work(
        made,
        storage,
        InventedLauncher(diverges=lambda config: config["schedules"]["gamma"]["start"] != 30),
        recorder=recorder,
    )
    found = record_of(made, storage)["trials"]
    assert [trial["state"] for trial in found] == ["complete"] + ["diverged"] * 5
    assert "loss_d is nan" in found[1]["reason"]
    assert recorder.ends[1:] == ["diverged"] * 5
    study = open_study(made, storage)
    assert all(trial.state == TrialState.PRUNED for trial in study.trials[1:])  # which samplers learn from


def test_a_failed_trial_says_why_and_three_in_a_row_end_the_search(search, storage, work):
    made = search(("trials: 3", "trials: 9"))
    workers = work(made, storage, InventedLauncher(fails=lambda config: config["schedules"]["gamma"]["start"] != 30))
    assert states(made, storage) == ["complete", "failed", "failed", "failed"]
    assert workers.error is not None
    assert "3 trials in a row failed" in workers.error
    assert "out of luck" in workers.error
    assert "out of luck" in record_of(made, storage)["trials"][1]["reason"]


def test_a_stopped_trial_is_queued_again_and_goes_on_in_its_folder(search, storage, work):
    made, launcher = search(), InventedLauncher()
    work(made, storage, launcher, should_stop=lambda: launcher.steps >= 3)  # in the middle of the second trial
    assert states(made, storage) == ["complete", "interrupted", "waiting"]
    before = launcher.started[-1][0]
    again = InventedLauncher()
    work(made, storage, again)
    found = record_of(made, storage)["trials"]
    assert [trial["state"] for trial in found] == ["complete", "interrupted", "complete", "complete"]
    assert found[2]["params"] == found[1]["params"]
    assert found[2]["retry_of"] == 1
    assert again.started[0][0] == before
    assert again.steps == 1 + 2  # what was missing of the second trial, and the third
    assert found[2]["kimg"] == 0.16


@pytest.mark.parametrize(
    "sampler", ["random", "{kind: tpe, startup_trials: 2}", "qmc", "{kind: nsga-ii, population: 2}"]
)
def test_stopped_and_killed_a_search_in_one_slot_proposes_what_it_would_have_proposed(
    search, storage, work, tmp_path, sampler
):
    made = search((SAMPLER, f"sampler: {sampler}"), ("trials: 3", "trials: 8"))
    work(made, storage)
    expected = [trial["params"] for trial in record_of(made, storage)["trials"]]
    shutil.rmtree(tmp_path / "files")
    other = open_storage(f"sqlite:///{tmp_path}/other.db")
    study = open_study(made, other)
    for steps in (1, 2, 1, 3):
        launcher = InventedLauncher()
        work(made, other, launcher, should_stop=lambda of=launcher, most=steps: of.steps >= most)
        study.sampler = make_sampler(made, proposed(study.get_trials()))
        dead = study.ask()  # killed before it has drawn its numbers
        dead.set_user_attr(WORKER, {"host": socket.gethostname(), "pid": 2**22 + 1, "slot": 0})
    work(made, other)
    found = record_of(made, other)["trials"]
    assert [trial["state"] for trial in found].count("interrupted") > 4
    assert [trial["params"] for trial in found if trial["state"] == "complete"] == expected


def test_a_trial_may_be_stopped_any_number_of_times(search, storage, work):
    made = search(("trials: 3", "trials: 1"))
    for _ in range(MOST_KILLS + 2):
        launcher = InventedLauncher()
        launcher.hold.set()
        work(made, storage, launcher, should_stop=lambda started=launcher.started: bool(started))
    work(made, storage)
    assert states(made, storage) == ["interrupted"] * (MOST_KILLS + 2) + ["complete"]


def test_a_trial_that_kills_its_workers_is_given_up_in_the_end_and_said_to_have_failed(search, storage, work):
    made = search()
    study = open_study(made, storage)
    for _ in range(MOST_KILLS + 1):
        study.ask().set_user_attr(WORKER, {"host": socket.gethostname(), "pid": 2**22 + 1, "slot": 0})
        assert take_over(study) == 1
    work(made, storage)
    found = record_of(made, storage)["trials"]
    assert [trial["state"] for trial in found] == ["interrupted"] * MOST_KILLS + ["failed"] + ["complete"] * 3
    assert found[MOST_KILLS]["reason"] == "its worker was killed, again and again"


def test_four_workers_never_run_more_trials_than_the_budget_has(search, storage, work):
    made = search(("trials: 3", "trials: 9"))
    launcher = InventedLauncher()
    work(made, storage, launcher, count=4)
    assert states(made, storage) == ["complete"] * 9
    assert {slot for _, slot in launcher.started} == {0, 1, 2, 3}


def test_two_processes_worth_of_workers_share_one_search(search, url, work):
    made = search(("trials: 3", "trials: 10"))
    launchers = [InventedLauncher(), InventedLauncher()]
    open_study(made, open_storage(url))
    pause = {"count": 2, "after": lambda: time.sleep(0.1)}  # so that the other has its turn
    with ThreadPoolExecutor() as pool:
        ended = [pool.submit(work, made, open_storage(url), launcher, **pause) for launcher in launchers]
    assert [workers.result().error for workers in ended] == [None, None]
    found = states(made, open_storage(url))
    assert found.count("complete") == 10
    assert set(found) <= {"complete", "surplus"}
    assert all(launcher.started for launcher in launchers)


def test_what_pruning_saves_goes_into_further_trials_of_a_kimg_budget(search, storage, work):
    made = search((NO_PRUNER, "pruner: {kind: median, startup_trials: 1}"), ("trials: 3", "kimg: 0.8"))
    work(made, storage)
    assert states(made, storage) == ["complete"] + ["pruned"] * 7  # 0.16 + 7 * 0.08, and no room for 0.16 more


def test_workers_together_never_exceed_a_kimg_budget_and_leave_no_room_for_a_trial(search, storage, work):
    made = search((NO_PRUNER, "pruner: {kind: median, startup_trials: 1}"), ("trials: 3", "kimg: 0.8"))
    work(made, storage, count=3)
    assert 0.64 < sum(trial["kimg"] for trial in record_of(made, storage)["trials"]) <= 0.8 + 1e-9


def run_until_killed(made, url, folder):
    launcher = InventedLauncher()
    launcher.hold.set()
    storage = open_storage(url)
    Workers(
        search=made,
        storage=storage,
        folder=folder,
        launcher=launcher,
        observers=[],
        asked_to_stop=lambda: False,
        show=lambda line: None,
        after_trial=lambda: None,
    ).run()


def test_what_a_killed_process_was_running_is_taken_over(search, tmp_path, work, url):
    made = search()
    storage = open_storage(url)
    study = open_study(made, storage)
    context = multiprocessing.get_context("fork")  # the search holds functions, which cannot be sent
    process = context.Process(target=run_until_killed, args=(made, url, tmp_path / "files"))
    process.start()
    deadline = time.time() + 60
    while not any(len(trial.params) == 2 for trial in study.trials) and time.time() < deadline:
        time.sleep(0.02)
    assert take_over(study) == 0  # it is alive
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    work(made, storage)
    found = record_of(made, storage)["trials"]
    assert [trial["state"] for trial in found] == ["interrupted", "complete", "complete", "complete"]
    assert found[1]["params"] == found[0]["params"]
    assert found[1]["is_default"]


def test_only_the_best_trial_keeps_its_weights(search, storage, work, tmp_path):
    made = search(("trials: 3", "trials: 5"))
    work(made, storage)
    found = record_of(made, storage)
    for number in range(5):
        (job,) = (tmp_path / "files" / f"trial{number:04}").iterdir()
        (job / "checkpoints" / "0000000160").mkdir(parents=True)
    tidy(tmp_path / "files", SearchRecord.from_json(found), is_over=True)
    kept = [path.parts[-3] for path in (tmp_path / "files").glob("*/*/checkpoints")]
    assert kept == [f"trial{number:04}" for number in found["best"]]
    assert len(list((tmp_path / "files").glob("*/*/result.json"))) == 5


def test_a_worker_elsewhere_that_fell_silent_is_taken_over_after_its_grace(search, url, work, monkeypatch):
    if url.startswith(JOURNAL):
        pytest.skip("a journal file has no heartbeats")
    monkeypatch.setattr("experiments.tuning.storage.GRACE_SECONDS", 1)
    made, storage = search(), open_storage(url)
    study = open_study(made, storage)
    trial = study.ask()
    trial.set_user_attr(WORKER, {"host": "elsewhere", "pid": 1})
    made.space.suggest(trial)
    storage.record_heartbeat(trial._trial_id)
    time.sleep(2.5)
    work(made, storage)
    assert states(made, storage) == ["interrupted", "complete", "complete", "complete"]


def test_a_worker_that_others_took_for_dead_stops_its_job_and_goes_on_from_its_checkpoint(search, storage, work):
    made = search(("trials: 3", "trials: 2"))
    study, launcher, recorder = open_study(made, storage), InventedLauncher(), Recorder()

    def asleep_for_long(config):
        if launcher.steps == 1:  # between the evaluations of the first trial
            (trial,) = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            study.tell(trial.number, state=TrialState.FAIL)
            queue_again(study, trial)
            launcher.steps += 10
        return False

    launcher.fails = asleep_for_long
    assert work(made, storage, launcher, recorder=recorder).error is None
    assert states(made, storage) == ["interrupted", "complete", "complete"]
    found = record_of(made, storage)["trials"]
    assert found[1]["params"] == found[0]["params"]
    assert len({root for root, _ in launcher.started}) == 2


def test_heartbeats_outlive_a_database_that_is_away_for_a_moment(storage, monkeypatch):
    asked = []

    def refuse(self, trial_id):
        asked.append(trial_id)
        raise optuna.exceptions.StorageInternalError("the connection is lost")

    monkeypatch.setattr(optuna.storages.RDBStorage, "record_heartbeat", refuse)
    storage.record_heartbeat(7)
    assert asked == [7]


def test_a_trial_that_is_alive_elsewhere_is_waited_for(search, storage, work):
    made = search(("trials: 3", "trials: 1"))
    study = open_study(made, storage)
    trial = study.ask()
    trial.set_user_attr(WORKER, {"host": "elsewhere", "pid": 1})
    chosen = made.space.suggest(trial)
    storage.record_heartbeat(trial._trial_id)
    threading.Timer(0.5, lambda: study.tell(trial, 0.1)).start()
    began = time.monotonic()
    launcher = InventedLauncher()
    work(made, storage, launcher)
    assert time.monotonic() - began >= 0.4
    assert launcher.started == []
    assert chosen["batch_size"] == 8


def test_when_the_storage_is_lost_jobs_are_stopped_and_no_trial_is_lost(search, tmp_path, work, monkeypatch):
    monkeypatch.setattr("experiments.tuning.storage.GRACE_SECONDS", 1)
    made, launcher, storage = search(), InventedLauncher(), open_storage(f"sqlite:///{tmp_path}/x.db")
    real = optuna.Trial.report

    def report(self, value, step):
        if launcher.steps >= 3:
            raise optuna.exceptions.StorageInternalError("database or disk is full")
        real(self, value, step)

    monkeypatch.setattr(optuna.Trial, "report", report)
    recorder = Recorder()
    workers = work(made, storage, launcher, recorder=recorder)
    assert workers.error is not None
    assert "database or disk is full" in workers.error
    assert recorder.ends == ["finished", "stopped"]
    monkeypatch.setattr(optuna.Trial, "report", real)
    again = InventedLauncher()
    time.sleep(2.5)
    work(made, storage, again)
    assert states(made, storage) == ["complete", "interrupted", "complete", "complete"]
    assert again.started[0] == launcher.started[1]

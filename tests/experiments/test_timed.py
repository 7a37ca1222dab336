"""--minutes adds whole rounds of seeds while they fit. Jobs are written at once, by a clock of the tests."""

import json
import signal
from dataclasses import replace
from types import SimpleNamespace

import pytest

from experiments import cli
from experiments import run as command
from experiments.launch.launchers import LAUNCHERS, LauncherRow
from experiments.study.plan import make_plan, with_seeds
from experiments.study.study import read_study
from experiments.timed import jobs_of_next_seed
from tests.experiments.at_once import AtOnce

VARIANTS = ("baseline", "switch")
FIXED = ("    datasets: [stacked-digits]\n", "    datasets: [stacked-digits]\n    variants: [baseline, switch]\n")
RULE = ("seeds: [0, 1]", "seeds: {min: 3, max: 5, until: sign}")
PRIMARY = ("profile: quick\n", "profile: quick\nprimary: d_kl\n")
OWN = [(variant, seed) for variant in VARIANTS for seed in (0, 1)]


def rounds(*seeds):
    return [(variant, seed) for seed in seeds for variant in VARIANTS]


@pytest.fixture
def timed(write_study, tmp_path, monkeypatch):
    """Runs the command with jobs of a minute each. Returns its exit code, the jobs it started, those that were
    reported, and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    now, reported = [0.0], []
    monkeypatch.setattr(command, "monotonic", lambda: now[0])
    monkeypatch.setattr(command, "report", lambda jobs, *_: reported.append([(j.variant, j.seed) for j in jobs]) or 0)
    handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}

    def call(*arguments, replacements=(FIXED,), minutes_of=lambda variant, seed: 1, d_kl=lambda *_: 0.3, **kwargs):
        started, path = [], write_study(*replacements)
        reported.clear()

        def passes(variant, seed):
            now[0] += 60 * minutes_of(variant, seed)

        def make(execution):
            return AtOnce(execution, started, d_kl, passes=passes, **kwargs)

        monkeypatch.setitem(LAUNCHERS, "in-process", LauncherRow(make=make, summary=""))
        code = command.main([str(path), "--launcher", "in-process", "--no-costs", "--no-sharing", *arguments])
        return SimpleNamespace(code=code, started=started, reported=reported[-1] if reported else None)

    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_rounds_of_the_next_seed_are_added_as_long_as_a_whole_one_fits_and_are_reported(timed, capsys):
    done = timed("--minutes", "9.5")
    assert (done.code, done.started) == (0, [*OWN, *rounds(2, 3)])
    assert sorted(done.reported) == sorted(done.started)
    out = " ".join(capsys.readouterr().out.split())
    assert "seeds 2, 3 added, after 8.0 of 9.5 min: seed 4 would take about 2 min, and 1.5 min are left" in out


def test_the_slowest_job_of_a_configuration_decides_whether_a_round_fits(timed):
    slow = {("switch", 1): 3}
    assert timed("--minutes", "9.9", minutes_of=lambda *job: slow.get(job, 1)).started == OWN
    again = timed("--minutes", "4", minutes_of=lambda *job: slow.get(job, 1))
    assert again.started == rounds(2), "4 min are needed at most, and 2 are left after them"


@pytest.mark.parametrize("d_kl", [lambda *_: 0.3, lambda variant, seed: 9.0 * (variant == "switch") + 0.01 * seed])
def test_what_the_results_are_does_not_change_what_is_added(timed, d_kl):
    assert timed("--minutes", "6", d_kl=d_kl).started == [*OWN, *rounds(2)]


def test_seeds_of_the_study_are_trained_whatever_they_take(timed, capsys):
    assert timed("--minutes", "1").started == OWN
    assert "no seed added, after 4.0 of 1 min: " in " ".join(capsys.readouterr().out.split())


def test_a_second_command_has_its_own_time_and_counts_what_has_finished(timed):
    timed("--minutes", "6")
    done = timed("--minutes", "2")
    assert done.started == rounds(3)
    assert sorted(done.reported) == sorted([*OWN, *rounds(2, 3)])


def test_a_round_that_was_cut_short_is_finished_by_the_next_command(timed):
    assert timed("--minutes", "60", killed_at=5).code == 130
    done = timed("--minutes", "1")
    assert done.started == [("switch", 2)]
    assert sorted(done.reported) == sorted([*OWN, *rounds(2)])


def test_a_round_with_a_failed_job_is_the_last_one(timed, capsys):
    done = timed("--minutes", "60", failing=[("switch", 2)])
    assert (done.code, done.started) == (1, [*OWN, *rounds(2)])
    assert "not all jobs of seed 2 could be trained" in " ".join(capsys.readouterr().out.split())


def test_without_a_timed_job_no_round_begins_and_it_is_said(timed, tmp_path, capsys):
    timed()
    for note in tmp_path.rglob("duration.json"):
        note.unlink()
    assert timed("--minutes", "60").started == []
    assert "how long seed 2 would take is not known" in " ".join(capsys.readouterr().out.split())


def test_only_the_variants_that_were_asked_for_get_more_seeds(timed):
    assert timed("--minutes", "3", "--only", "variant=switch").started == [("switch", 0), ("switch", 1), ("switch", 2)]


def test_a_seed_on_which_a_variant_was_tuned_is_passed_over(timed, monkeypatch):
    read = cli.read_study
    monkeypatch.setattr(cli, "read_study", lambda path: replace(read(path), tuning_seeds={"switch": {2, 3}}))
    assert timed("--minutes", "6").started == [*OWN, *rounds(4)]


def test_a_job_of_an_added_seed_is_the_one_that_a_list_of_seeds_names(write_study):
    study = read_study(write_study(FIXED))
    named = make_plan(with_seeds(study, None, [2]), None, {}, {}).jobs
    added = jobs_of_next_seed(make_plan(study, None, {}, {}), ())
    assert [(job.identity, job.config) for job in added] == [(job.identity, job.config) for job in named]


@pytest.mark.parametrize(
    ("replacements", "arguments", "part"),
    [
        ((FIXED, PRIMARY, RULE), (), "the profile quick adds seeds by its rule"),
        ((FIXED,), ("--only", "seed=0"), "of which --only seed=... asks for some"),
        ((FIXED,), ("--minutes", "ten"), "a number of minutes from 0 up was expected"),
    ],
)
def test_what_does_not_go_with_it_is_an_error(timed, capsys, replacements, arguments, part):
    try:
        code = timed("--minutes", "10", *arguments, replacements=replacements).code
    except SystemExit as error:
        code = error.code
    assert code == 2
    assert part in " ".join(capsys.readouterr().err.split())


def test_the_dry_run_says_what_time_would_add_and_how_long_the_study_takes(timed, capsys, monkeypatch):
    timed("--only", "variant=baseline,seed=0")
    capsys.readouterr()
    path = "study.yaml"
    monkeypatch.setattr(command.cli, "costs_of", lambda *_: {})
    arguments = [path, "--launcher", "in-process", "--no-sharing", "--dry-run", "--only", "variant=baseline"]
    assert command.main([*arguments, "--minutes", "10"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "about 60 s, by 1 finished job of this study, on this machine with 1 at once" in out
    assert "then further seeds, a round of all variants at a time, while 10 min last" in out
    assert command.main([*arguments, "--json"]) == 0
    expected = {job["seed"]: job["expected"] for job in json.loads(capsys.readouterr().out)}
    assert expected == {0: None, 1: {"low_seconds": 60.0, "high_seconds": 60.0}}

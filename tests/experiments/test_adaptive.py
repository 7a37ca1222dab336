"""A study with a rule for its seeds, from the command to the report; jobs are written at once instead of trained."""

import shutil
import signal

import pytest

from experiments.launch.launchers import LAUNCHERS, LauncherRow
from experiments.run import main
from tests.experiments.at_once import AtOnce, analysis_here

CHANGES = [
    ("profile: quick\n", "profile: quick\nprimary: d_kl\n"),
    ("seeds: [0, 1]", "seeds: {min: 3, max: 5, until: sign}"),
    (
        "    datasets: [stacked-digits]\n",
        "    datasets: [stacked-digits]\n    variants: [baseline, attention, switch]\n",
    ),
]
MEANS = {"baseline": 0.30, "attention": 1.30, "switch": 0.31}  # of D_KL
FIRST = [(variant, seed) for variant in MEANS for seed in range(3)]


def d_kl(variant, seed):
    return MEANS[variant] + 0.01 * (seed % 3)


@pytest.fixture
def run(write_study, tmp_path, monkeypatch, empty_store):
    """Runs the command on the study; returns its exit code and which jobs it started."""
    analysis_here(monkeypatch)
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    path, handlers = write_study(*CHANGES), {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}

    def call(*arguments, failing=(), killed_at=None):
        started = []
        row = LauncherRow(
            make=lambda execution: AtOnce(execution, started, d_kl, failing=failing, killed_at=killed_at), summary=""
        )
        monkeypatch.setitem(LAUNCHERS, "in-process", row)
        return main([str(path), "--launcher", "in-process", "--no-costs", *arguments]), started

    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_seeds_are_added_where_the_conclusion_is_open_and_a_stopped_command_goes_on_as_planned(run, tmp_path):
    assert run(killed_at=11) == (130, [*FIRST, ("baseline", 3), ("switch", 3)])
    assert run() == (0, [("baseline", 4), ("switch", 4)])
    report = (tmp_path / "runs" / "tiny" / "report" / "report.md").read_text()
    assert "- **attention** is worse than the baseline (p < 0.001): D_KL +1.000 [" in report
    assert "at look 1 of 3, 3 seeds." in report
    assert "**switch**: D_KL +0.010 [" in report
    assert "at look 3 of 3, 5 seeds: no difference shown" in report
    assert run() == (0, []), "all has ended"


def test_a_failed_seed_counts_as_tried_and_is_not_replaced(run, tmp_path):
    code, started = run(failing=[("switch", 1)])
    assert code == 1
    assert started == [*FIRST, ("baseline", 3), ("switch", 3), ("baseline", 4), ("switch", 4)]
    assert "4 against 5 of 5" in (tmp_path / "runs" / "tiny" / "report" / "report.md").read_text()


def test_without_mlflow_the_job_directories_decide(run, monkeypatch, capfd):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    code, started = run("--mlflow-wait", "3", failing=[("switch", 1)])
    assert started == [*FIRST, ("baseline", 3), ("switch", 3), ("baseline", 4), ("switch", 4)]
    assert code == 1, "of the failed job alone"
    out = capfd.readouterr().out
    assert "attention is worse than the baseline" in out
    assert "the report was made from the job directories, without MLflow" in out


def test_only_limits_what_is_added(run, capfd):
    assert run("--only", "variant=attention,seed=0,1,4")[1] == [("attention", 0), ("attention", 1)]
    assert "the first look, at 3 seeds, waits for baseline/0, baseline/1, baseline/2" in capfd.readouterr().out


def test_the_dry_run_says_the_looks_and_the_cost_at_least_and_at_most(run, capsys):
    assert run("--dry-run") == (0, [])
    out = " ".join(capsys.readouterr().out.split())
    for part in ("3 to 5", "looks at 3, 4, 5 seeds", "shared by 2 comparisons", "at least 9 jobs", "at most 15 jobs"):
        assert part in out

import io
from dataclasses import replace

import mlflow
import pytest

from experiments.follow import main
from experiments.metric_keys import metric_key
from experiments.sync import main as sync
from r3gan.jobdir import JobDir
from r3gan.single.directory import write_job
from tests.r3gan.small import small_config
from tests.r3gan.training.test_train import run_inside


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A training outside a study that was stopped on the way."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    config = replace(small_config(), evaluation=replace(small_config().evaluation, metrics=()))
    calls = iter(range(100))
    run_inside(config, tmp_path / "alone", should_stop=lambda: next(calls) == 9)
    job = JobDir(tmp_path / "alone")
    write_job(job, config)
    return job


def the_run():
    (run,) = mlflow.search_runs(experiment_names=["alone"], output_format="list")
    return run


@pytest.mark.parametrize(("said", "status"), [("130\n", "KILLED"), ("", "KILLED"), ("1\n", "FAILED")])
def test_a_followed_job_is_in_mlflow_with_its_points_and_its_end(job, said, status, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    assert main([str(job.root)]) == 0
    run = the_run()
    assert run.info.status == status
    assert run.data.tags["dataset"] == "stacked-digits"
    assert metric_key("loss_d") in run.data.metrics


def test_a_job_outside_a_study_is_synced_by_its_directory(job, capsys):
    assert sync(["--output", str(job.root), "--rebuild"]) == 0
    assert "is there" in capsys.readouterr().out
    assert metric_key("loss_d") in the_run().data.metrics


def test_a_folder_that_is_no_job_is_told(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert "job.json" in capsys.readouterr().err

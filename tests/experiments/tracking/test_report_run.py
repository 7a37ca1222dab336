import pytest

from analysis.load import find_study, load_jobs
from experiments import names
from experiments.tracking.report_run import send_report, try_to_send_report
from tests.analysis.conftest import final, identity, new_study  # noqa: F401


@pytest.fixture
def study(new_study):  # noqa: F811
    study = new_study()
    for seed in (0, 1):
        study.log("baseline", seed, final(d_kl=1.0))
    return study


@pytest.fixture
def report(tmp_path):
    folder = tmp_path / "runs" / "study" / "report"
    (folder / "figures").mkdir(parents=True)
    (folder / "report.html").write_text("first")
    (folder / "figures" / "one.png").write_bytes(b"png")
    return folder


def files(store, run_id):
    return [file.path for file in store.list_artifacts(run_id)]


def test_a_report_is_a_run_of_its_own_and_the_next_one_replaces_it(study, report, store, tmp_path):
    jobs = [identity("baseline", 0)]
    run_id = send_report(store, study.experiment_id, report, jobs)
    (report / "report.html").write_text("second")
    assert send_report(store, study.experiment_id, report, jobs) == run_id
    assert files(store, run_id) == ["figures", "report.html"]
    assert (tmp_path / store.download_artifacts(run_id, "report.html", tmp_path)).read_text() == "second"
    assert store.get_run(run_id).info.status == "FINISHED"
    other = send_report(store, study.experiment_id, report.rename(report.with_name("report-c1")), jobs)
    assert other != run_id, "a trial with --set does not replace the study's report"


def test_jobs_lead_to_their_report_and_it_to_them(study, report, store):
    run_id = send_report(store, study.experiment_id, report, [identity("baseline", 0)])
    runs = store.search_runs([study.experiment_id], names.IS_JOB)
    found = {run.data.tags[names.SEED]: run.data.tags.get(names.REPORT) for run in runs}
    assert found["0"].endswith(f"/#/experiments/{study.experiment_id}/runs/{run_id}/artifacts")
    assert found["1"] is None, "the report is not about it"
    assert f"(#/experiments/{study.experiment_id}/runs?" in store.get_run(run_id).data.tags["mlflow.note.content"]


def test_a_report_is_no_job(study, report, store):
    send_report(store, study.experiment_id, report, [])
    assert find_study(store, None).name == "study"
    assert sorted(load_jobs(store, study.experiment_id)["seed"]) == [0, 1]


def test_what_mlflow_does_not_take_is_said(study, report, store, monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(type(store), "log_artifacts", full)
    (said,) = try_to_send_report(study.experiment_id, report, [])
    assert said.startswith(f"MLflow lacks the report in {report}: OSError: No space left on device (the disk of ")

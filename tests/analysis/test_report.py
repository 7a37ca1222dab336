"""From fake runs in MLflow through the command line to the report's files."""

import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread, imsave
from mlflow.tracking import MlflowClient

from analysis import load
from analysis.__main__ import main
from analysis.errors import ReportError
from experiments import names
from tests.analysis.conftest import FakeStudy, final, identity

NewStudy = Callable[..., FakeStudy]


def history(last: float) -> dict[int, float]:
    """Three evaluation points ending in `last`."""
    return {7000: 4 * last, 14000: 2 * last, 21000: last}


def log_comparison(study: FakeStudy) -> None:
    """Baseline 900, 910 and attention 930, 950 modes; an older baseline, a failed job and a repeated one around it."""
    study.log("baseline", 0, final(modes=1.0), comparison="c0")
    study.log("attention", 0, final(modes=1.0))  # repeated below
    grid = np.linspace(0, 1, 64 * 64 * 3).reshape(64, 64, 3)
    for variant, seed, modes in [
        ("baseline", 0, 900),
        ("baseline", 1, 910),
        ("attention", 0, 930),
        ("attention", 1, 950),
    ]:
        metrics = {"modes": history(modes), "d_kl": history(modes / 1000), "loss_d": history(0.5)}
        metrics |= final(d_kl_floor=0.1036, classifier_test_accuracy=0.9861)
        study.log(variant, seed, metrics, grid=grid if variant == "baseline" else None)
    study.log("attention", 2, final(modes=999.0), status="FAILED")


def test_report_of_the_only_study(new_study: NewStudy, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log_comparison(new_study("tiny"))
    assert main(["report"]) == 0
    out = tmp_path / "runs" / "tiny" / "report"

    table = pd.read_csv(out / "table.csv").set_index("variant")
    assert table.index.tolist() == ["baseline", "attention"]
    assert table["seeds"].tolist() == [2, 2]
    assert table["modes_mean"].tolist() == [905.0, 940.0]
    assert table.loc["attention", "modes_difference"] == 35.0
    assert table["failed"].tolist() == [0, 1]
    assert "frechet_distance_digits_count" not in table  # no run has it

    report = (out / "report.md").read_text()
    links = re.findall(r"\]\((figures/[^)]+)\)", report)
    assert [Path(link).stem.rsplit("-", 1)[-1] for link in links] == [
        "differences",
        "power",
        "values",
        "pairs",
        "quality",
        "losses",
        "samples",
        "progress",
    ]
    for link in links:
        assert imread(out / link).shape[1] > 1000
        assert imread(out / "figures" / "one-column" / Path(link).name).shape[1] <= 975
        assert (out / link).with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    assert "Not drawn: stacked-digits-laptop-effects, the variants form no factorial design." in report
    assert report.index("## The answer") < report.index("## What is compared") < report.index("## Results")
    assert "chosen for this report: the study file names none" in report
    assert "+35.0 [−" in report
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(links)
    assert "The answer" in page
    assert "floor of D_KL (a perfect generator" in report

    printed = capsys.readouterr().out
    counts = "4 runs compared, 2 other runs set aside"
    assert counts in report
    assert counts in printed
    assert "1 job without a result" in " ".join(printed.split())
    left_out = report.split("### Set aside or unfinished")[1]
    for words in ("c0 .*other baseline", "attention .* 0 .*repetition", "attention .* 2 .*FAILED .*unfinished"):
        assert re.search(words, left_out), words
    assert "Δ +35.0 ± " in printed
    assert "no difference shown" in " ".join(printed.split())
    assert "runs/tiny/report/report.html" in printed


def test_identities_and_out_restrict_and_redirect(new_study: NewStudy, tmp_path: Path) -> None:
    new_study("other").log("baseline", 0, final(modes=5.0))
    study = new_study("tiny")
    for seed, modes in enumerate((700.0, 800.0, 900.0)):
        study.log("baseline", seed, final(modes=modes))
    wanted = [identity("baseline", 0), identity("baseline", 2), "never-run"]
    assert main(["report", "--study", "tiny", "--out", "elsewhere", "--identity", *wanted]) == 0
    table = pd.read_csv("elsewhere/table.csv")
    assert table["modes_mean"].tolist() == [800.0]
    assert table["modes_count"].tolist() == [2]
    assert "Without a run in MLflow: never-run." in Path("elsewhere/report.md").read_text()
    assert not (tmp_path / "runs").exists()


def test_what_only_an_earlier_report_had_goes_and_nothing_else(new_study: NewStudy, tmp_path: Path) -> None:
    study = new_study("tiny")
    study.log("baseline", 0, {"modes": history(900), "loss_d": history(0.5)})
    study.log("baseline", 0, {"modes": history(900)}, dataset="other")
    assert main(["report"]) == 0
    out = tmp_path / "runs" / "tiny" / "report"
    own = {path for path in out.rglob("*") if path.is_file()}
    foreign = {out / "tables" / "mine.tex", out / "figures" / "quality.png", out / "figures" / "my-own.pdf"}
    foreign |= {out / "notes.csv", out / "figures" / "one-column" / "a-b-c.png"}
    for path in foreign:
        path.write_text("mine")
    assert main(["report", "--identity", identity("baseline", 0)]) == 0
    left = {path for path in out.rglob("*") if path.is_file()}
    gone = {path for path in own if path.name.startswith("other-")}
    assert {path.suffix for path in gone} == {".png", ".pdf", ".tex"}
    assert left == own - gone | foreign, "the rest of the report, and what others have put there"


def test_a_report_that_cannot_be_written_leaves_the_earlier_one_whole(
    new_study: NewStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.report.draw_all", lambda *_: [])
    new_study("tiny").log("baseline", 0, final(modes=900.0))
    assert main(["report"]) == 0
    page = tmp_path / "runs" / "tiny" / "report" / "report.html"
    before, node = page.read_bytes(), page.stat().st_ino

    def full(path: Path) -> None:
        if path.name.startswith("report.html"):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("r3gan.files.sync_path", full)
    assert main(["report"]) == 2
    assert (page.read_bytes(), page.stat().st_ino) == (before, node)
    assert not list(page.parent.rglob("*.tmp"))


def fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on standard error of a command that must fail, beside what MLflow logs."""
    assert main(["report", *arguments]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if " INFO mlflow." not in line]
    return line


def test_errors_are_one_line(new_study: NewStudy, store: MlflowClient, capsys: pytest.CaptureFixture[str]) -> None:
    store.create_experiment("not-ours")
    assert "no study has runs" in fails([], capsys)
    study = new_study("stacked")
    study.log("baseline", 0, final(modes=1.0), status="RUNNING")
    assert "did you mean 'stacked'?" in fails(["--study", "staked"], capsys)
    assert "of 1 runs found, none has finished" in fails([], capsys)
    new_study("another")
    assert "of 1 runs found, none has finished" in fails([], capsys), "a study without runs is no study"
    new_study("second").log("baseline", 0, final(modes=1.0))
    assert "choose one with --study: second, stacked" in fails([], capsys)
    study.log("baseline", 0, final(modes=1.0))
    study.log("attention", 0, final(modes=1.0), samples=100)
    assert "100 in attention; 5000 in baseline" in fails(["--study", "stacked"], capsys)


@pytest.mark.usefixtures("store")
def test_a_missing_default_store_is_an_error_and_stays_missing(
    empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    mlflow.set_tracking_uri(None)
    assert "there is no MLflow store" in fails([], capsys)
    assert not list(folder.iterdir())
    shutil.copy(empty_store, folder / "mlflow.db")
    assert "no study has runs" in fails([], capsys)


def test_points_keep_the_last_value_of_a_repeated_step(new_study: NewStudy, store: MlflowClient) -> None:
    study = new_study()
    run_id = study.log("baseline", 0, {"modes": {1000: 5.0, 2000: 6.0}})
    store.log_metric(run_id, "modes", 7.0, timestamp=study.clock + 50_000, step=1000)
    points = load.load_points(store, load.load_jobs(store, study.experiment_id), ["modes", "fid"])
    assert points.sort_values("kimg")[["metric", "kimg", "value"]].to_numpy().tolist() == [
        ["modes", 1.0, 7.0],
        ["modes", 2.0, 6.0],
    ]


def test_jobs_come_in_pages_and_one_that_lacks_a_tag_is_named(
    new_study: NewStudy, store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.tracking.pages.RUNS_PER_PAGE", 2)
    study = new_study()
    for seed in range(5):
        study.log("baseline", seed, final(modes=float(seed)))
    jobs = load.load_jobs(store, study.experiment_id)
    assert sorted(jobs["seed"]) == [0, 1, 2, 3, 4]
    assert set(jobs["evaluation_samples"]) == {5000.0}
    assert (jobs["modes"] == jobs["seed"]).all()
    half = store.create_run(study.experiment_id, tags={"comparison": "c1", "study": "study"}).info
    with pytest.raises(ReportError, match=rf"variant of MLflow's run {half.run_id} .* is '', what every run"):
        load.load_jobs(store, study.experiment_id)


def test_grids_are_loaded_by_kimg_and_the_last_one_always(
    new_study: NewStudy, store: MlflowClient, tmp_path: Path
) -> None:
    study = new_study()
    grid = np.random.default_rng(0).integers(0, 256, (16, 16, 3)) / 255
    study.log("baseline", 0, {}, grid=grid)
    study.log("baseline", 1, {})
    jobs = load.load_jobs(store, study.experiment_id).sort_values("seed")
    last = load.load_grids(tmp_path, jobs.iloc[0], 1)
    assert list(last) == [21.0]
    assert np.allclose(last[21.0], grid, atol=1e-6)
    assert list(load.load_grids(tmp_path, jobs.iloc[0], 5)) == [7.0, 21.0]
    assert load.load_grids(tmp_path, jobs.iloc[1], 1) == {}


def test_what_is_spread_over_all_ends_with_the_last() -> None:
    assert load.spread(range(1, 13), 4) == [3, 6, 9, 12]
    assert load.spread(range(1, 13), 1) == [12]
    assert load.spread([1, 2], 4) == [1, 2]
    assert load.spread([], 4) == []


@pytest.mark.parametrize("where", ["runs", "folder tag"])
def test_a_grid_is_taken_from_the_job_directory_where_it_is(
    where: str, new_study: NewStudy, store: MlflowClient, tmp_path: Path
) -> None:
    """After the store was moved away from its artifacts, say."""
    study = new_study()
    study.log("baseline", 0, {}, grid=np.zeros((4, 4, 3)))
    (job,) = (row for _, row in load.load_jobs(store, study.experiment_id).iterrows())
    below_runs = tmp_path / "runs" / "study" / "stacked-digits" / "baseline" / f"seed0-{job['identity']}"
    folder = below_runs if where == "runs" else tmp_path / "elsewhere"
    (folder / "samples").mkdir(parents=True)
    imsave(folder / "samples" / "0000021000.png", np.ones((4, 4, 3)))
    shutil.rmtree(study.folder)
    job["folder"] = f"{socket.gethostname()}:{tmp_path / 'elsewhere'}"
    (loaded,) = load.load_grids(tmp_path / "runs", job, 1).values()
    assert loaded.min() == 1.0
    shutil.rmtree(folder)
    assert load.load_grids(tmp_path / "runs", job, 1) == {}


def test_a_damaged_grid_is_taken_from_mlflow_and_other_pictures_are_none(
    new_study: NewStudy, store: MlflowClient, tmp_path: Path
) -> None:
    study = new_study()
    study.log("baseline", 0, {}, grid=np.full((4, 4, 3), 0.5))
    (job,) = (row for _, row in load.load_jobs(store, study.experiment_id).iterrows())
    folder = tmp_path / "runs/study/stacked-digits/baseline" / f"seed0-{job['identity']}" / "samples"
    folder.mkdir(parents=True)
    imsave(folder / "0000021000.png", np.ones((4, 4, 3)))
    (folder / "notes.png").touch()
    assert load.load_grids(tmp_path / "runs", job, 1)[21.0].min() == 1.0
    (folder / "0000021000.png").write_bytes((folder / "0000021000.png").read_bytes()[:30])
    assert load.load_grids(tmp_path / "runs", job, 1)[21.0].max() == pytest.approx(0.5, abs=0.01)


def test_samples_that_are_not_found_are_said(new_study: NewStudy, capsys: pytest.CaptureFixture[str]) -> None:
    study = new_study()
    study.log("baseline", 0, final(modes=1.0), grid=np.zeros((16, 16, 3)))
    study.log("attention", 0, final(modes=1.0))
    assert main(["report"]) == 0
    assert "No samples were found of attention/0." in Path("runs/study/report/report.md").read_text()


def test_runs_of_other_sources_are_compared_apart_and_that_is_said(
    new_study: NewStudy, store: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    study = new_study()
    for sources, variants in {"aaa": ("baseline", "attention"), "bbb": ("baseline", "attention", "both")}.items():
        for variant in variants:
            configuration = "same" if variant == "baseline" else ""
            seed = 0 if sources == "aaa" else 1
            run_id = study.log(variant, seed, final(modes=float(len(variants))), configuration=configuration)
            store.set_tag(run_id, "sources", sources)
    assert main(["report"]) == 0
    report = Path("runs/study/report/report.md").read_text()
    assert "trained by 2 versions of r3gan's sources (aaa, bbb; + stands between those of one run)" in report
    table = pd.read_csv("runs/study/report/table.csv")
    assert set(zip(table["profile"], table["variant"], table["seeds"], strict=True)) == {
        ("laptop, sources aaa", "baseline", 1),
        ("laptop, sources aaa", "attention", 1),
        *(("laptop, sources bbb", variant, 1) for variant in ("baseline", "attention", "both")),
    }


def test_a_repetition_of_a_job_under_todays_sources_stands_alone(new_study: NewStudy, store: MlflowClient) -> None:
    study = new_study()
    for sources in ("aaa", "bbb"):
        store.set_tag(study.log("baseline", 0, final(modes=1.0)), "sources", sources)
    assert main(["report"]) == 0
    assert "versions of r3gan's sources" not in Path("runs/study/report/report.md").read_text()
    assert set(pd.read_csv("runs/study/report/table.csv")["profile"]) == {"laptop"}


def test_a_file_in_the_place_of_the_folder_is_one_line(
    new_study: NewStudy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new_study().log("baseline", 0, final(modes=1.0))
    (tmp_path / "file").write_text("")
    assert "file cannot be a folder to write to" in fails(["--out", str(tmp_path / "file")], capsys)


def test_the_classes_of_a_dataset_stand_with_what_is_compared(new_study: NewStudy, store: MlflowClient) -> None:
    store.set_tag(new_study().log("baseline", 0, final(modes=1.0)), "classes", "3 (bee, cat, dog)")
    assert main(["report"]) == 0
    assert "Classes: 3 (bee, cat, dog)." in Path("runs/study/report/report.md").read_text()


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        (names.SEED, "zero", "a whole number from 0 on"),
        (names.SEED, "-3", "a whole number from 0 on"),
        (names.SEED, "1.5", "a whole number from 0 on"),
        ("d_kl_floor", "low", "a number"),
    ],
)
def test_a_tag_that_is_no_number_is_one_line_that_names_the_run(
    key: str, text: str, expected: str, new_study: NewStudy, store: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = new_study().log("baseline", 0, final(modes=1.0))
    store.set_tag(run_id, key, text)
    said = f"{key} of MLflow's run {run_id} (stacked-digits/baseline/0) is {text!r}, {expected} was expected"
    assert said in fails([], capsys)


def test_a_parameter_that_is_no_number_is_one_line_too(new_study: NewStudy, capsys: pytest.CaptureFixture[str]) -> None:
    new_study().log("baseline", 0, final(modes=1.0), samples="many")  # type: ignore[arg-type]
    assert "evaluation.samples of MLflow's run" in fails([], capsys)


@pytest.mark.parametrize("modes", [0.96, 2000.0, -1.0])
def test_modes_that_are_no_count_are_one_line_that_names_the_run(
    modes: float, new_study: NewStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    study = new_study()
    study.log("baseline", 0, final(modes=900.0, d_kl=0.1))
    run_id = study.log("both", 3, final(modes=modes, d_kl=0.1))
    said = f"modes of MLflow's run {run_id} (stacked-digits/both/3): {modes:g} is no count from 0 to 1000"
    assert said in fails([], capsys)

import math
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

import analysis
from analysis import load
from analysis.errors import ReportError
from experiments import names
from tests.analysis.conftest import FakeStudy, final, identity

NewStudy = Callable[..., FakeStudy]
ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "analysis.md").read_text().split("## In a notebook")[1].split("\n## ")[0]
COLUMNS = [
    "dataset", "profile", "variant", "seed", "identity", "run_id", "status", "comparison", "sources",
    "folder", "metric", "kimg", "value",
]  # fmt: skip


def test_a_study_is_one_table_with_a_row_for_each_point(new_study: NewStudy, store: MlflowClient) -> None:
    study = new_study()
    new_study("another").log("baseline", 0, final(modes=99.0))
    first = study.log("baseline", 3, {"modes": {1000: 5.0, 2000: math.inf}, "loss": {500: 0.5}})
    second = study.log("attention", 0, {"modes": {1000: math.nan}}, status="RUNNING", dataset="cifar10", profile="full")
    study.log("both", 0, {})
    store.set_tag(second, names.SOURCES, "abc")
    store.set_tag(first, names.COMPARISON, "first")
    store.set_tag(second, names.COMPARISON, "second")
    points = analysis.load_study("study")
    one = ("stacked-digits", "laptop", "baseline", 3, identity("baseline", 3), first, "FINISHED", "first", "")
    two = ("cifar10", "full", "attention", 0, identity("attention", 0, "cifar10"), second, "RUNNING", "second", "abc")
    rows = [
        (*two, "", "modes", 1.0, math.nan), (*one, "", "loss", 0.5, 0.5), (*one, "", "modes", 1.0, 5.0),
        (*one, "", "modes", 2.0, math.inf),
    ]  # fmt: skip
    expected = pd.DataFrame(rows, columns=COLUMNS)
    order = ["variant", "metric", "kimg"]
    found = points.astype(expected.dtypes.to_dict()).sort_values(order, ignore_index=True)
    pd.testing.assert_frame_equal(found, expected)


def test_texts_are_categories_and_parameters_and_tags_are_no_metrics(new_study: NewStudy, store: MlflowClient) -> None:
    study = new_study()
    study.log("baseline", 0, final(modes=1.0, fid=2.0))
    points = analysis.load_study()
    assert set(points["metric"]) == {"modes", "fid"}
    assert {column for column in points if points[column].dtype == "category"} == {*COLUMNS[:-2]} - {"seed"}
    assert sorted(load.metric_keys(load.load_jobs(store, study.experiment_id))) == ["fid", "modes"]


def test_variants_are_in_the_order_of_the_report(new_study: NewStudy) -> None:
    study = new_study()
    for variant in ("switch", "attention", "baseline"):
        study.log(variant, 0, final(modes=1.0))
    assert analysis.load_study()["variant"].cat.categories.tolist() == ["baseline", "switch", "attention"]


def test_a_jobs_folder_is_below_runs_or_where_the_run_was_sent_from(
    new_study: NewStudy, store: MlflowClient, tmp_path: Path
) -> None:
    study = new_study()
    sent = [study.log("baseline", seed, final(modes=1.0)) for seed in range(3)]
    below = tmp_path / "out" / "study" / "stacked-digits" / "baseline" / f"seed0-{identity('baseline', 0)}"
    elsewhere = tmp_path / "elsewhere"
    for folder in (below, elsewhere):
        folder.mkdir(parents=True)
    for run in sent[:2]:
        store.set_tag(run, names.FOLDER, f"{socket.gethostname()}:{elsewhere}")
    store.set_tag(sent[2], names.FOLDER, f"another-machine:{elsewhere}")
    points = analysis.load_study(runs=tmp_path / "out").set_index("seed")
    assert points.loc[[0, 1, 2], "folder"].tolist() == [str(below), str(elsewhere), ""]


def test_the_comparison_is_of_the_runs_that_the_report_compares(new_study: NewStudy) -> None:
    study = new_study()
    study.log("attention", 0, final(d_kl=9.0), comparison="older")
    for seed in range(3):
        study.log("baseline", seed, {"d_kl": {1000: 2.0, 2000: 0.5 + seed / 100}})
        study.log("attention", seed, {"d_kl": {1000: 2.0, 2000: 0.7 + seed / 50}})
    study.log("attention", 3, {}, status="FAILED")
    table = analysis.compare_study("study")
    assert table["variant"].tolist() == ["baseline", "attention"]
    assert table["primary"].tolist() == ["d_kl", "d_kl"]
    assert table["failed"].tolist() == [0, 1]
    assert table["d_kl_mean"].tolist() == pytest.approx([0.51, 0.72])
    assert table.loc[1, "d_kl_difference"] == pytest.approx(0.21)
    assert table.loc[1, "d_kl_difference_p_holm"] < 0.05


def test_there_is_no_comparison_of_unfinished_runs(new_study: NewStudy) -> None:
    new_study().log("baseline", 0, final(modes=1.0), status="RUNNING")
    with pytest.raises(ReportError, match="of 1 runs found, none has finished"):
        analysis.compare_study()


def test_a_study_without_points_is_an_empty_table(new_study: NewStudy) -> None:
    new_study().log("baseline", 0, {}, status="RUNNING")
    points = analysis.load_study("study")
    assert points.empty
    assert list(points) == COLUMNS


def test_an_unknown_study_is_an_error_that_names_the_nearest(new_study: NewStudy) -> None:
    new_study("stacked").log("baseline", 0, final(modes=1.0))
    with pytest.raises(ReportError, match=r"no study 'staked' has runs in MLflow, did you mean 'stacked'\?"):
        analysis.load_study("staked")


def test_jobs_have_the_tags_of_the_studys_design_and_of_their_outcome_if_they_have_them(
    new_study: NewStudy, store: MlflowClient
) -> None:
    study = new_study()
    tagged = study.log("baseline", 0, final(modes=1.0))
    study.log("baseline", 1, final(modes=1.0))
    for tag in (names.DESIGN, names.DESIGN_AT_START, names.OUTCOME):
        store.set_tag(tagged, tag, f"its {tag}")
    jobs = load.load_jobs(store, study.experiment_id).sort_values("seed")
    assert jobs[[names.DESIGN, names.DESIGN_AT_START, names.OUTCOME]].to_numpy().tolist() == [
        ["its design", "its design_at_start", "its outcome"],
        ["", "", ""],
    ]


def test_the_document_names_every_column_and_its_example_runs(new_study: NewStudy) -> None:
    table = "".join(line.split("|")[1] for line in DOCUMENT.splitlines() if line.startswith("| `"))
    assert re.findall(r"`(\w+)`", table) == COLUMNS
    study = new_study("r3gan-ablations")
    for seed in (0, 1):
        study.log("baseline", seed, {"d_kl": {1000: 9.0, 2000: 0.5 + seed}})
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    *statements, result = example.strip().splitlines()
    found: dict[str, object] = {}
    exec("\n".join(statements), found)
    assert eval(result, found)["mean"].to_dict() == {"baseline": 1.0}


def test_importing_analysis_loads_no_library_that_takes_seconds() -> None:
    heavy = ("mlflow", "numpy", "pandas", "matplotlib", "scipy")
    code = f"import sys, analysis; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"

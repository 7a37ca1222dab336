"""A known dataset is one new row: listed, made ready, loaded, checked, named by a study."""

import pytest
import torch

from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.__main__ import main
from r3gan.availability import availability_problems
from r3gan.data.catalog import DATASETS, DatasetRow
from r3gan.data.facts import Facts
from r3gan.data.load import ensure_dataset, load_dataset
from r3gan.data.prepared_images import PreparedImages
from r3gan.data.stacked_digit_files import StackedDigitFiles
from r3gan.deferred import Deferred
from tests.r3gan.conftest import as_zip, class_files

SIZE = 8
ROWS = {
    "of images": DatasetRow(Facts(SIZE, 2, 48), PreparedImages(("dots*.zip",), "dots.zip")),
    "of digits": DatasetRow(
        Facts(SIZE, 1000), StackedDigitFiles(loader=Deferred("tests.new_rows:load_dots"), package="this test")
    ),
}
STUDY = f"""\
study: rows
profile: quick
baseline: {{batch_size: 8}}
variants: {{}}
datasets:
  dots:
    preset: digits-{SIZE}x{SIZE}
    network: {{widths: [16, 8], groups: [4, 2]}}
seeds: [0]
profiles:
  quick: {{datasets: [dots], total_kimg: 0.08, evaluation: {{every_kimg: 0.08, samples: 1000, metrics: []}}}}
"""


@pytest.fixture(params=ROWS)
def root(request, tmp_path, crops, monkeypatch):
    """A data folder with the files of a dataset whose row is new."""
    monkeypatch.setenv("R3GAN_DATA", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setitem(DATASETS, "dots", ROWS[request.param])
    if request.param == "of images":
        as_zip(tmp_path / "dots1.zip", class_files(crops))
    return tmp_path


def test_a_new_row_is_listed_made_ready_loaded_and_checked(root, capsys):
    assert main(["data", "list"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if " dots " in line]
    assert f"{SIZE}x{SIZE}" in line
    assert "missing" not in line
    ensure_dataset("dots", root)
    data = load_dataset("dots", root, torch.device("cpu"))
    assert (data.name, data.resolution, data.classes) == ("dots", *DATASETS["dots"].facts[:2])
    assert main(["data", "check", "dots"]) == 0
    assert capsys.readouterr().out.startswith("dots: sound, ")


@pytest.mark.usefixtures("root")
def test_a_study_names_a_new_row(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    (job,) = make_plan(read_study(path), None, {}, {}).jobs
    assert (job.dataset, job.config.dataset, job.config.network.resolution) == ("dots", "dots", SIZE)
    assert availability_problems(job.config) == []

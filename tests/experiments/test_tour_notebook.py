"""docs/tour.ipynb: as it lies in the repository, and run on a study that was trained for it."""

import ast
import base64
import importlib
import io

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient
from PIL import Image

from r3gan.jobdir import JobDir
from tests.experiments.conftest import ROOT

NOTEBOOK = ROOT / "docs" / "tour.ipynb"
KEPT = 'table.to_csv("table.csv"); final.to_csv("final.csv")'  # run after the last cell, for the tests


@pytest.fixture
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


def code_cells(notebook):
    """By their names."""
    return {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}


def test_the_notebook_is_valid_small_and_without_outputs(notebook):
    nbformat.validate(notebook)
    assert NOTEBOOK.stat().st_size < 20_000
    assert {(len(cell.outputs), cell.execution_count) for cell in code_cells(notebook).values()} == {(0, None)}


def test_every_name_that_the_notebook_imports_or_takes_from_the_project_is_public(notebook):
    tree = ast.parse("\n".join(cell.source for cell in code_cells(notebook).values()))
    modules = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    taken = [(node.module, name.name) for node in froms for name in node.names]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            taken.append((node.value.id, node.attr))
    ours = [(module, name) for module, name in taken if module.split(".")[0] in ("r3gan", "analysis")]
    assert set(ours) == {("analysis", "load_study"), ("analysis", "compare_study"), ("r3gan", "load_generator")}
    assert [name for module, name in ours if name not in importlib.import_module(module).__all__] == []
    assert [(module, name) for module, name in taken if not hasattr(importlib.import_module(module), name)] == []


def pictures(cell):
    """The PNGs among a cell's outputs."""
    return [base64.b64decode(out.data["image/png"]) for out in cell.outputs if "image/png" in out.get("data", {})]


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_notebook_shows_the_numbers_of_the_report_and_the_images_of_its_jobs(
    notebook, command_of, write_study, tmp_path, monkeypatch
):
    command = command_of("experiments.run")
    process = command.start(write_study(), "--only", "variant=baseline,both", "--mlflow-wait", "300")
    out, err = process.communicate(timeout=900)
    assert process.returncode == 0, out + err
    folder = command.folder
    place = next(i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", ()))
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(f'STUDY, FOLDER = "tiny", Path({str(folder)!r})'))
    notebook.cells.append(nbformat.v4.new_code_cell(KEPT))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()

    cells = code_cells(notebook)
    assert [out for cell in cells.values() for out in cell.outputs if out.output_type == "error"] == []
    for name in ("points", "runs", "final", "table"):
        assert "<table" in cells[name].outputs[-1].data["text/html"]
    report = folder / "runs" / "tiny" / "report"
    table, written = pd.read_csv(tmp_path / "table.csv"), pd.read_csv(report / "table.csv")
    pd.testing.assert_frame_equal(table, written[table.columns])
    assert set(table) == set(written)
    final = pd.read_csv(tmp_path / "final.csv", index_col="variant")
    for variant in ("baseline", "both"):
        for seed in (0, 1):
            (root,) = folder.glob(f"runs/tiny/stacked-digits/{variant}/seed{seed}-*")
            assert final.loc[variant, str(seed)] == JobDir(root).points()[-1]["metrics"]["d_kl"]
    shown = {name: pictures(cell) for name, cell in cells.items() if pictures(cell)}
    assert {name: len(found) for name, found in shown.items()} == {"curves": 1, "figure": 1, "samples": 1, "ways": 1}
    assert shown["figure"] == [(report / "figures" / "stacked-digits-quick-differences.png").read_bytes()]
    left, right = np.array_split(np.asarray(Image.open(io.BytesIO(shown["samples"][0])).convert("L"))[40:], 2, axis=1)
    assert left.std() > 20
    assert right.std() > 20

"""Figures as files."""

from functools import partial
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from analysis.drawing.drawn import Drawn, Omitted
from analysis.drawing.save import begin_saving, save

COUNT = 6


def line(height: float, width: float) -> Figure:
    figure = Figure(figsize=(width, 2))
    figure.subplots().plot([0, height])
    return figure


def test_many_figures_are_the_files_that_each_is_by_itself(tmp_path: Path) -> None:
    figures = [Drawn(f"line-{i}", "", partial(line, i)) for i in range(COUNT)]
    described = [*figures[:2], Omitted("none", "there is nothing"), *figures[2:]]
    saving = begin_saving(iter(described), tmp_path / "all")
    saving.wait()
    assert saving.drawn == described
    for figure in figures:
        save(figure, tmp_path / "each")
    written = {path.relative_to(tmp_path / "all"): path.read_bytes() for path in (tmp_path / "all").rglob("*.*")}
    assert set(written) == {
        Path(folder, f"line-{i}{suffix}")
        for folder in ("", "one-column")
        for i in range(COUNT)
        for suffix in (".png", ".pdf")
    }
    assert written == {name: (tmp_path / "each" / name).read_bytes() for name in written}
    assert len(set(written.values())) == len(written), "each is of its own data and width"


def test_a_folder_that_cannot_be_one_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    saving = begin_saving([Drawn("line", "", partial(line, 1))], tmp_path / "file")
    with pytest.raises(OSError, match="file"):
        saving.wait()

"""Pictures of single runs side by side: whose they are, and what is said where there are none."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.drawing.drawn import Drawn, Omitted
from analysis.drawing.pictures import draw_pictures
from analysis.figures import samples as figures
from analysis.figures.style import ONE_COLUMN, TWO_COLUMNS
from analysis.run_files import read_picture
from tests.analysis.figures.touching import unreadable
from tests.analysis.studies import runs_of

RUNS = runs_of({"d_kl": {"baseline": [0.3, 0.4], "a": [0.5, 0.6], "b": [0.5, 0.6]}})


def test_the_first_seed_of_each_variant_that_has_a_picture_is_shown() -> None:
    asked = []

    def load(row, name):
        asked.append((row["variant"], row["seed"], name))
        return None if row["variant"] == "b" else np.full((48, 48, 3), 0.5)

    neighbours, interpolation = draw_pictures(RUNS, ["baseline", "a", "b"], load)
    assert isinstance(neighbours, Drawn)
    assert isinstance(interpolation, Drawn)
    assert set(asked) == {(v, 0, n) for v in ("baseline", "a", "b") for n in ("neighbours.png", "interpolation.png")}
    assert [ax.get_title() for ax in neighbours.draw(TWO_COLUMNS).axes] == ["baseline", "a"]
    assert neighbours.caption.endswith("Seed 0.")


def test_without_any_it_is_said() -> None:
    omitted = draw_pictures(RUNS, ["baseline", "a"], lambda *_: None)
    assert omitted[0] == Omitted("digits-laptop-neighbours", "no run has kept neighbours.png, which older ones did not")


def test_a_file_that_is_no_picture_is_none(tmp_path: Path) -> None:
    path = tmp_path / "neighbours.png"
    Image.new("RGB", (3, 2), "red").save(path)
    assert read_picture(path).tolist() == [[[1.0, 0.0, 0.0]] * 3] * 2
    data = path.read_bytes()
    for broken in (b"", b"no picture", data[:40]):
        path.write_bytes(broken)
        assert read_picture(path) is None


@pytest.mark.parametrize("width", [ONE_COLUMN, TWO_COLUMNS])
@pytest.mark.parametrize("shape", [(8, 6), (4, 8)])
def test_nothing_is_unreadable(width: float, shape: tuple[int, int]) -> None:
    names = ["baseline", *(f"attention-and-no-r2-with-{i}-heads" for i in range(6))]
    picture = np.zeros((8 * shape[0], 8 * shape[1], 3))
    assert unreadable(figures.draw_pictures(dict.fromkeys(names, picture), shape, shape == (8, 6), width)) == []

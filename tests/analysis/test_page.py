"""The page of a report: complete in itself."""

import base64
import re
from pathlib import Path

import pytest

from analysis.page import as_page

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TEXT = "# A & b\n\n| Name | Value |\n|------|-------|\n| a<b | **+1** |\n\n![x](figures/a%20b.png)\n\n*Said.*\n"


def test_images_are_inside_and_nothing_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "a b.png").write_bytes(PICTURE)
    page = as_page(TEXT, "A & b", tmp_path)
    (data,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert base64.b64decode(data) == PICTURE
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert "<title>A &amp; b</title>" in page
    assert "<td>a&lt;b</td>" in page
    assert "<strong>+1</strong>" in page


def test_only_long_cells_wrap(tmp_path: Path) -> None:
    page = as_page(f"| A |\n|---|\n| short |\n| {'long ' * 20} |\n", "t", tmp_path)
    assert page.count('<td class="long">') == 1


def test_an_image_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="figures"):
        as_page(TEXT, "t", tmp_path)

import pytest

from analysis.latex import latex_table
from analysis.published import PUBLISHED
from analysis.sections.published import published_parts
from r3gan.data.catalog import DATASETS
from r3gan.tables.metrics import numbers
from tests.analysis.studies import compared, points_of, runs_of

VALUES = {"baseline": [3.0, 3.5, 4.0], "a": [4.0, 5.0, 4.5]}


def section(dataset: str, *keys: str) -> str:
    runs = runs_of(dict.fromkeys(keys, VALUES), dataset=dataset)
    return "\n".join(published_parts(compared(runs, points=points_of(runs, *keys))[0]))


def test_a_published_number_of_the_same_protocol_stands_beside_ours_with_its_source() -> None:
    text = section("cifar10", "fid50k")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    assert rows[0] == ["", "FID 50k ↓"]
    assert rows[2] == ["published (Huang et al., NeurIPS 2024, arXiv 2501.05441)", "1.96"]
    assert rows[3] == ["baseline, here", "3.50 [2.26, 4.74]"]
    assert "50k samples of the EMA generator, against all training images" in text
    assert "not to be compared" not in text


@pytest.mark.parametrize("key", ["fid10k", "fid50k_raw", "best_fid50k"])
def test_one_of_another_protocol_is_only_in_the_note(key: str) -> None:
    text = section("cifar10", key)
    assert "|" not in text
    assert "Published, not to be compared: FID 1.96 (50k samples" in text


def test_a_classifier_of_ones_own_makes_another_protocol() -> None:
    text = section("stacked-mnist", "d_kl")
    assert "|" not in text
    assert "D_KL 0.029 (full model; " in text
    assert "another digit classifier than this one, here: D_KL." in text


@pytest.mark.parametrize(("dataset", "key"), [("stacked-digits", "d_kl"), ("cifar10", "d_kl"), ("own", "fid50k")])
def test_where_nothing_is_published_nothing_is_said(dataset: str, key: str) -> None:
    assert section(dataset, key) == ""


def test_the_caption_of_a_paper_s_table_has_it_too() -> None:
    (found,) = compared(runs_of({"fid50k": VALUES}, dataset="ffhq64"))
    assert "Published for R3GAN (Huang et al., NeurIPS 2024, arXiv 2501.05441): FID 50k 1.95." in latex_table(found)


def test_rows_name_known_datasets_and_numbers() -> None:
    assert {row.dataset for row in PUBLISHED} <= set(DATASETS)
    assert {row.number for row in PUBLISHED} <= set(numbers())

"""LaTeX tables: what they mark, and that they compile."""

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from analysis.comparison import Comparison
from analysis.latex import latex_table, latex_text, table_name, write_latex
from experiments import names
from tests.analysis.studies import compared, runs_of
from tests.analysis.test_tables import KL, MODES

DOCUMENT = r"""\documentclass{article}
\usepackage{booktabs}
\begin{document}
%s
\end{document}
"""
UNESCAPED = re.compile(r"(?<!\\)[%_#]")


def awkward() -> Comparison:
    """Names and numbers with everything that LaTeX would take for something else."""
    variants = {"worse": r"a_b & 50% $x^2$ #1 {~\}", "same": "[same]"}
    columns = ("modes", "d_kl", "frechet_distance_digits", "fid50k", "fid10k", "is50k")
    values = {key: {"baseline": [1.0, 2, 3], "worse": [990.0, 991, 993], "same": [1.0, 2, 4]} for key in columns}
    runs = runs_of(values, d_kl_floor=0.019, classifier_test_accuracy=0.99)
    return compared(runs.replace({names.VARIANT: variants}).assign(**{names.PROFILE: "quick, sources a_1+b"}))[0]


def rows_of(table: str) -> dict[str, list[str]]:
    """The cells of each row of the first tabular by its first one."""
    body = table.split("\\midrule")[1].split("\\bottomrule")[0]
    rows = [[cell.strip() for cell in line.removesuffix("\\\\").split(" & ")] for line in body.strip().splitlines()]
    return {row[0]: row[1:] for row in rows}


def test_bold_is_what_survives_the_correction_and_underlined_what_is_not_shown_to_be_worse_than_the_best() -> None:
    (found,) = compared(runs_of({"d_kl": KL, "modes": MODES}))
    table = latex_table(found)
    rows = rows_of(table)
    assert rows["worse"][1:3] == ["0.840 [0.741, 0.939]", r"\textbf{+0.500 [+0.386, +0.614]}"]
    assert rows["baseline"][1:3] == [r"\underline{0.340 [0.241, 0.439]}", "--"]
    assert rows["same"][1].startswith(r"\underline{0.333 [")
    assert rows["same"][2].startswith("$-$0.007 [$-$")
    assert (table.count(r"\textbf{"), table.count(r"\underline{")) == (1, 2), "nothing in the secondary metrics"
    assert r"Modes $\uparrow$ (of 1000)" in table


def test_the_caption_has_the_protocol() -> None:
    (found,) = compared(runs_of({"d_kl": KL}, d_kl_floor=0.019))
    caption = latex_table(found).split(r"\caption{")[1].split("\n")[0]
    for part in (r"5,000 samples of the EMA generator", r"floor of D\_KL", "21 kimg", r"95\% intervals", "Holm"):
        assert part in caption


def test_nothing_is_left_for_latex_to_misread() -> None:
    table = latex_table(awkward())
    plain = "\n".join(line for line in table.splitlines() if not line.startswith("%"))
    assert UNESCAPED.findall(plain) == []
    assert plain.count("{") - plain.count(r"\{") == plain.count("}") - plain.count(r"\}")
    assert len(re.findall(r"(?<!\\)\$", plain)) % 2 == 0
    for command in ("table", "tabular"):
        assert plain.count(rf"\begin{{{command}}}") == plain.count(rf"\end{{{command}}}") > 0
    for tabular in plain.split(r"\begin{tabular}")[1:]:
        columns = len(tabular.split("}")[0]) - 1
        rows = [line for line in tabular.splitlines() if line.endswith(r"\\")]
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {columns}
    assert plain.isascii() or set(re.findall(r"[^\x00-\x7f]", plain)) == {"é"}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a_b%", r"a\_b\%"),
        ("−0.1", "$-$0.1"),
        ("[x]", "{}[x]"),
        ("< 0.001", "$<$ 0.001"),
        ("\\{", r"\textbackslash{}\{"),
    ],
)
def test_text_is_written_as_it_shall_be_read(text: str, written: str) -> None:
    assert latex_text(text) == written


def test_a_file_for_each_dataset_and_profile(tmp_path: Path) -> None:
    sets = [runs_of({"d_kl": KL}, dataset=dataset).assign(**{names.PROFILE: "a b, c"}) for dataset in ("x_1", "y")]
    found = compared(pd.concat(sets, ignore_index=True))
    write_latex(found, tmp_path)
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == ["x-1-a-b-c.tex", "y-a-b-c.tex"]
    assert (tmp_path / "tables" / "y-a-b-c.tex").read_text() == latex_table(found[1])
    assert f"tab:{table_name(found[1])}}}" in latex_table(found[1])


def compile_latex(text: str, folder: Path) -> str:
    """What pdflatex said, which must have made a PDF."""
    (folder / "paper.tex").write_text(DOCUMENT % text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert (folder / "paper.pdf").exists()
    return done.stdout


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_it_compiles_in_a_minimal_document_and_fits_the_page(tmp_path: Path) -> None:
    compile_latex(latex_table(awkward()), tmp_path)
    (usual,) = compared(runs_of({"d_kl": KL, "modes": MODES}, d_kl_floor=0.019))
    assert "Overfull" not in compile_latex(latex_table(usual), tmp_path)

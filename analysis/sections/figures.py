"""The figures."""

from collections.abc import Sequence

from analysis.drawing.drawn import Drawn, Omitted

FIGURES_FOLDER = "figures"


def figures_parts(drawn: Sequence[Drawn | Omitted]) -> list[str]:
    """Each with its caption, or why it was not drawn."""
    return ["## Figures\n", *(figure.markdown(FIGURES_FOLDER) for figure in drawn)]

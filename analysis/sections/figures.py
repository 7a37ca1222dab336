"""The figures."""

from collections.abc import Sequence

from analysis.drawing.drawn import Drawn

FIGURES_FOLDER = "figures"


def figures_parts(drawn: Sequence[Drawn]) -> list[str]:
    """Each with its caption."""
    images = [f"![{d.name}]({FIGURES_FOLDER}/{d.name}.png)\n\n*{d.caption}*\n" for d in drawn]
    samples = [] if any(d.name.endswith("samples") for d in drawn) else ["No samples were found.\n"]
    return ["## Figures\n", *(images or ["No curves or samples were recorded.\n"]), *samples]

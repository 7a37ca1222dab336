"""How figures look: sizes, colours, markers and dashes, the same in every figure.

Sizes are in inches at which the figure is meant to be printed, so that 8-point text is 8-point text in the paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import seaborn as sns
from matplotlib.figure import Figure

from experiments.palette import colour_at
from r3gan.files import replace_file

SUFFIXES = (".png", ".pdf")  # of each figure
ONE_COLUMN, TWO_COLUMNS = 3.25, 6.5  # widths of a figure
TEXT, SMALL = 8, 7  # points: titles, labels of axes and legends; ticks and notes
MARKERS = "os^Dvp<>"  # one more than colours beside black: a colour comes again with another marker
Dash = tuple[float, Sequence[float]]
DASHES: tuple[Dash, ...] = ((0, ()), (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)), (0, (2, 1, 1, 1, 1, 1)))
FAINT = "0.4"  # grey of lines that are no data
STYLE = sns.axes_style("ticks") | {
    "font.family": "DejaVu Sans", "font.size": TEXT, "axes.titlesize": TEXT, "axes.labelsize": TEXT,
    "legend.fontsize": TEXT, "xtick.labelsize": SMALL, "ytick.labelsize": SMALL,
    "axes.linewidth": 0.6, "lines.linewidth": 1.2, "lines.markersize": 3.5, "lines.markeredgewidth": 0.6,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 3, "ytick.major.size": 3,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "legend.handlelength": 2.8,
    "pdf.fonttype": 42, "savefig.dpi": 300,
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How one variant is drawn, in every figure: without colours marker and dash tell it from the others."""

    colour: str
    marker: str
    dash: Dash


def looks(variants: Sequence[str]) -> dict[str, Look]:
    """A look for each variant by its place; the 282nd is drawn as the second."""
    return {
        variant: Look(colour_at(i), MARKERS[i % len(MARKERS)], DASHES[i % len(DASHES)])
        for i, variant in enumerate(variants)
    }


def save_figure(figure: Figure, folder: Path, name: str) -> None:
    """Write name.png and name.pdf, the same bytes for the same figure. Each replaces an earlier one as a whole."""
    with matplotlib.rc_context(STYLE):
        replace_file(folder / f"{name}.png", lambda path: figure.savefig(path, format="png"))
        figure.set_layout_engine(None)  # the layout is done and stays, without a draw to find it
        replace_file(
            folder / f"{name}.pdf", lambda path: figure.savefig(path, format="pdf", metadata={"CreationDate": None})
        )

"""Sample grids: the same latents across variants, and over training."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from analysis.drawing.artifacts import LoadGrids
from analysis.drawing.drawn import Drawn, Omitted, figure_of, omit
from analysis.figures import samples as figures
from experiments import names
from r3gan.evaluation.protocol import read_key
from r3gan.tables.metrics import METRICS, metric_of

GRID_SEEDS = 2  # how many seeds the figure across variants shows
TIMES = 5  # how many grids of a run the figure over training shows at most
SCATTER_CAPTION = "Points of the plane: red the generated ones, grey below them as many real ones."
LAST_CAPTION = "Last samples of the EMA generator. A seed's latents are the same in all columns."


def draw_samples(group: pd.DataFrame, variants: Sequence[str], load_grids: LoadGrids) -> list[Drawn | Omitted]:
    """The sample figures of one profile and dataset."""
    present = [variant for variant in variants if variant in set(group[names.VARIANT])]
    return [
        draw_last(sample_grids(group, load_grids), group, present),
        draw_progress(group, present, load_grids),
    ]


def draw_last(
    grids: Mapping[tuple[str, int], np.ndarray | None], group: pd.DataFrame, present: Sequence[str]
) -> Drawn | Omitted:
    """The last grids across variants."""
    if all(grid is None for grid in grids.values()):
        return omit(group, "samples", "no samples were found")
    lacking = [f"{variant}/{seed}" for (variant, seed), grid in grids.items() if grid is None]
    lack = f"No samples were found of {', '.join(lacking)}." if lacking else ""
    seeds = sorted({seed for _, seed in grids})
    tiles, scatter = (figures.WHOLE, SCATTER_CAPTION) if shows_points(group) else (figures.TILES, "")
    draw = partial(figures.draw_samples, grids, present, seeds, tiles=tiles)
    return figure_of(draw, group, "samples", [LAST_CAPTION, scatter, lack])


def draw_progress(group: pd.DataFrame, present: Sequence[str], load_grids: LoadGrids) -> Drawn | Omitted:
    """The grids of the first seed over training."""
    seed = group[names.SEED].min()
    runs = group[group[names.SEED] == seed].sort_values(names.VARIANT)
    found = {row[names.VARIANT]: load_grids(row, TIMES) for _, row in runs.iterrows()}
    grids = {(v, float(f"{kimg:.2g}")): grid for v, those in found.items() for kimg, grid in those.items()}
    if max((len(those) for those in found.values()), default=0) < 2:
        return omit(group, "progress", "no run has samples of two times")
    variants = [variant for variant in present if found.get(variant)]
    caption = (
        f"Samples of the EMA generator over training, seed {seed}: the same latents everywhere. kimg to two digits."
    )
    shown, scatter = (figures.WHOLE, SCATTER_CAPTION) if shows_points(group) else (figures.CROP, "")
    return figure_of(
        partial(figures.draw_progress, grids, variants, shown=shown), group, "progress", [caption, scatter]
    )


def shows_points(group: pd.DataFrame) -> bool:
    """Whether the samples are scatter plots: the runs record metrics of points."""
    read = {column: read_key(str(column)) for column in group.columns}
    kinds = {column: METRICS[metric_of(found.number.key)].kinds for column, found in read.items() if found}
    return any("points" in those and group[column].notna().any() for column, those in kinds.items())


def sample_grids(group: pd.DataFrame, load_grids: LoadGrids) -> dict[tuple[str, int], np.ndarray | None]:
    """The last grids of the first GRID_SEEDS seeds, by (variant, seed)."""
    seeds = sorted(group[names.SEED].unique())[:GRID_SEEDS]
    shown = group[group[names.SEED].isin(seeds)]
    return {
        (row[names.VARIANT], row[names.SEED]): next(iter(load_grids(row, 1).values()), None)
        for _, row in shown.iterrows()
    }

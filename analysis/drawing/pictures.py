"""Samples beside the training images nearest to them, and ways between samples."""

from collections.abc import Sequence
from functools import partial

import pandas as pd

from analysis.drawing.artifacts import LoadPicture
from analysis.drawing.drawn import Drawn, Omitted, figure_of, omit
from analysis.drawing.samples import shows_points
from analysis.figures.samples import draw_pictures as draw
from experiments import names

KINDS = {
    "neighbours": (
        names.NEIGHBOURS_ARTIFACT,
        (8, 6),
        True,
        "Left in each row a sample of the last EMA generator (seeds 0 to 7), beside it the training images nearest to "
        "it by their pixels. A generator that repeats its training set shows the same image twice.",
    ),
    "interpolation": (
        names.INTERPOLATION_ARTIFACT,
        (4, 8),
        False,
        "From a sample of the last EMA generator (left) to another one (right), along the arc between their latents.",
    ),
}  # name of the figure -> file, images down and across, whether the first stands apart, caption


def draw_pictures(group: pd.DataFrame, variants: Sequence[str], load: LoadPicture) -> list[Drawn | Omitted]:
    """Both figures of one profile and dataset, of the first seed of each variant."""
    return [_draw(group, variants, load, kind) for kind in KINDS]


def _draw(group: pd.DataFrame, variants: Sequence[str], load: LoadPicture, kind: str) -> Drawn | Omitted:
    file, shape, is_first_apart, caption = KINDS[kind]
    if shows_points(group):
        return omit(group, kind, "points of the plane have none")
    first = group.sort_values(names.SEED).groupby(names.VARIANT).head(1)
    found = {row[names.VARIANT]: load(row, file) for _, row in first.iterrows()}
    pictures = {v: picture for v in variants if (picture := found.get(v)) is not None}
    if not pictures:
        return omit(group, kind, f"no run has kept {file}, which older ones did not")
    seeds = sorted(set(first.loc[first[names.VARIANT].isin(pictures), names.SEED]))
    return figure_of(
        partial(draw, pictures, shape, is_first_apart), group, kind, [caption, f"Seed {', '.join(map(str, seeds))}."]
    )

"""Which of the modes of stacked digits are missing."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from analysis.drawing.artifacts import LoadModeCounts
from analysis.drawing.drawn import Drawn, Omitted, figure_of, omit
from analysis.figures import modes as figures
from analysis.figures.modes import MODES
from experiments import names

SEEDS = 20  # of each variant, the first ones; a map of more says nothing new
CAPTION = (
    "Which of the 1000 modes the samples of the last evaluation lack: a square for each mode, the darker the more "
    "seeds lack it; beside a name, how many a seed lacks on average. Each block "
    "is one digit of the red channel; down: the green one, across: the blue one."
)


def draw_modes(group: pd.DataFrame, variants: Sequence[str], load_counts: LoadModeCounts) -> Drawn | Omitted:
    """The map of one profile and dataset."""
    if "modes" not in group or group["modes"].isna().all():
        return omit(group, "modes", "no modes were counted")
    counts = counts_by_variant(group[~group["collapsed"]], load_counts)
    if not counts:
        return omit(group, "modes", "no run has kept its counts of modes, which older ones did not")
    shown = {variant: missing_share(counts[variant]) for variant in variants if variant in counts}
    seeds = ", ".join(f"{variant} {len(counts[variant])}" for variant in shown)
    collapsed = "Without collapsed seeds." if group["collapsed"].any() else ""
    return figure_of(partial(figures.draw_modes, shown), group, "modes", [CAPTION, f"Seeds: {seeds}.", collapsed])


def counts_by_variant(group: pd.DataFrame, load_counts: LoadModeCounts) -> dict[str, np.ndarray]:
    """Counts [seeds, MODES] of the first seeds of each variant that has any."""
    found: dict[str, list[np.ndarray]] = {}
    for variant, rows in group.groupby(names.VARIANT):
        for _, row in rows.sort_values(names.SEED).head(SEEDS).iterrows():
            counts = load_counts(row)
            if counts is not None and counts.shape == (MODES,):
                found.setdefault(str(variant), []).append(counts)
    return {variant: np.stack(those) for variant, those in found.items()}


def missing_share(counts: np.ndarray) -> np.ndarray:
    """The share of seeds that lack each mode: counts [seeds, M] -> [M] in 0..1."""
    return (counts == 0).mean(axis=0)

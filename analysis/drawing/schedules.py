"""Schedules as they were recorded: those that change, or differ between variants; the others are said."""

from collections.abc import Sequence
from functools import partial

import pandas as pd

from analysis.drawing.curves import NO_POINTS, curve_panels
from analysis.drawing.drawn import Drawn, Omitted, figure_of, omit
from analysis.figures import curves as figures
from analysis.figures.curves import CurvePanel
from analysis.figures.style import looks
from analysis.metrics import FIGURES, shown_columns


def draw_schedules(group: pd.DataFrame, variants: Sequence[str], points: pd.DataFrame) -> list[Drawn | Omitted]:
    """The schedules of one profile and dataset; not drawn if all are constant and equal."""
    everyone = group.assign(collapsed=False)  # a schedule knows nothing of the seed
    panels = curve_panels(shown_columns(group.columns, "schedules"), everyone, points)
    changing = [panel for panel in panels if not is_constant(panel)]
    constants = ", ".join(
        f"{panel.metric.label} {panel.bands['middle'].iloc[0]:g}" for panel in panels if is_constant(panel)
    )
    said = f"The same constant in all runs: {constants}." if constants else ""
    if not changing:
        return [
            omit(group, "schedules", f"all are the same constant in all runs: {constants}" if panels else NO_POINTS)
        ]
    labels = shared_labels(changing, variants)
    merged = [
        CurvePanel(panel.metric, panel.bands[panel.bands["variant"].isin(labels)].replace({"variant": labels}))
        for panel in changing
    ]
    look = {labels[variant]: look for variant, look in looks(variants).items() if variant in labels}
    draw = partial(figures.draw_curves, merged, look, {})
    return [figure_of(draw, group, "schedules", [FIGURES["schedules"], said])]


def is_constant(panel: CurvePanel) -> bool:
    """Whether all runs had one value all the time."""
    return panel.bands[["low", "high"]].stack().nunique() == 1


def shared_labels(panels: Sequence[CurvePanel], variants: Sequence[str]) -> dict[str, str]:
    """For the first of the variants whose curves are the same in all panels, the names of them all."""
    alike: dict[tuple, list[str]] = {}
    for variant in variants:
        own = [panel.bands[panel.bands["variant"] == variant].drop(columns="variant") for panel in panels]
        if any(len(rows) for rows in own):
            alike.setdefault(tuple(map(curve_of, own)), []).append(variant)
    if len(alike) == 1:
        return {same[0]: "all variants" for same in alike.values()}
    return {same[0]: ", ".join(same) for same in alike.values()}


def curve_of(rows: pd.DataFrame) -> tuple:
    """What makes two curves the same."""
    return tuple(map(tuple, rows[["kimg", "low", "high"]].to_numpy().tolist()))

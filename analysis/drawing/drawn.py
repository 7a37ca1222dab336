"""A figure that can be drawn, or why not; what captions and names of files have in common."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from experiments import names

NOTHING_TO_JUDGE_BY = "nothing was measured that is better in one direction"
MOST_NAMED = 12  # runs that a caption lists by name


@dataclass(frozen=True)
class Drawn:
    """A figure: its file name without suffix, its caption, and what draws it at a width in inches."""

    name: str
    caption: str
    draw: Callable[[float], Figure]  # may be sent to another process: a function of a module, with its data

    def markdown(self, folder: str) -> str:
        """The figure with its caption. folder: where the figures are, seen from the text."""
        return f"![{self.name}]({folder}/{self.name}.png)\n\n*{self.caption}*\n"


@dataclass(frozen=True)
class Omitted:
    """A figure that these runs do not allow: the name that it would have, and why it is not there."""

    name: str
    reason: str

    def markdown(self, folder: str) -> str:
        """A sentence in the figure's place."""
        return f"Not drawn: {self.name}, {self.reason}.\n"


def omit(group: pd.DataFrame, kind: str, reason: str) -> Omitted:
    """The figure is not drawn. reason: as the end of a sentence."""
    return Omitted(file_name(group, kind), reason)


def figure_of(draw: Callable[[float], Figure], group: pd.DataFrame, kind: str, caption: Iterable[str]) -> Drawn:
    """A figure of that kind. caption: sentences; empty ones are left out."""
    return Drawn(file_name(group, kind), " ".join(filter(None, (place(group), *caption))), draw)


def place(group: pd.DataFrame) -> str:
    """Dataset and profile of a group, to begin a caption with."""
    return f"{group[names.DATASET].iloc[0]} (profile {group[names.PROFILE].iloc[0]})."


def file_name(group: pd.DataFrame, figure: str) -> str:
    """dataset-profile-figure, with nothing that a file system or a Markdown link could stumble over."""
    parts = (group[names.DATASET].iloc[0], group[names.PROFILE].iloc[0], figure)
    return "-".join(re.sub(r"[^A-Za-z0-9_.]+", "-", part) for part in parts)


def collapsed_runs(group: pd.DataFrame) -> str:
    """Which seeds have collapsed, as the end of a sentence: `attention/3, both/3`."""
    rows = group[group["collapsed"]].sort_values([names.VARIANT, names.SEED])
    runs = [f"{row[names.VARIANT]}/{row[names.SEED]}" for _, row in rows.iterrows()]
    more = f" and {len(runs) - MOST_NAMED} more" if len(runs) > MOST_NAMED else ""
    return f"{', '.join(runs[:MOST_NAMED])}{more}"

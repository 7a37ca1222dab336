"""The command line's small languages: `--only axis=value,...`, `--set key=value` and `--seeds 0-4`."""

import re
from collections.abc import Iterable

from experiments.study.plan import AXES
from experiments.study.problems import StudyError, StudyProblem
from r3gan.tables.lookup import unknown_message

SEEDS = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
MOST_SEEDS = 1000  # in a range: more is a slip


def parse_only(options: Iterable[str]) -> dict[str, list[str]]:
    """Axis -> admitted values. "variant=both,attention,seed=0" admits two variants and one seed. Raises StudyError."""
    only: dict[str, list[str]] = {}
    axis = None
    for part in (part for option in options for part in option.split(",")):
        name, equals, value = part.partition("=")
        if equals:
            axis = name.strip()
        if axis not in AXES:
            raise StudyError([StudyProblem("--only", part, unknown_message("axis", name, AXES))])
        only.setdefault(axis, []).append((value if equals else name).strip())
    return only


def parse_seeds(text: str) -> list[int]:
    """Seeds and ranges of seeds, in order: "0,3,7-9" is [0, 3, 7, 8, 9]. Raises StudyError."""
    seeds: list[int] = []
    for part in text.split(","):
        found = SEEDS.fullmatch(part.strip())
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if not 0 <= last - first < MOST_SEEDS:
            message = f"{part!r} is neither a seed nor a range of {MOST_SEEDS} seeds at most: 5, 0-4 or 0,3,7-9, say"
            raise StudyError([StudyProblem("--seeds", text, message)])
        seeds += range(first, last + 1)
    if len(set(seeds)) != len(seeds):
        raise StudyError([StudyProblem("--seeds", text, "a seed is given twice")])
    return seeds

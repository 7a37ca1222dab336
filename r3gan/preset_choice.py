"""Which preset: a row of the table, or one that is derived from the released rows for another resolution.

The rule, from r3gan/presets.py (docs/gamma.md says how well the released rows keep it):
- stages are those of the smallest row of the family that reaches the resolution, its upper ones left out. Where no row
  does, stages are added to the largest: as wide as the one below up to 32x32, half as wide with half the groups above;
- gamma lies on the power law through the family's rows around the resolution; beyond them, and for a row without a
  family, it grows with the square of the resolution;
- bfloat16 in all stages but the lowest, in four at most, and in none where the named row has none;
- everything else is the named row's.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from r3gan.config import Config
from r3gan.presets import PRESETS, Preset
from r3gan.tables.lookup import unknown_message

LARGEST = 1024
RESOLUTIONS = tuple(4 * 2**i for i in range(9))  # that presets are derived for: 4 to LARGEST
FULL_WIDTH_UP_TO = 32
MOST_BF16_STAGES = 4
OUTSIDE_EXPONENT = 2.0  # of the resolution, in gamma, where no two released rows say otherwise


@dataclass(frozen=True)
class PresetChoice(Config):
    """What a dataset's `preset` says: a row, and possibly another resolution."""

    like: str
    resolution: int | None = None  # None: the row's own

    def row(self) -> Preset:
        """The preset itself. The name and the resolution are known ones."""
        return PRESETS[self.like] if self.resolution is None else derive(PRESETS[self.like], self.resolution)

    def derived_text(self) -> str | None:
        """What was derived, for people; None if nothing was."""
        if self.resolution is None:
            return None
        row = self.row()
        widths, groups = (" ".join(map(str, numbers)) for numbers in (row.widths, row.groups))
        gamma = " to ".join(f"{value:g}" for value in dict.fromkeys(row.gamma))
        return (
            f"like {self.like} at {self.resolution}x{self.resolution}: widths {widths}, groups {groups}, "
            f"gamma {gamma}, bfloat16 in {row.bf16} of {len(row.widths)} stages"
        )

    def advice(self, resolution: int, before: str = "preset: ", after: str = "") -> str:
        """What to write for a dataset of another resolution than the preset's, between `before` and `after`."""
        if resolution not in RESOLUTIONS:
            return f"presets are derived up to {LARGEST}x{LARGEST}: reduce the images with `data prepare --resolution`"
        return f"write `{before}{{like: {self.like}, resolution: {resolution}}}{after}`"


def choice_problems(choice: PresetChoice) -> Iterator[tuple[str, str]]:
    """What is wrong with a choice: key of PresetChoice, and message."""
    if choice.like not in PRESETS:
        yield "like", unknown_message("preset", choice.like, PRESETS)
    elif choice.resolution is not None and PRESETS[choice.like].network:
        yield "resolution", f"{choice.like} is for points of the plane, which have no other resolution: leave it out"
    if choice.resolution is not None and choice.resolution not in RESOLUTIONS:
        listed = ", ".join(map(str, RESOLUTIONS))
        yield "resolution", f"networks make images of 4 times a power of two: {listed}, not {choice.resolution}"


def derive(base: Preset, resolution: int) -> Preset:
    """The preset for images of another resolution, one of RESOLUTIONS."""
    family = family_of(base)
    template = next((row for row in family if row.resolution >= resolution), family[-1])
    stages = RESOLUTIONS.index(resolution) + 1
    widths, groups = extend_stages(template.widths, template.groups, stages)
    return base._replace(
        widths=widths,
        groups=groups,
        blocks=(*template.blocks, *(template.blocks[-1:] * stages))[:stages],
        bf16=min(MOST_BF16_STAGES, stages - 1) if base.bf16 else 0,
        gamma=derived_gamma(family, resolution),
    )


def family_of(base: Preset) -> list[Preset]:
    """The rows of one family, from the lowest resolution up; the row alone if it is of none."""
    found = [row for row in PRESETS.values() if row.family == base.family] if base.family else [base]
    return sorted(found, key=lambda row: row.resolution)


def extend_stages(
    widths: tuple[int, ...], groups: tuple[int, ...], stages: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Widths and groups of so many stages, 4x4 first: halved above 32x32, as long as both can be."""
    widths, groups = widths[:stages], groups[:stages]
    while len(widths) < stages:
        halves = 4 * 2 ** len(widths) > FULL_WIDTH_UP_TO and widths[-1] % 2 == groups[-1] % 2 == 0
        part = 2 if halves else 1
        widths, groups = (*widths, widths[-1] // part), (*groups, groups[-1] // part)
    return widths, groups


def derived_gamma(family: list[Preset], resolution: int) -> tuple[float, float]:
    """Start and end of gamma, to three digits; `family`: rows from the lowest resolution up."""
    lower = next((row for row in reversed(family) if row.resolution <= resolution), family[0])
    upper = next((row for row in family if row.resolution >= resolution), family[-1])
    exponent = OUTSIDE_EXPONENT
    if lower.resolution < upper.resolution:
        exponent = math.log(upper.gamma[0] / lower.gamma[0]) / math.log(upper.resolution / lower.resolution)
    factor = (resolution / lower.resolution) ** exponent
    start, end = (float(f"{value * factor:.3g}") for value in lower.gamma)
    return start, end

"""How width is spread over the resolutions, where a study moves it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CapacityRow:
    """A shape of the widths."""

    text: str
    per_stage: float | None  # width of a stage over that of the one below; None: the ratios of `network.widths`


NEGATIVE = "widths are solved for a budget; capacity moved between resolutions is among the paper's negative results"
CAPACITIES = {
    "as-given": CapacityRow(per_stage=None, text="the ratios of network.widths; as released"),
    "low": CapacityRow(per_stage=2**-0.5, text=f"widths fall by the root of 2 from stage to stage; {NEGATIVE}"),
    "flat": CapacityRow(per_stage=1.0, text=f"one width everywhere, to a group; {NEGATIVE}"),
    "high": CapacityRow(per_stage=2**0.5, text=f"widths rise by the root of 2 from stage to stage; {NEGATIVE}"),
}

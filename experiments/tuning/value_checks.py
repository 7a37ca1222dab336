"""What is wrong with the values that one searched key may have, as the study file gives them."""

import math
from collections.abc import Iterator
from typing import Any


def choice_problems(value: Any, step: float | None = None) -> Iterator[str]:
    """What is wrong with a list of plain values, or a mapping of names to values. `step` is not for choices."""
    if not isinstance(value, (list, dict)) or not value:
        yield f"choice: {value!r} is not a list of plain values or a mapping of names to values"
    elif not all(isinstance(name, (str, int, float)) for name in value if not isinstance(name, (list, dict))):
        odd = next(name for name in value if not isinstance(name, (str, int, float, list, dict)))
        yield f"choice: {odd!r} is neither text nor a number: put it into quotes"
    elif isinstance(value, list):
        unnamed = [item for item in value if isinstance(item, (list, dict))]
        if unnamed:
            yield f"choice: give {unnamed[0]} a name: `choice: {{NAME: {unnamed[0]}}}`"
        elif len(set(value)) != len(value):
            yield "choice: a value is given twice"


def range_problems(kind: str, value: Any, step: float | None, *, is_whole: bool, is_log: bool) -> Iterator[str]:
    """What is wrong with a pair [low, high] and its step; `kind` is how the study file names it."""
    if not isinstance(value, list) or len(value) != 2:
        yield f"{kind}: {value} is not a pair [low, high]"
        return
    low, high = value
    if not (math.isfinite(low) and math.isfinite(high)):
        yield f"{kind}: {low:g} to {high:g} is not a finite range"
    elif not low < high:
        yield f"{kind}: the low end {low:g} is not below the high end {high:g}"
    elif is_log and low <= 0:
        yield f"{kind}: the low end {low:g} must be above 0 on a logarithmic scale"
    elif is_log and is_whole and low < 1:
        yield f"{kind}: the low end {low:g} must be 1 or more"
    if step is not None and (not step > 0 or step > high - low or (is_whole and step != int(step))):
        yield f"step: {step:g} does not fit between {low:g} and {high:g}"
    elif step is not None and abs((high - low) / step - round((high - low) / step)) > 1e-9:
        reached = low + (high - low) // step * step
        yield f"step: from {low:g} in steps of {step:g}, {reached:g} is reached and {high:g} is not"

"""Low-precision formats, emulated: numbers rounded to those of the format, and kept in the type that they have.

Beyond the format's range they become infinite, below it zero, as on a device that computes in it. Gradients pass
straight through, themselves rounded.
"""

from typing import Any, cast

import torch
from torch import Tensor

LOW = (torch.bfloat16, torch.float16)


def rounded(x: Tensor, format: torch.dtype | None) -> Tensor:
    """x, nearest even; differentiable any number of times. None: as it is."""
    if format is None or x.dtype == format:
        return x
    return cast(Tensor, _Rounded.apply(x, format)) if x.requires_grad else x.to(format).to(x.dtype)


class _Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, format: torch.dtype) -> Tensor:
        ctx.format = format
        return x.to(format).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None]:
        return rounded(dy, ctx.format), None

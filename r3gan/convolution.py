"""A convolution whose gradient's gradient is as fast as the convolution itself.

R1 and R2 differentiate D's input gradient once more. The library does so for a grouped convolution group by group
(aten::_convolution_double_backward): hundreds of small calls. Here the gradients are written as convolutions of their
own, so that differentiating them again calls the library's first-order kernels only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d as native_conv2d
from torch.nn.functional import conv_transpose2d

_weights_wanted = True  # read by backward passes, which the library may run in threads of its own


@contextmanager
def input_gradients_only() -> Iterator[None]:
    """Within, backward passes compute no weight gradients, which the library would compute and throw away."""
    global _weights_wanted
    _weights_wanted = False
    try:
        yield
    finally:
        _weights_wanted = True


class _Convolution(torch.autograd.Function):
    """y = x * w, with dx = dy *^T w; stride 1, so that the transposed convolution needs no output padding."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, padding: int, groups: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.padding, ctx.groups = padding, groups
        return native_conv2d(x, weight, padding=padding, groups=groups)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, weight = ctx.saved_tensors
        wants_x, wants_weight = ctx.needs_input_grad[0], ctx.needs_input_grad[1] and _weights_wanted
        if not torch.is_grad_enabled():  # this gradient will not be differentiated again
            return (
                *_native_backward(dy, x, weight, ctx.padding, ctx.groups, [wants_x, wants_weight, False])[:2],
                None,
                None,
            )
        dx = conv_transpose2d(dy, weight, padding=ctx.padding, groups=ctx.groups) if wants_x else None
        dw = _WeightGradient.apply(x, dy, weight, ctx.padding, ctx.groups) if wants_weight else None
        return dx, dw, None, None


class _WeightGradient(torch.autograd.Function):
    """dw as a function of x and dy, linear in both; `weight` gives the shape only."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dy: Tensor, weight: Tensor, padding: int, groups: int) -> Tensor:
        ctx.save_for_backward(x, dy)
        ctx.padding, ctx.groups = padding, groups
        return _native_backward(dy, x, weight, padding, groups, [False, True, False])[1]

    @staticmethod
    def backward(ctx: Any, ddw: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        x, dy = ctx.saved_tensors
        ddw = ddw.contiguous()
        dx = conv_transpose2d(dy, ddw, padding=ctx.padding, groups=ctx.groups)
        return dx, native_conv2d(x, ddw, padding=ctx.padding, groups=ctx.groups), None, None, None


def _native_backward(
    dy: Tensor, x: Tensor, weight: Tensor, padding: int, groups: int, wanted: list[bool]
) -> tuple[Tensor, Tensor, Tensor]:
    """The library's gradients with respect to x, weight and bias, as far as they are wanted."""
    return torch.ops.aten.convolution_backward(
        dy, x, weight, None, [1, 1], [padding] * 2, [1, 1], False, [0, 0], groups, wanted
    )


def conv2d(x: Tensor, weight: Tensor, padding: int, groups: int) -> Tensor:
    """Stride-1 convolution of x [B, C, H, W] with weight [C', C / groups, k, k], differentiable any number of times."""
    return _Convolution.apply(x, weight, padding, groups)

"""Convolutions that keep the size (stride 1) or halve it (stride 2), and their gradients, each the fastest the library
offers for it.

Shapes: x [N, C, H, W], weight [K, C / groups, k, k], with odd k for stride 1 and even k for stride 2, bias [K],
y and dy [N, K, H / stride, W / stride].

`conv2d` is differentiable any number of times. The library differentiates the gradient of a grouped convolution group
by group (aten::_convolution_double_backward): hundreds of small calls. Here the gradients are convolutions of their
own, so that differentiating them again calls the library's first-order kernels only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

SMALL = 2**20  # numbers; up to so many, a CPU convolves faster than it transposes, to the same bits where it was tried

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


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, groups: int, stride: int = 1) -> Tensor:
    """weight * x + bias."""
    if is_matrix(weight, groups):
        return multiply_pixels(x, weight[:, :, 0, 0].t(), bias)
    return F.conv2d(x, weight, bias, stride, padding_of(weight), groups=groups)


def input_gradient(dy: Tensor, weight: Tensor, groups: int, stride: int = 1) -> Tensor:
    """The gradient with respect to x: the transposed convolution."""
    if is_matrix(weight, groups):
        return multiply_pixels(dy, weight[:, :, 0, 0], None)
    if dy.device.type == "cpu" and dy.numel() <= SMALL and stride == 1:
        return F.conv2d(dy, transposed(weight, groups), padding=padding_of(weight), groups=groups)
    return F.conv_transpose2d(dy, weight, None, stride, padding_of(weight), groups=groups)


def transposed(weight: Tensor, groups: int) -> Tensor:
    """The weights whose ordinary convolution is the transposed one of these: [K, C / G, k, k] -> [C, K / G, k, k]."""
    grouped = weight.unflatten(0, (groups, -1)).transpose(1, 2).flip(3, 4)
    return grouped.flatten(0, 1).contiguous(memory_format=torch.channels_last)


def weight_gradient(x: Tensor, dy: Tensor, weight: Tensor, groups: int, stride: int = 1) -> Tensor:
    """The gradient with respect to the weight, linear in x and in dy; `weight` gives the shape only."""
    if is_matrix(weight, groups):
        return (pixels(dy).t() @ pixels(x)).view(weight.shape)
    padding = [padding_of(weight)] * 2
    return torch.ops.aten.convolution_backward(
        dy, x, weight, None, [stride] * 2, padding, [1, 1], False, [0, 0], groups, [False, True, False]
    )[1]


def padding_of(weight: Tensor) -> int:
    """Zeros on each side, so that the size stays, or halves."""
    return (weight.shape[-1] - 1) // 2


def is_matrix(weight: Tensor, groups: int) -> bool:
    """Whether it is the same matrix at every pixel: in channels_last a plain product, without a copy."""
    return weight.shape[-1] == 1 and groups == 1


def multiply_pixels(x: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
    """Every pixel's channels times a matrix, plus bias: [N, C, H, W], [C, K], [K] -> [N, K, H, W] in channels_last."""
    n, _, h, w = x.shape
    y = torch.empty((n, matrix.shape[1], h, w), dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
    if bias is None:
        torch.mm(pixels(x), matrix, out=pixels(y))
    else:
        torch.addmm(bias, pixels(x), matrix, out=pixels(y))
    return y


def pixels(x: Tensor) -> Tensor:
    """[N, C, H, W] -> [N H W, C]."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, groups: int, stride: int = 1) -> Tensor:
    """weight * x + bias, differentiable any number of times."""
    if not torch.is_grad_enabled():
        return convolve(x, weight, bias, groups, stride)
    return _Convolution.apply(x, weight, bias, groups, stride)


def transposed_conv2d(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """The transpose of `conv2d` without groups: x [N, K, H, W] -> [N, C, stride H, stride W], as differentiable."""
    return _InputGradient.apply(x, weight, 1, stride)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, groups: int, stride: int) -> Tensor:
        ctx.save_for_backward(x if ctx.needs_input_grad[1] else None, weight)
        ctx.options = groups, stride
        return convolve(x, weight, bias, groups, stride)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None]:
        x, weight = ctx.saved_tensors
        wants_x, wants_weight, wants_bias = ctx.needs_input_grad[:3]
        dx = dw = db = None
        if wants_x:
            dx = _InputGradient.apply(dy, weight, *ctx.options)
        if wants_weight and _weights_wanted:
            dw = _WeightGradient.apply(x, dy, weight, *ctx.options)
        if wants_bias and _weights_wanted:
            db = dy.sum((0, 2, 3))
        return dx, dw, db, None, None


class _InputGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, dy: Tensor, weight: Tensor, groups: int, stride: int) -> Tensor:
        ctx.save_for_backward(dy, weight)
        ctx.options = groups, stride
        return input_gradient(dy, weight, groups, stride)

    @staticmethod
    def backward(ctx: Any, ddx: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        dy, weight = ctx.saved_tensors
        wants_dy, wants_weight = ctx.needs_input_grad[:2]
        ddy = conv2d(ddx, weight, None, *ctx.options) if wants_dy else None
        dw = _WeightGradient.apply(ddx, dy, weight, *ctx.options) if wants_weight and _weights_wanted else None
        return ddy, dw, None, None


class _WeightGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, dy: Tensor, weight: Tensor, groups: int, stride: int) -> Tensor:
        ctx.save_for_backward(x, dy)
        ctx.options = groups, stride
        return weight_gradient(x, dy, weight, groups, stride)

    @staticmethod
    def backward(ctx: Any, ddw: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        x, dy = ctx.saved_tensors
        wants_x, wants_dy = ctx.needs_input_grad[:2]
        dx = _InputGradient.apply(dy, ddw.contiguous(), *ctx.options) if wants_x else None
        ddy = conv2d(x, ddw.contiguous(), None, *ctx.options) if wants_dy else None
        return dx, ddy, None, None, None

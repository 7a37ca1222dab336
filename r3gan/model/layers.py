"""The layers that G and D are made of. Each says once how it runs, in five ways.

forward        x -> y, with the library's automatic differentiation: G, D in G's step, and double backward.
linearise      x -> y, without it: the layer notes on a tape what the next three need.
vjp            dl/dy -> dl/dx: the vector-Jacobian product, backwards to the input, noting dl/dy.
jvp            u -> J u + c b: the Jacobian-vector product, biases scaled by c; adds the gradients of the weights.
curvature_vjp  the curvature's cotangent r at y -> at x: only before a layer that is not piecewise linear (attention).

`linearise`, `vjp` and `jvp` are the passes of the exact first-order form of R1 and R2, see
r3gan/training/first_order.py. A layer for which they are exact declares itself `first_order`; a network that holds any
other module is differentiated twice.

Shapes: N images, C channels in, K channels out, H W height and width. Activations [N, C, H, W], best in channels_last.
"""

import math
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from r3gan.model.formats import LOW


@dataclass
class Tape:
    """What the layers note of one batch between the passes.

    curved_ahead: how many layers that are not piecewise linear the recording has yet to reach; what lies before such
    a layer also notes its input, for `curvature_vjp`.
    """

    curved_ahead: int
    notes: dict[nn.Module, Any] = field(default_factory=dict)
    bias_scale: Tensor = field(default_factory=lambda: torch.ones(()))  # c, [N]; set before `jvp`
    gradient_scale: float = 1.0  # factor of every weight gradient


class Layer(nn.Module):
    """See the file's head. Parameterless layers that are linear need only `forward` and `vjp`, and to say so."""

    first_order = False  # `linearise`, `vjp`, `jvp` and `curvature_vjp` are exact
    curved = False  # but it is not piecewise linear by itself: its `curvature_vjp` starts a curvature's cotangent

    def linearise(self, x: Tensor, tape: Tape) -> Tensor:
        return self(x)

    def vjp(self, dy: Tensor, tape: Tape) -> Tensor:
        raise NotImplementedError

    def jvp(self, u: Tensor, tape: Tape) -> Tensor:
        return self(u)

    def curvature_vjp(self, r: Tensor | None, tape: Tape) -> Tensor | None:
        if r is None:
            return None
        if any(True for _ in self.parameters()):
            raise NotImplementedError(f"{type(self).__name__} before a layer that is not piecewise linear")
        return self.vjp(r, tape)


class Chain(nn.Sequential, Layer):
    """One layer after the other."""

    first_order = True

    @property
    def layers(self) -> list[Layer]:
        """The layers in the order of `forward`."""
        return cast(list[Layer], list(self))

    def linearise(self, x: Tensor, tape: Tape) -> Tensor:
        for layer in self.layers:
            x = layer.linearise(x, tape)
        return x

    def vjp(self, dy: Tensor, tape: Tape) -> Tensor:
        for layer in reversed(self.layers):
            dy = layer.vjp(dy, tape)
        return dy

    def jvp(self, u: Tensor, tape: Tape) -> Tensor:
        for layer in self.layers:
            u = layer.jvp(u, tape)
        return u

    def curvature_vjp(self, r: Tensor | None, tape: Tape) -> Tensor | None:
        for layer in reversed(self.layers):
            r = layer.curvature_vjp(r, tape)
        return r


class Residual(Chain):
    """x + chain(x)."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)

    def linearise(self, x: Tensor, tape: Tape) -> Tensor:
        return x + super().linearise(x, tape)

    def vjp(self, dy: Tensor, tape: Tape) -> Tensor:
        return dy + super().vjp(dy, tape)

    def jvp(self, u: Tensor, tape: Tape) -> Tensor:
        return u + super().jvp(u, tape)

    def curvature_vjp(self, r: Tensor | None, tape: Tape) -> Tensor | None:
        through = super().curvature_vjp(r, tape)
        return through if r is None or through is None else r + through


class Linear(Layer):
    """A matrix without bias: [N, C] -> [N, K]; `init_std` as in `Conv`."""

    first_order = True

    def __init__(self, features_in: int, features_out: int, gain: float = 1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(features_out, features_in))
        self.init_std = gain / math.sqrt(features_in)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight)

    def vjp(self, dy: Tensor, tape: Tape) -> Tensor:
        tape.notes[self] = dy
        return dy @ self.weight

    def jvp(self, u: Tensor, tape: Tape) -> Tensor:
        add_gradient(self.weight, tape.notes.pop(self).t() @ u, tape)
        return self(u)


class SpatialSum(Layer):
    """A weighted sum over all positions, channel by channel: [N, C, S, S] -> [N, C]."""

    first_order = True

    def __init__(self, channels: int, size: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels, 1, size, size))
        self.init_std = 1 / size

    def forward(self, x: Tensor) -> Tensor:
        return (x.permute(0, 2, 3, 1) * self._channels_last()).sum((1, 2))

    def vjp(self, dy: Tensor, tape: Tape) -> Tensor:
        tape.notes[self] = dy
        return (dy[:, None, None, :] * self._channels_last()).permute(0, 3, 1, 2)

    def jvp(self, u: Tensor, tape: Tape) -> Tensor:
        add_gradient(self.weight, torch.einsum("nc,nchw->chw", tape.notes.pop(self), u)[:, None], tape)
        return self(u)

    def _channels_last(self) -> Tensor:
        """The weights as contiguous [S, S, C]: what is multiplied with them takes on their layout, also in autograd."""
        return self.weight[:, 0].permute(1, 2, 0).contiguous()


class Precision(Layer):
    """The input in the dtype of what follows: that format off the CPU if `low`, else the parameters' own."""

    first_order = True

    def __init__(self, low: bool, format: torch.dtype = torch.bfloat16):
        super().__init__()
        self.low, self.format = low, format

    def forward(self, x: Tensor) -> Tensor:
        if self.low and x.device.type != "cpu":
            return x.to(self.format)
        return x.float() if x.dtype in LOW else x

    def linearise(self, x: Tensor, tape: Tape) -> Tensor:
        tape.notes[self] = x.dtype
        return self(x)

    def vjp(self, dy: Tensor, tape: Tape) -> Tensor:
        return dy.to(tape.notes[self])


PASSES = ("linearise", "vjp", "jvp", "curvature_vjp")


def declares_first_order(network: nn.Module) -> bool:
    """Whether the passes are exact for the network: every module says so, for the very `forward` that it runs.

    Not so if a subclass or an instance changes `forward` alone, if hooks change what it does, or if a module occurs
    twice, whose notes would get mixed up.
    """
    modules = list(network.modules())
    occurrences = sum(1 for _ in network.named_modules(remove_duplicate=False))
    return occurrences == len(modules) and all(declares_itself(module) for module in modules)


def declares_itself(module: nn.Module) -> bool:
    """The part of `declares_first_order` that one module can tell."""
    if not isinstance(module, Layer) or not module.first_order or "forward" in vars(module):
        return False
    if module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks:
        return False
    kind: type = type(module)
    return passes_fit_forward(kind)


@cache
def passes_fit_forward(layer: type) -> bool:
    """Whether no class between those that define the passes and `layer` has changed `forward`; asked in every step."""

    def owner(method: str) -> type:
        return next(cls for cls in layer.__mro__ if method in vars(cls))

    # A pass that `Layer` itself defines follows from `forward`.
    return all(owner(name) is Layer or issubclass(owner(name), owner("forward")) for name in PASSES)


def add_gradient(parameter: nn.Parameter | None, gradient: Tensor, tape: Tape) -> None:
    """Add to a parameter's gradient, in the parameter's own dtype and memory layout (fused Adam relies on it).

    A frozen parameter gets none, as in automatic differentiation.
    """
    assert parameter is not None
    if not parameter.requires_grad:
        return
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    parameter.grad.add_(gradient, alpha=tape.gradient_scale)

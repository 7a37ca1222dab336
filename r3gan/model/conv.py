"""The convolution that most of G and D is made of, with what may act on its weight and its outputs.

Shapes: N images, C channels in, K channels out, H W height and width. Activations [N, C, H, W], best in channels_last.
"""

import math
from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn

from r3gan.config import ActivationName, NormalisationName
from r3gan.model.convolution import conv2d, convolve, input_gradient, weight_gradient
from r3gan.model.formats import rounded
from r3gan.model.layers import Layer, Tape, add_gradient
from r3gan.tables.activations import ACTIVATIONS
from r3gan.tables.lookup import row_of
from r3gan.tables.normalisations import NORMALISATIONS


class Conv(Layer):
    """activation(weight * x + bias), of the same size, or half of it with stride 2.

    With an activation comes a bias, without one there is none, and the number that some activations learn. A
    normalisation acts on the weight, or before the bias and activation.

    The weights follow the input's dtype. A `format` is emulated: weights, what the layer takes, and what it gives are
    rounded to it in every pass. `init_std` is gain / sqrt(fan-in); `initialise` draws the weights with it.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        kernel: int = 1,
        groups: int = 1,
        stride: int = 1,
        gain: float = 1.0,
        activation: ActivationName | None = None,
        normalisation: NormalisationName = "none",
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels_out, channels_in // groups, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(channels_out)) if activation else None
        self.geometry = groups, stride
        self.format: torch.dtype | None = None
        self.activation = None if activation is None else row_of(ACTIVATIONS, "activation", activation)
        learned = None if self.activation is None else self.activation.learned
        self.sharpness = None if learned is None else nn.Parameter(torch.full((1,), learned))
        row = row_of(NORMALISATIONS, "normalisation", normalisation)
        self.norm = row.of_outputs(channels_out) if row.of_outputs and activation else None
        self.rule = row.of_weights(self.weight.shape, gain) if row.of_weights else None
        self.init_std = gain / math.sqrt(self.weight[0].numel()) if self.rule is None else self.rule.weight_std

    @property
    def first_order(self) -> bool:  # type: ignore[override]
        """Whether the activation is piecewise linear."""
        return self.activation is None or self.activation.negative_slope is not None

    def forward(self, x: Tensor) -> Tensor:
        x = rounded(x, self.format)
        weight, bias = self._cast(x)
        if self.norm is None:
            y = conv2d(x, weight, bias, *self.geometry)
        else:
            y = self.norm(conv2d(x, weight, None, *self.geometry), bias)
        if self.activation is None:
            return rounded(y, self.format)
        learned = () if self.sharpness is None else (self.sharpness.to(y.dtype),)
        return rounded(cast(Tensor, self.activation.function(y, *learned)), self.format)

    def linearise(self, x: Tensor, tape: Tape) -> Tensor:
        x = rounded(x, self.format)
        y = convolve(x, *self._cast(x), *self.geometry)
        tape.notes[self] = {"input": x if tape.curved_ahead else None}
        if self.activation is None:
            y = rounded(y, self.format)
        else:
            y = rounded(self.activation.function(y), self.format)
            tape.notes[self]["signs"] = (y > 0).view(torch.int8)  # a quarter of the memory of y itself
        return y

    def vjp(self, dy: Tensor, tape: Tape) -> Tensor:
        delta = rounded(self._through_activation(dy, tape), self.format)
        tape.notes[self]["delta"] = delta
        return rounded(input_gradient(delta, self._cast(dy)[0], *self.geometry), self.format)

    def jvp(self, u: Tensor, tape: Tape) -> Tensor:
        u = rounded(u, self.format)
        weight, bias = self._cast(u)
        delta = tape.notes[self].pop("delta")
        self._add_weight_gradient(weight_gradient(u, delta, weight, *self.geometry), tape)
        y = convolve(u, weight, None, *self.geometry)
        if bias is not None:
            add_gradient(self.bias, tape.bias_scale @ delta.sum((2, 3), dtype=tape.bias_scale.dtype), tape)
            y.add_(tape.bias_scale.to(y.dtype)[:, None, None, None] * bias[:, None, None])
            self._through_activation(y, tape, out=y)
        if tape.notes[self]["input"] is None:
            del tape.notes[self]
        return rounded(y, self.format)

    def curvature_vjp(self, r: Tensor | None, tape: Tape) -> Tensor | None:
        if r is None:
            return None
        r = rounded(self._through_activation(r, tape), self.format)
        x, weight = tape.notes.pop(self)["input"], self._cast(r)[0]
        self._add_weight_gradient(weight_gradient(x, r, weight, *self.geometry), tape)
        if self.bias is not None:
            add_gradient(self.bias, r.sum((0, 2, 3), dtype=self.bias.dtype), tape)
        return rounded(input_gradient(r, weight, *self.geometry), self.format)

    def used_weight(self) -> Tensor:
        """The weight that multiplies the input."""
        return self.weight if self.rule is None else cast(Tensor, self.rule(self.weight))

    def _add_weight_gradient(self, gradient: Tensor, tape: Tape) -> None:
        """That of the weight in use, as gradients of the parameters that it is made of."""
        gradient = rounded(gradient, self.format)
        if self.rule is None:
            add_gradient(self.weight, gradient, tape)
            return
        with torch.enable_grad():
            used = self.used_weight()
        made_of = [p for p in (self.weight, *self.rule.parameters()) if p.requires_grad]
        pulled_back = torch.autograd.grad(used, made_of, gradient.to(used.dtype)) if made_of else ()
        for parameter, part in zip(made_of, pulled_back, strict=True):
            add_gradient(parameter, part, tape)

    def _cast(self, like: Tensor) -> tuple[Tensor, Tensor | None]:
        weight, bias = self.used_weight().to(like.dtype), None if self.bias is None else self.bias.to(like.dtype)
        return rounded(weight, self.format), None if bias is None else rounded(bias, self.format)

    def _through_activation(self, v: Tensor, tape: Tape, out: Tensor | None = None) -> Tensor:
        """v times the activation's slope at the recorded input, which the recorded signs tell."""
        if self.activation is None:
            return v
        out = torch.empty_like(v) if out is None else out
        signs = tape.notes[self]["signs"]
        return torch.ops.aten.leaky_relu_backward.grad_input(
            v, signs, self.activation.negative_slope, True, grad_input=out
        )


def prepare_weights(network: nn.Module) -> None:
    """What the weight rules do before each step that trains the network."""
    for layer, rule in ruled(network):
        rule.before_step(layer.weight)


def follow_weights(network: nn.Module) -> None:
    """What they do after the weights have changed otherwise."""
    for layer, rule in ruled(network):
        rule.follow(layer.weight)


def settle_weights(network: nn.Module) -> None:
    """What they do after the weights were drawn."""
    for layer, rule in ruled(network):
        rule.settle(layer.weight)


def ruled(network: nn.Module) -> Iterator[tuple[Conv, Any]]:
    """Every layer whose weight has a rule (r3gan/model/weight_rules.py), with it."""
    for module in network.modules():
        if isinstance(module, Conv) and module.rule is not None:
            yield module, module.rule

"""Self-attention over the positions of a feature map: "Self-Attention Generative Adversarial Networks"
(arXiv 1805.08318), with the library's scaled dot product and several heads.

Shapes: N images, C channels, H W height and width, J heads, D = C / J; S sequences an image of T positions each: one of
H W, or as many as there are rows or columns.
"""

import math
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from r3gan.config import NormalisationName
from r3gan.model.conv import Conv
from r3gan.model.layers import Layer, Residual, Tape, add_gradient
from r3gan.tables.attentions import Along


class SelfAttention(Residual):
    """x + project(attend(qkv(x))); `project` starts at zero, so the block starts as identity.

    size: H and W where each position has a learned offset, added to x before `qkv`.
    twice_differentiable: use the library's math kernel, the only one whose gradient has a gradient.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        *,
        twice_differentiable: bool,
        along: Along = "all",
        size: int | None = None,
        normalisation: NormalisationName = "none",
    ):
        super().__init__()
        if size is not None:
            self.position = Position(channels, size)
        self.qkv = Conv(channels, 3 * channels, normalisation=normalisation)
        self.attend = Attend(heads, twice_differentiable, along)
        self.project = Conv(channels, channels, gain=0.0, normalisation=normalisation)


class Attend(Layer):
    """softmax(q k^T / sqrt(D)) v: queries, keys and values [N, 3C, H, W] -> [N, C, H, W].

    Not piecewise linear, but exact all the same. With J the Jacobian at the recorded x, and x' = u - c x the direction
    that reaches this layer, `jvp` gives c y + J x'; that J itself depends on x adds the cotangent
    r = d <dy, J x'> / dx, which is the derivative of `vjp` along x' (second derivatives commute).
    """

    first_order = curved = True

    def __init__(self, heads: int, twice_differentiable: bool, along: Along = "all"):
        super().__init__()
        self.heads = heads
        self.along = along
        self.twice_differentiable = twice_differentiable

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self._split(x)
        with sdpa_kernel(SDPBackend.MATH) if self.twice_differentiable else nullcontext():
            attended = F.scaled_dot_product_attention(q, k, v)
        return self._join([attended], x.shape)

    def linearise(self, x: Tensor, tape: Tape) -> Tensor:
        tape.curved_ahead -= 1
        q, k, v = self._split(x)
        weights = torch.softmax(scores(q, k), dim=-1)
        y = weights @ v
        tape.notes[self] = {"x": x, "q": q, "k": k, "v": v, "weights": weights, "y": y}
        return self._join([y], x.shape)

    def vjp(self, dy: Tensor, tape: Tape) -> Tensor:
        notes = tape.notes[self]
        (dy,) = self._split(dy, parts=1)
        notes["dy"] = dy
        notes["dweights"] = dy @ notes["v"].mT
        notes["dscores"] = softmax_derivative(notes["weights"], notes["dweights"])
        return self._input_gradient(notes["dscores"], dy, notes)

    def jvp(self, u: Tensor, tape: Tape) -> Tensor:
        notes = tape.notes[self]
        q, k, v, weights, dy, dweights, dscores = (
            notes[key] for key in ("q", "k", "v", "weights", "dy", "dweights", "dscores")
        )
        c = tape.bias_scale.to(u.dtype)[:, None, None, None]
        q_dot, k_dot, v_dot = self._split(u - c * notes["x"])
        weights_dot = softmax_derivative(weights, scores(q_dot, k) + scores(q, k_dot))
        y_dot = weights_dot @ v + weights @ v_dot

        # The derivative of `vjp` along (q_dot, k_dot, v_dot), dy being constant.
        dweights_dot = dy @ v_dot.mT
        dscores_dot = softmax_derivative(weights, dweights_dot)
        dscores_dot += weights_dot * (dweights - (weights * dweights).sum(-1, keepdim=True))
        dscores_dot -= weights * (weights_dot * dweights).sum(-1, keepdim=True)
        scale = 1 / math.sqrt(q.shape[-1])
        q_cotangent = scale * (dscores_dot @ k + dscores @ k_dot)
        k_cotangent = scale * (dscores_dot.mT @ q + dscores.mT @ q_dot)
        notes["curvature"] = self._join([q_cotangent, k_cotangent, weights_dot.mT @ dy], u.shape)
        c = c.repeat_interleave(len(y_dot) // len(c), dim=0)  # of every sequence
        return self._join([c * notes["y"] + y_dot], u.shape)

    def curvature_vjp(self, r: Tensor | None, tape: Tape) -> Tensor:
        notes = tape.notes.pop(self)
        if r is None:
            return notes["curvature"]
        (dy,) = self._split(r, parts=1)
        dscores = softmax_derivative(notes["weights"], dy @ notes["v"].mT)
        return notes["curvature"] + self._input_gradient(dscores, dy, notes)

    def _input_gradient(self, dscores: Tensor, dy: Tensor, notes: dict[str, Tensor]) -> Tensor:
        q, k, scale = notes["q"], notes["k"], 1 / math.sqrt(notes["q"].shape[-1])
        return self._join([scale * (dscores @ k), scale * (dscores.mT @ q), notes["weights"].mT @ dy], notes["x"].shape)

    def _split(self, x: Tensor, parts: int = 3) -> tuple[Tensor, ...]:
        """[N, parts C, H, W] -> `parts` times [N S, J, T, D]."""
        n, channels, h, w = x.shape
        tokens = self._upright(x.permute(0, 2, 3, 1))
        count, length = (1, h * w) if self.along == "all" else tokens.shape[1:3]
        tokens = tokens.reshape(n * count, length, parts, self.heads, channels // parts // self.heads)
        return tokens.permute(2, 0, 3, 1, 4).contiguous().unbind(0)

    def _join(self, parts: list[Tensor], shape: torch.Size) -> Tensor:
        """Tensors [N S, J, T, D] -> [N, (number of parts) C, H, W] in channels_last; `shape` has N, H and W."""
        n, _, h, w = shape
        together = torch.stack(parts, dim=1).permute(0, 3, 1, 2, 4)  # [N S, T, parts, J, D]
        rows, columns = (w, h) if self.along == "columns" else (h, w)
        return self._upright(together.reshape(n, rows, columns, -1)).permute(0, 3, 1, 2)

    def _upright(self, x: Tensor) -> Tensor:
        """[N, H, W, ...] with rows and columns exchanged where attention goes along the columns; its own inverse."""
        return x.transpose(1, 2) if self.along == "columns" else x


class Position(Layer):
    """x plus a learned offset of every position and channel [C, H, W], which starts at zero."""

    first_order = True

    def __init__(self, channels: int, size: int):
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(channels, size, size))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.offset.to(x.dtype)

    def vjp(self, dy: Tensor, tape: Tape) -> Tensor:
        tape.notes[self] = dy
        return dy

    def jvp(self, u: Tensor, tape: Tape) -> Tensor:
        c, dy = tape.bias_scale, tape.notes.pop(self)
        add_gradient(self.offset, torch.einsum("n,nchw->chw", c, dy.to(c.dtype)), tape)
        return u + c.to(u.dtype)[:, None, None, None] * self.offset.to(u.dtype)

    def curvature_vjp(self, r: Tensor | None, tape: Tape) -> Tensor | None:
        if r is not None:
            add_gradient(self.offset, r.sum(0, dtype=self.offset.dtype), tape)
        return r


def scores(q: Tensor, k: Tensor) -> Tensor:
    """q k^T / sqrt(D): [N, J, T, T], bilinear."""
    return (q / math.sqrt(q.shape[-1])) @ k.mT


def softmax_derivative(weights: Tensor, v: Tensor) -> Tensor:
    """The symmetric derivative of the softmax over the last dimension, at the softmax `weights`, applied to v."""
    product = weights * v
    return product - weights * product.sum(-1, keepdim=True)

"""Self-attention over the positions of a feature map: "Self-Attention Generative Adversarial Networks"
(arXiv 1805.08318), with the library's scaled dot product and several heads.
"""

from contextlib import nullcontext

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from r3gan.layers import Conv, Layer, Residual, Tape


class SelfAttention(Residual):
    """x + project(attention(qkv(x))) over the H*W positions; `project` starts at zero, so the block starts as identity.

    twice_differentiable: use the library's math kernel, the only one whose gradient has a gradient (R1 and R2 need it).
    """

    def __init__(self, channels: int, heads: int, twice_differentiable: bool):
        super().__init__()
        self.qkv = Conv(channels, 3 * channels)
        self.attend = Attend(heads, twice_differentiable)
        self.project = Conv(channels, channels, gain=0.0)


class Attend(Layer):
    """Scaled dot-product attention: queries, keys and values [N, 3C, H, W] -> [N, C, H, W].

    Not piecewise linear, but exact all the same: it alone is differentiated twice, and what its curvature demands of
    the layers before it follows by their `backprop`. With J the Jacobian at the recorded x and dy from `pull`:
    `push` gives c y + J (u - c x), and r = d <dy, J (u - c x)> / dx is the cotangent of the curvature.
    """

    curved = True

    def __init__(self, heads: int, twice_differentiable: bool):
        super().__init__()
        self.heads = heads
        self.twice_differentiable = twice_differentiable

    def forward(self, x: Tensor) -> Tensor:
        n, channels, h, w = x.shape
        tokens = x.permute(0, 2, 3, 1).reshape(n, h * w, 3, self.heads, channels // 3 // self.heads)
        q, k, v = tokens.permute(2, 0, 3, 1, 4).contiguous().unbind(0)  # each [N, heads, H*W, C/heads]
        with sdpa_kernel(SDPBackend.MATH) if self.twice_differentiable else nullcontext():
            attended = F.scaled_dot_product_attention(q, k, v)
        return attended.transpose(1, 2).reshape(n, h, w, channels // 3).permute(0, 3, 1, 2)

    def record(self, x: Tensor, tape: Tape) -> Tensor:
        tape.curved_ahead -= 1
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            y = self(x)
        tape.notes[self] = {"x": x, "y": y}
        return y.detach()

    def pull(self, dy: Tensor, tape: Tape) -> Tensor:
        notes, dy = tape.notes[self], dy.detach().requires_grad_()
        with torch.enable_grad():
            (dx,) = torch.autograd.grad(notes["y"], notes["x"], dy, create_graph=True)
        notes |= {"dy": dy, "dx": dx}
        return dx.detach()

    def push(self, u: Tensor, tape: Tape) -> Tensor:
        notes, c = tape.notes[self], tape.bias_scale.to(u.dtype)[:, None, None, None]
        x, y = notes["x"].detach(), notes["y"].detach()
        tangent, notes["r"] = torch.autograd.grad(
            notes["dx"], (notes["dy"], notes["x"]), u - c * x, retain_graph=True
        )
        return c * y + tangent

    def backprop(self, r: Tensor | None, tape: Tape) -> Tensor:
        notes = tape.notes.pop(self)
        if r is None:
            return notes["r"]
        return notes["r"] + torch.autograd.grad(notes["y"], notes["x"], r)[0]

"""How a device computes: settings of the library that training makes rather than inherits."""

import torch


def use_tf32(on: bool) -> None:
    """Whether a GPU may round the factors of float32 products to TF32, in convolutions and matrix products alike.

    The released code switches it off for both. The library's own defaults differ between the two, so that 3x3
    convolutions would be rounded and 1x1 ones, which are matrix products, would not.
    """
    precision = "tf32" if on else "ieee"
    torch.backends.cuda.matmul.fp32_precision = precision
    torch.backends.cudnn.conv.fp32_precision = precision  # type: ignore[attr-defined]

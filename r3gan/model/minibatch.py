"""Minibatch discrimination: D also sees how near an image is to others of its kind (arXiv 1606.03498, section 3.2).

Features h_i of an image are mapped to K points M_ik in a space of DIMENSIONS. The nearness sum_j exp(-|M_ik - M_jk|_1),
j being the other images of its group, is weighted and added to what D's head makes of h_i. Groups are of a fixed number
of images that follow each other in the batch, real and generated ones apart: parts of a batch and ranks hold whole
groups, so that their number does not matter.

The images of a group are coupled. R1 and R2 are then of the gradient of the sum of the group's logits by each image, as
in StyleGAN2, whose standard deviation over a minibatch couples images too. It is not piecewise linear, and declares no
passes: D is differentiated twice.

Shapes: N images, a multiple of the G of a group; C features, K kernels, E outputs.
"""

import torch
from torch import Tensor

from r3gan.model.layers import Linear

DIMENSIONS = 5  # of each kernel's space, as in the paper's code


class MinibatchHead(Linear):
    """Features [N, C] to [N, E]: a matrix, as without minibatch discrimination, plus weights of the nearness [N, K].

    Raises ValueError if N is no multiple of the group.
    """

    first_order = False

    def __init__(self, features_in: int, features_out: int, *, kernels: int, group: int):
        super().__init__(features_in, features_out)
        self.kernels, self.group = kernels, group
        self.points = Linear(features_in, kernels * DIMENSIONS)
        self.nearness = Linear(kernels, features_out)

    def forward(self, x: Tensor) -> Tensor:
        if len(x) % self.group:
            raise ValueError(f"{len(x)} images are not groups of {self.group}, within which D compares them")
        points = self.points(x).view(-1, self.group, self.kernels, DIMENSIONS)
        apart = (points[:, :, None] - points[:, None]).abs().sum(-1)  # [N / G, G, G, K]
        near = torch.exp(-apart).sum(2) - 1  # without itself
        return super().forward(x) + self.nearness(near.flatten(0, 1))

"""Adam (arXiv 1412.6980, algorithm 1), by the library's fused kernel.

torch.optim.Adam calls the same function, but its class loads the library's compiler, which costs every job seconds.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

EPS = 1e-8  # as released


class Adam:
    """The moments of some parameters, and their updates.

    lr, beta1, beta2: set before every step. state: by the parameter's place, as in torch.optim.Adam's checkpoints.
    """

    def __init__(self, parameters: Iterable[nn.Parameter]):
        self.parameters = list(parameters)
        self.lr, self.beta1, self.beta2 = 0.0, 0.0, 0.9
        self.state: dict[int, dict[str, Tensor]] = {}

    @torch.no_grad()
    def step(self) -> None:
        """Update every parameter that has a gradient."""
        places = [i for i, parameter in enumerate(self.parameters) if parameter.grad is not None]
        moments = [self._moments(i) for i in places]
        adam(
            [self.parameters[i] for i in places],
            [gradient for i in places if (gradient := self.parameters[i].grad) is not None],
            [moment["exp_avg"] for moment in moments],
            [moment["exp_avg_sq"] for moment in moments],
            [],
            [moment["step"] for moment in moments],
            fused=True,
            amsgrad=False,
            beta1=self.beta1,
            beta2=self.beta2,
            lr=self.lr,
            weight_decay=0.0,
            eps=EPS,
            maximize=False,
        )

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` takes."""
        return {"state": self.state}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on from saved moments, also from those of torch.optim.Adam. Raises KeyError, ValueError."""
        state: dict[int, dict[str, Tensor]] = saved["state"]
        for i, moments in state.items():
            shapes = {tuple(moments[name].shape) for name in ("exp_avg", "exp_avg_sq")}
            if not i < len(self.parameters) or shapes != {tuple(self.parameters[i].shape)}:
                raise ValueError(f"moments of parameter {i} are not of its shape")
        self.state = state

    def _moments(self, i: int) -> dict[str, Tensor]:
        """Those of a parameter, zero before its first update."""
        if i not in self.state:
            parameter = self.parameters[i]
            self.state[i] = {
                "step": torch.zeros((), device=parameter.device),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
        return self.state[i]

"""Terms of the losses, summed on the device until they are recorded."""

from torch import Tensor

from r3gan.distributed import World
from r3gan.training.state import TrainState


def add_to_sums(state: TrainState, terms: dict[str, Tensor]) -> None:
    """Add one step's terms to the sums."""
    for name, value in terms.items():
        state.sums[name] = state.sums.get(name, 0) + value.double()
        state.steps[name] = state.steps.get(name, 0) + 1


def take_averages(state: TrainState, world: World) -> dict[str, float]:
    """The terms averaged over the steps that had them since the last call, and over the ranks."""
    averages = {name: float(world.average(value) / state.steps[name]) for name, value in state.sums.items()}
    state.sums, state.steps = {}, {}
    return averages


def average_over_ranks(state: TrainState, world: World) -> None:
    """Let every rank hold the mean of all ranks' sums: one of them saves for all."""
    state.sums = {name: world.average(value) for name, value in state.sums.items()}

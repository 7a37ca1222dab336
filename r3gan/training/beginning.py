"""The first state of a fine-tuning: the fresh one, with what fits of other weights."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from r3gan.config import TrainConfig
from r3gan.initial_weights import NETWORKS, begin_with
from r3gan.training.state import TrainState


def begin(state: TrainState, config: TrainConfig, before: dict[str, Any] | None) -> dict[str, Any] | None:
    """Load the weights that the configuration names into a state that has not been trained yet.

    Returns the record of it: of a training that goes on, what was recorded `before`; None where nothing is loaded.
    Says what was left out. Raises BadWeights.
    """
    if config.init_from is None or config.init_content is None or state.images > 0:
        return (before or {}).get("begun_with")
    networks = {name: getattr(state, name) for name in NETWORKS}
    begun = begin_with(networks, Path(config.init_from), config.init_content)
    for name, taken in begun.items():
        if taken.left_out:
            print(
                f"warning: {config.init_from}: {taken.loaded} tensors of the {name} are loaded; not loaded: "
                f"{', '.join(taken.left_out)}",
                file=sys.stderr,
            )
    record = {name: asdict(taken) for name, taken in begun.items()}
    return {"path": config.init_from, "content": config.init_content, "networks": record}

"""The best weights of a job by one metric, kept beside the checkpoints, which hold copies of them.

They are chosen by the evaluations on the way. Their own numbers, recorded as `best_...` at the end, come from samples
that no choice has seen: the least of many noisy values is too good to be true, so it is not the one that is reported.
"""

import math
from typing import Any

from r3gan.config import TrainConfig
from r3gan.evaluation.protocol import recorded_key
from r3gan.files import replace_file
from r3gan.jobdir import JobDir
from r3gan.model.networks import Generator
from r3gan.snapshot import save_weights
from r3gan.tables.metrics import METRICS, numbers
from r3gan.tensor_files import load_tensors


def keep_if_best(
    job: JobDir, config: TrainConfig, generator: Generator, images: int, metrics: dict[str, float]
) -> None:
    """Replace the job's best weights if the metric of `evaluation.keep_best` has not been better before.

    Raises DamagedTensors if the weights that were best before are not what was written.
    """
    if config.evaluation.keep_best is None:
        return
    number = METRICS[config.evaluation.keep_best].best
    assert number is not None  # checked with the configuration
    key = recorded_key(number, config.evaluation)
    value, sign = metrics[key], 1 if numbers()[number].better == "lower" else -1
    before = best_facts(job)
    if not math.isfinite(value) or (before is not None and sign * value >= sign * before["value"]):
        return
    replace_file(job.best, lambda path: save_weights(generator, path, config, images, metric=key, value=value))


def best_facts(job: JobDir) -> dict[str, Any] | None:
    """Image count, metric and value of the best weights so far. Raises DamagedTensors."""
    return load_tensors(job.best)[1] if job.best.exists() else None


def load_best(job: JobDir, generator: Generator) -> int:
    """Fill the generator with the best weights. Returns after how many images they were reached.

    Raises DamagedTensors.
    """
    weights, facts = load_tensors(job.best)
    generator.load_state_dict(weights)
    return int(facts["images"])

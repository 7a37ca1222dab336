"""What training measures on the way and at the end, of the weights that the configuration names and of the best."""

import copy
from collections.abc import Callable

from r3gan.config import IMG_PER_KIMG, TrainConfig
from r3gan.distributed import World
from r3gan.evaluation.best import keep_if_best, load_best
from r3gan.evaluation.evaluator import Evaluator
from r3gan.evaluation.mode_counts import write_mode_counts
from r3gan.evaluation.protocol import wanted
from r3gan.jobdir import JobDir
from r3gan.training.state import TrainState


def evaluate(
    state: TrainState,
    evaluator: Evaluator,
    config: TrainConfig,
    job: JobDir,
    world: World,
    *,
    at_once: int,
    at_end: bool,
    stops: Callable[[], bool],
) -> dict[str, float]:
    """The metrics after this step; at the end also those that are measured once, and those of the best weights.

    Raises EvaluationStopped.
    """
    asked = config.evaluation
    generator = state.ema if asked.weights == "ema" else state.generator
    names = wanted(asked) if at_end else asked.metrics
    metrics = evaluator.evaluate(generator, names, config.seed, world, at_once, stops=stops)
    if world.is_main and evaluator.mode_counts is not None:
        write_mode_counts(job, state.images, evaluator.mode_counts)
    if asked.keep_best is None:
        return metrics
    if world.is_main:
        keep_if_best(job, config, generator, state.images, metrics)
    world.any(False)  # now the file is there, if it will be
    if at_end and job.best.exists():
        best = copy.deepcopy(generator)
        images = load_best(job, best)
        fresh = evaluator.evaluate(best, wanted(asked), config.seed, world, at_once, purpose="best", stops=stops)
        metrics |= {f"best_{key}": value for key, value in fresh.items()} | {"best_kimg": images / IMG_PER_KIMG}
    return metrics

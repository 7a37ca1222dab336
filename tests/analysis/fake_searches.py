"""Records of searches, shaped like what `experiments.tune` writes: see experiments/tuning/record.py."""

import json
import math
import random
from typing import Any

from mlflow.tracking import MlflowClient
from optuna.distributions import CategoricalDistribution, FloatDistribution, distribution_to_json

from analysis.searches import SearchResult
from experiments import names

RUNGS = (6000, 12000, 18000, 24000)
SPACE: dict[str, tuple[str, Any]] = {
    "schedules.gamma.start": ("log", (3.0, 300.0)),
    "schedules.gamma.end": ("log", (3.0, 300.0)),
    "schedules.gamma.decay_img": ("uniform", (6000.0, 24000.0)),
    "schedules.beta2.start": ("uniform", (0.8, 0.999)),
    "schedules.beta2.end": ("uniform", (0.8, 0.999)),
    "schedules.lr.start": ("log", (7.5e-4, 0.012)),
    "schedules.lr.end": ("log", (7.5e-5, 0.0012)),
    "schedules.ema_half_life_img": ("log", (250.0, 4000.0)),
    "loss": ("choice", ("no-switch", "hinge", "non-saturating")),
    "loss.1.from_fraction": ("uniform", (0.2, 0.8)),
    "loss.1.margin": ("log", (0.25, 4.0)),
}
DEFAULT = {"schedules.gamma.start": 30.0, "schedules.lr.start": 0.003, "loss": "no-switch"}


def trial(number: int, state: str = "complete", value: float | None = 0.5, **changes: Any) -> dict[str, Any]:
    """A trial of one minute and 24 kimg, or, if it was not completed, of its first rung."""
    complete = state == "complete"
    rungs = RUNGS if complete else RUNGS[:1]
    return {
        "number": number,
        "state": state,
        "params": {"schedules.gamma.start": 10.0 + number},
        "values": [value] if complete else None,
        "rungs": [] if value is None else [[images, [value * 24000 / images]] for images in rungs],
        "kimg": 24.0 if complete else 6.0,
        "seconds": 60.0 if complete else 15.0,
        "started": 1000 * number,
        "ended": 1000 * (number + 1),
        "worker": {"host": "here", "pid": 1},
        "is_default": False,
        "retry_of": None,
        "reason": "",
        **changes,
    }


def record(trials: list[dict[str, Any]], space: tuple[str, ...] = ("schedules.gamma.start",), **changes: Any) -> Any:
    """A search with these trials over a part of SPACE."""
    data: dict[str, Any] = {
        "study": "tiny", "tuning": "a1b2c3d4e5", "name": "stacked-digits/baseline/tpe+median", "profile": "quick",
        "dataset": "stacked-digits", "variant": "baseline", "variants": ["baseline"], "sampler": "tpe",
        "pruner": "median", "comparison": "0f9e8d7c6b", "seeds": [1000], "trial_kimg": 24.0,
        "objectives": [{"metric": "d_kl", "direction": "minimize", "at": "last"}],
        "budget": {"trials": len(trials), "kimg": None, "minutes": None},
        "space": {key: spec(key) for key in space},
        "distributions": {key: distribution_to_json(distribution(key)) for key in space},
        "default": {key: value for key, value in DEFAULT.items() if key in space},
        "trials": trials,
    }  # fmt: skip
    complete = [t for t in trials if t["state"] == "complete"]
    data["best"] = [min(complete, key=lambda t: t["values"][0])["number"]] if complete else []
    return data | changes


def result(data: dict[str, Any]) -> SearchResult:
    """A record as the analysis has it."""
    return SearchResult.from_json(json.loads(json.dumps(data)))


def spec(key: str) -> dict[str, Any]:
    kind, values = SPACE[key]
    low, high = (None, None) if kind == "choice" else values
    when = {"loss": ["hinge", "non-saturating"] if "fraction" in key else ["hinge"]} if key.startswith("loss.") else {}
    choices = list(values) if kind == "choice" else None
    return {"kind": kind, "low": low, "high": high, "step": None, "choices": choices, "when": when}


def distribution(key: str) -> Any:
    kind, values = SPACE[key]
    return CategoricalDistribution(values) if kind == "choice" else FloatDistribution(*values, log=kind == "log")


def realistic(count: int, seed: int, pruned: bool = True, objectives: int = 1, **changes: Any) -> Any:
    """A search of the whole space whose value depends on gamma and the learning rate, and that gets better."""
    draw, trials = random.Random(seed), []
    for number in range(count):
        params = {}
        for key, (kind, values) in SPACE.items():
            if key.startswith("loss.") and params["loss"] not in spec(key)["when"]["loss"]:
                continue
            if kind == "choice":
                params[key] = draw.choice(values)
            else:
                low, high = (math.log(v) for v in values) if kind == "log" else values
                x = draw.uniform(low, high)
                params[key] = math.exp(x) if kind == "log" else x
        gamma, lr = math.log(params["schedules.gamma.start"] / 20), math.log(params["schedules.lr.start"] / 0.002)
        bad = abs(gamma) * 0.3 + abs(lr) * 0.5 + draw.uniform(0, 0.3) * (1 + count / (number + 1) / 10)
        value, state = 0.25 + bad, "complete"
        if pruned and number > 4 and bad > 0.6:
            state = "diverged" if bad > 1.6 else "pruned"
        made = trial(number, state, value if state != "diverged" else None, params=params, is_default=number == 0)
        if objectives == 2 and state == "complete":
            made["values"] = [value, 380 + 200 * draw.random() + 40 / bad]
            made["rungs"] = [[images, made["values"]] for images in RUNGS]
        trials.append(made)
    return record(trials, tuple(SPACE), **changes)


def log_search(client: MlflowClient, data: dict[str, Any], start_time: int = 1) -> str:
    """Put a record where `experiments.tune` puts it. Returns the parent's run_id."""
    name = names.tuning_experiment(data["study"])
    found = client.get_experiment_by_name(name)
    experiment = found.experiment_id if found else client.create_experiment(name)
    run = client.create_run(experiment, start_time, {names.TUNING: data["tuning"]}, data["name"])
    client.create_run(experiment, start_time, {names.TUNING: data["tuning"], names.TRIAL: "0"}, "trial 0")
    client.log_text(run.info.run_id, json.dumps(data), names.TUNING_ARTIFACT)
    return str(run.info.run_id)

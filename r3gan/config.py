"""The configuration of one training job: frozen dataclasses, one documented field each, and what must hold among them.

Nothing here reads files. `experiments` fills these classes from a study; `r3gan train` reads one resolved JSON file.
Units stand in the names: kimg and img count real images shown to D; fractions are of `total_kimg`.
"""

import dataclasses
import math
import types
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

NetworkName = Literal["generator", "discriminator"]
ActivationName = Literal["leaky-relu", "gelu", "swish"]
LossKind = Literal["relativistic-softplus", "relativistic-hinge", "non-saturating"]
MetricName = Literal["digits", "fid", "kid", "inception-score", "precision-recall", "density-coverage", "fd-dinov2"]

IMG_PER_KIMG = 1000


class Config:
    """What all configuration classes share: a validating reader is told to refuse keys that are not fields."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}


@dataclass(frozen=True)
class AttentionConfig(Config):
    """Multi-head self-attention after the residual blocks of some resolutions."""

    resolutions: tuple[int, ...] = ()  # feature-map sizes that get a block; empty: no attention
    heads: int = 2  # divides the width of each such stage
    networks: tuple[NetworkName, ...] = ("generator", "discriminator")  # where the blocks go


@dataclass(frozen=True)
class NetworkConfig(Config):
    """Shape of G and D. Tuples run from the 4x4 stage up; the resolution is 4 * 2^(stages - 1)."""

    widths: tuple[int, ...]  # channels per stage
    groups: tuple[int, ...]  # groups of the 3x3 convolution per stage (the official "cardinality")
    blocks: tuple[int, ...]  # residual blocks per stage
    expansion: int = 2  # width inside a block, in multiples of the stage's width
    activation: ActivationName = "leaky-relu"  # inside the blocks; all but leaky-relu are smooth, and train slower
    latent_dim: int = 64  # entries of z
    conditional: bool = False  # feed the dataset's class labels to G and D
    bf16_stages: int = 0  # how many stages, from the highest resolution down, run in bfloat16 on a GPU
    attention: AttentionConfig = field(default_factory=AttentionConfig)

    @property
    def resolution(self) -> int:
        """Height and width of the images."""
        return int(4 * 2 ** (len(self.widths) - 1))


@dataclass(frozen=True)
class LossPhase(Config):
    """One adversarial loss and the point of training from which it is in force (the first phase: from the start)."""

    kind: LossKind = "relativistic-softplus"  # the loss; see r3gan/losses.py for the equations
    margin: float = 1.0  # hinge only: the logit difference beyond which a pair no longer counts
    from_fraction: float | None = None  # 0..1 of total_kimg
    from_kimg: float | None = None  # the same in thousands of images

    def start_img(self, total_kimg: float) -> float:
        """Images after which this phase begins."""
        if self.from_kimg is not None:
            return self.from_kimg * IMG_PER_KIMG
        return (self.from_fraction or 0.0) * total_kimg * IMG_PER_KIMG


@dataclass(frozen=True)
class PenaltyConfig(Config):
    """Which zero-centred gradient penalties are on; `schedules.gamma` is their common weight."""

    r1: bool = True  # on real images
    r2: bool = True  # on generated images


@dataclass(frozen=True)
class Schedule(Config):
    """A value over training: linear from 0 during the warm-up, then a cosine from start to end, then constant."""

    start: float  # value at the end of the warm-up
    end: float  # value from `decay_img` on
    decay_img: float = 0.0  # images after which `end` is reached; 0: `start` and `end` are equal
    warmup_img: float = 0.0  # images of linear rise from 0 to `start`


@dataclass(frozen=True)
class Schedules(Config):
    """Everything that changes during training."""

    lr: Schedule  # Adam's learning rate, G and D
    beta2: Schedule  # Adam's second-moment decay, G and D
    gamma: Schedule  # weight of the gradient penalties: (gamma / 2) (R1 + R2)
    ema_half_life_img: Schedule  # half-life of the generator's moving average
    augment_p: Schedule  # probability of each augmentation

    @property
    def augments(self) -> bool:
        """Whether images are augmented at any time."""
        return self.augment_p.start > 0 or self.augment_p.end > 0


@dataclass(frozen=True)
class EvaluationConfig(Config):
    """Metrics and sample grids during training."""

    every_kimg: float  # distance between evaluations; one more at the end
    samples: int = 10_000  # generated images per evaluation
    metrics: tuple[MetricName, ...] = ("digits",)  # measured at every evaluation; see r3gan/evaluation/protocol.py
    at_end: tuple[MetricName, ...] = ()  # measured in addition when training ends
    keep_best: MetricName | None = None  # also keep the weights that scored best in this one, and score them anew
    weights: Literal["ema", "raw"] = "ema"  # whose samples: the moving average of G, or G itself
    labels: Literal["dataset", "balanced"] = "dataset"  # classes of the samples: as frequent as in the set, or equally


@dataclass(frozen=True)
class TrainConfig(Config):
    """One training job, whole."""

    dataset: str  # a name that `r3gan.data` knows
    seed: int  # names every random stream of the job
    total_kimg: float  # length of training
    batch_size: int  # images per D step and per G step, over all ranks
    network: NetworkConfig
    schedules: Schedules
    evaluation: EvaluationConfig
    loss: tuple[LossPhase, ...] = (LossPhase(),)  # in order of their starts
    penalties: PenaltyConfig = field(default_factory=PenaltyConfig)
    x_flip: bool = False  # mirror half of the real images
    log_every_kimg: float = 1.0  # distance between recorded losses
    checkpoint_every_kimg: float = 50.0  # distance between checkpoints; one more at the end

    @property
    def total_img(self) -> int:
        """Images shown to D by the whole job: the first multiple of the batch size at or after `total_kimg`."""
        return math.ceil(self.total_kimg * IMG_PER_KIMG / self.batch_size) * self.batch_size


@dataclass(frozen=True)
class Problem:
    """Something wrong with a configuration: where (a path of keys) and what was expected."""

    path: tuple[str | int, ...]
    message: str


def find_problems(config: TrainConfig) -> list[Problem]:
    """Everything about a well-typed configuration that cannot work, whatever the dataset."""
    ranges = _range_problems(config)
    return [
        *ranges,
        *_network_problems(config.network),
        *_evaluation_problems(config.evaluation),
        *([] if ranges else _loss_problems(config)),  # its starts are measured in the lengths of the former
        *_schedule_problems(config.schedules),
    ]


def _range_problems(config: TrainConfig) -> list[Problem]:
    positive: list[tuple[tuple[str | int, ...], float]] = [
        (("total_kimg",), config.total_kimg),
        (("batch_size",), config.batch_size),
        (("log_every_kimg",), config.log_every_kimg),
        (("checkpoint_every_kimg",), config.checkpoint_every_kimg),
        (("evaluation", "every_kimg"), config.evaluation.every_kimg),
        (("network", "expansion"), config.network.expansion),
        (("network", "latent_dim"), config.network.latent_dim),
    ]
    problems = [
        Problem(path, f"{value:g} must be above 0 and below 1e12") for path, value in positive if not 0 < value < 1e12
    ]
    if config.seed < 0:
        problems.append(Problem(("seed",), f"{config.seed} must be 0 or more"))
    if config.evaluation.samples < 1000:
        problems.append(
            Problem(("evaluation", "samples"), f"{config.evaluation.samples} is too few: at least 1000 are needed")
        )
    return problems


def _evaluation_problems(evaluation: EvaluationConfig) -> list[Problem]:
    """What cannot be measured as asked, on any dataset."""
    problems = []
    for key in ("metrics", "at_end"):
        names = getattr(evaluation, key)
        problems += [
            Problem(("evaluation", key, i), f"{name} is none of {', '.join(get_args(MetricName))}")
            for i, name in enumerate(names)
            if name not in get_args(MetricName)
        ]
    choices = {"weights": ("ema", "raw"), "labels": ("dataset", "balanced")}
    problems += [
        Problem(("evaluation", key), f"{getattr(evaluation, key)} is none of {', '.join(known)}")
        for key, known in choices.items()
        if getattr(evaluation, key) not in known
    ]
    every = [*evaluation.metrics, *evaluation.at_end]
    problems += [
        Problem(("evaluation", key, i), f"{name} is named twice in evaluation.metrics and evaluation.at_end")
        for key, start in (("metrics", 0), ("at_end", len(evaluation.metrics)))
        for i, name in enumerate(getattr(evaluation, key))
        if name in every[: start + i]
    ]
    best = evaluation.keep_best
    if best is not None and best not in evaluation.metrics:
        problems.append(
            Problem(
                ("evaluation", "keep_best"), f"{best} is not among evaluation.metrics, which are measured on the way"
            )
        )
    if best in ("precision-recall", "density-coverage"):
        problems.append(Problem(("evaluation", "keep_best"), f"{best} is two numbers: choose a metric that is one"))
    return problems


def _network_problems(network: NetworkConfig) -> list[Problem]:
    problems = []
    stages = len(network.widths)
    if stages == 0:
        return [Problem(("network", "widths"), "at least one stage is needed")]
    if network.activation not in get_args(ActivationName):
        known = ", ".join(get_args(ActivationName))
        problems.append(Problem(("network", "activation"), f"{network.activation} is none of {known}"))
    for key in ("widths", "groups", "blocks"):
        values = getattr(network, key)
        if len(values) != stages:
            problems.append(
                Problem(("network", key), f"has {len(values)} entries, but network.widths has {stages}: one per stage")
            )
        problems += [
            Problem(("network", key, i), f"{value} must be 1 or more") for i, value in enumerate(values) if value < 1
        ]
    if problems:
        return problems
    for i, (width, groups) in enumerate(zip(network.widths, network.groups, strict=True)):
        if (width * network.expansion) % groups:
            problems.append(
                Problem(
                    ("network", "groups", i),
                    f"{groups} does not divide the {width * network.expansion} channels inside that stage's blocks",
                )
            )
    if not 0 <= network.bf16_stages <= stages:
        problems.append(Problem(("network", "bf16_stages"), f"{network.bf16_stages} must be between 0 and {stages}"))
    return problems + _attention_problems(network)


def _attention_problems(network: NetworkConfig) -> list[Problem]:
    attention, path = network.attention, ("network", "attention")
    by_resolution = {4 * 2**i: width for i, width in enumerate(network.widths)}
    problems = []
    if attention.heads < 1:
        return [Problem((*path, "heads"), f"{attention.heads} must be 1 or more")]
    if not attention.networks:
        problems.append(Problem((*path, "networks"), "name generator, discriminator or both"))
    for i, resolution in enumerate(attention.resolutions):
        if resolution not in by_resolution:
            known = ", ".join(map(str, by_resolution))
            problems.append(
                Problem((*path, "resolutions", i), f"{resolution} is not a resolution of this network ({known})")
            )
        elif by_resolution[resolution] % attention.heads:
            width = by_resolution[resolution]
            problems.append(
                Problem(
                    (*path, "heads"),
                    f"{attention.heads} does not divide the width {width} at {resolution}x{resolution}",
                )
            )
    return problems


def _loss_problems(config: TrainConfig) -> list[Problem]:
    if not config.loss:
        return [Problem(("loss",), "at least one phase is needed")]
    problems = []
    previous = 0.0
    for i, phase in enumerate(config.loss):
        path: tuple[str | int, ...] = ("loss", i)
        given = [key for key in ("from_fraction", "from_kimg") if getattr(phase, key) is not None]
        if phase.kind not in get_args(LossKind):
            problems.append(Problem((*path, "kind"), f"{phase.kind} is none of {', '.join(get_args(LossKind))}"))
        if not 0 < phase.margin < math.inf:
            problems.append(Problem((*path, "margin"), f"{phase.margin:g} must be above 0"))
        if i == 0:
            if given and phase.start_img(config.total_kimg) != 0:
                problems.append(Problem((*path, given[0]), "the first phase starts at 0: leave this key out"))
            continue
        if len(given) != 1:
            problems.append(Problem(path, "a later phase needs exactly one of from_fraction and from_kimg"))
            continue
        start = phase.start_img(config.total_kimg)
        if not start <= config.total_img - config.batch_size:  # where the last step begins
            problems.append(
                Problem(
                    (*path, given[0]),
                    f"starts at {start / IMG_PER_KIMG:g} kimg, but training ends at {config.total_kimg:g} kimg",
                )
            )
        elif start <= previous:
            problems.append(
                Problem((*path, given[0]), f"starts at {start / IMG_PER_KIMG:g} kimg, not after the phase before it")
            )
        previous = start
    return problems


def _schedule_problems(schedules: Schedules) -> list[Problem]:
    upper = {"beta2": 1.0, "augment_p": 1.0}
    problems = []
    for f in dataclasses.fields(schedules):
        schedule, path, limit = getattr(schedules, f.name), ("schedules", f.name), upper.get(f.name, math.inf)
        for key in ("start", "end"):
            value = getattr(schedule, key)
            if not (0 <= value < limit or (f.name == "augment_p" and value == 1)):
                below = "" if f.name == "augment_p" else "below "
                expected = "must be 0 or more" if limit == math.inf else f"must be from 0 to {below}{limit:g}"
                problems.append(Problem((*path, key), f"{value:g} {expected}"))
        for key in ("decay_img", "warmup_img"):
            if not 0 <= getattr(schedule, key) < math.inf:
                problems.append(Problem((*path, key), f"{getattr(schedule, key):g} must be 0 or more"))
        if schedule.decay_img == 0 and schedule.start != schedule.end:
            problems.append(
                Problem(path, f"needs a decay_img above 0 to go from {schedule.start:g} to {schedule.end:g}")
            )
        if schedule.start != schedule.end and 0 < schedule.decay_img <= schedule.warmup_img:
            problems.append(
                Problem(
                    (*path, "warmup_img"),
                    f"{schedule.warmup_img:g} leaves nothing of the decay, which ends at {schedule.decay_img:g}",
                )
            )
    return problems


def from_dict(cls: Any, data: Any) -> Any:
    """Build a configuration (or a tuple of them) from parsed JSON that `dataclasses.asdict` wrote.

    Raises TypeError for keys that are missing or unknown. Types are taken as written: studies are validated before.
    """
    if dataclasses.is_dataclass(cls):
        hints = get_type_hints(cls)
        return cls(**{key: from_dict(hints.get(key), value) for key, value in data.items()})  # type: ignore[operator]
    if get_origin(cls) is tuple:
        return tuple(from_dict(get_args(cls)[0], item) for item in data)
    if get_origin(cls) in (Union, types.UnionType) and data is not None:
        return from_dict(next(a for a in get_args(cls) if a is not types.NoneType), data)
    return data

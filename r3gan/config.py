"""The configuration of one training job: frozen dataclasses, one documented field each. What must hold among them is
checked in r3gan/config_checks.py.

Nothing here reads files. `experiments` fills these classes from a study; `r3gan train` reads one resolved JSON file.
Units stand in the names: kimg and img count real images shown to D; fractions are of `total_kimg`.
"""

import math
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from r3gan import quantities as q
from r3gan.tables.activations import ACTIVATIONS
from r3gan.tables.attentions import ATTENTIONS
from r3gan.tables.augmentation_filters import AUGMENTATION_FILTERS
from r3gan.tables.capacities import CAPACITIES
from r3gan.tables.class_heads import CLASS_HEADS
from r3gan.tables.lookup import row_of
from r3gan.tables.losses import LOSSES
from r3gan.tables.metrics import METRICS
from r3gan.tables.normalisations import NORMALISATIONS
from r3gan.tables.resamplings import RESAMPLINGS
from r3gan.tables.schedule_shapes import SCHEDULE_SHAPES

NetworkName = Literal["generator", "discriminator"]
BOTH: tuple[NetworkName, ...] = ("generator", "discriminator")
if TYPE_CHECKING:
    ActivationName = str
    AttentionKind = str
    AugmentationFilter = str
    CapacityName = str
    ClassHeadName = str
    NormalisationName = str
    ResamplingName = str
    ScheduleShape = str
    LossKind = str
    MetricName = str
else:  # names of rows; a validating reader refuses all others
    ActivationName = Literal[tuple(ACTIVATIONS)]
    AttentionKind = Literal[tuple(ATTENTIONS)]
    AugmentationFilter = Literal[tuple(AUGMENTATION_FILTERS)]
    CapacityName = Literal[tuple(CAPACITIES)]
    ClassHeadName = Literal[tuple(CLASS_HEADS)]
    NormalisationName = Literal[tuple(NORMALISATIONS)]
    ResamplingName = Literal[tuple(RESAMPLINGS)]
    ScheduleShape = Literal[tuple(SCHEDULE_SHAPES)]
    LossKind = Literal[tuple(LOSSES)]
    MetricName = Literal[tuple(METRICS)]

IMG_PER_KIMG = 1000


class Config:
    """What all configuration classes share: a validating reader refuses keys that are not fields."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}


@dataclass(frozen=True, kw_only=True)
class AttentionConfig(Config):
    """Multi-head self-attention after the residual blocks of some resolutions."""

    resolutions: tuple[q.Side, ...] = ()  # feature-map sizes that get a block; empty: no attention
    heads: q.Heads = 2  # divides the width of each such stage
    networks: tuple[NetworkName, ...] = BOTH  # where the blocks go
    kind: AttentionKind = "full"  # over which positions
    position: Literal["none", "learned"] = "none"  # what is added to a block's input to tell its positions apart


@dataclass(frozen=True, kw_only=True)
class StyleConfig(Config):
    """What StyleGAN's G has and R3GAN's has not, see r3gan/model/style.py; D knows nothing of it."""

    mapping_layers: q.MappingLayers = 0  # fully connected layers between z and what uses it; 0: z itself is used
    modulation: Literal["none", "blocks"] = "none"  # what z multiplies beside the learned input
    noise: bool = False  # add noise to every block's input, with learned strengths that start at 0
    mixing: q.Probability = 0.0  # probability that a training image has the styles of two latents; needs modulation


@dataclass(frozen=True, kw_only=True)
class TransformerConfig(Config):
    """Transformer blocks in place of the residual blocks of some resolutions, as many of them."""

    resolutions: tuple[q.Side, ...] = ()  # feature-map sizes whose blocks they replace; empty: none
    heads: q.Heads = 2  # divides the width of each such stage
    networks: tuple[NetworkName, ...] = BOTH  # where they are


@dataclass(frozen=True)
class CapacityConfig(Config):
    """Capacity moved between the resolutions: widths and groups are solved for (r3gan/training/capacity.py)."""

    shape: CapacityName = "as-given"  # of the widths over the resolutions
    blocks: tuple[q.Blocks, ...] = ()  # residual blocks per stage in place of network.blocks; empty: those
    equal: Literal["parameters", "operations"] = "parameters"  # which stay those of the network as it is written


@dataclass(frozen=True, kw_only=True)
class NetworkConfig(Config):
    """Shape of G and D. Tuples run from the lowest stage up; the resolution is base_resolution * 2^(stages - 1)."""

    widths: tuple[q.Channels, ...]  # channels per stage
    groups: tuple[q.Channels, ...]  # groups of the grouped convolution per stage (the official "cardinality")
    blocks: tuple[q.Blocks, ...]  # residual blocks per stage
    expansion: q.Expansion = 2  # width inside a block, in multiples of the stage's width
    kernel: q.Kernel = 3  # height and width of the grouped convolution, odd
    activation: ActivationName = "leaky-relu"  # inside the blocks; smooth ones train slower
    activation_after_mix: Literal["same", "none"] = "same"  # after a block's grouped convolution
    activation_networks: tuple[NetworkName, ...] = BOTH  # which have these two; the other has their defaults
    normalisation: NormalisationName = "none"  # of the convolutions' weights or outputs
    normalisation_networks: tuple[NetworkName, ...] = BOTH  # which have it; the other has none
    resampling: ResamplingName = "bilinear"  # between the stages, up in G and down in D
    resampling_networks: tuple[NetworkName, ...] = BOTH  # which have it; the other has the default
    base_resolution: q.Side = 4  # height and width of the lowest stage
    image_channels: q.ImageChannels = 3  # 3: colours; 2: the coordinates of points in the plane, as images of 1x1
    latent_dim: q.Channels = 64  # entries of z
    conditional: bool = False  # feed the dataset's class labels to G and D
    class_head: ClassHeadName = "embedding"  # how D uses the class
    bf16_stages: q.LowStages = 0  # how many stages, from the highest resolution down, run in bfloat16 on a GPU
    fp16_stages: q.SignedStages = 0  # the same in float16, with the loss scaled; not both; below 0: all but so many
    emulate_precision: bool = False  # on a CPU, round what those stages compute with to their format
    dropout: q.BelowOne = 0.0  # probability that a channel of an image is dropped in D, after the blocks of each stage
    minibatch_kernels: q.Kernels = 0  # of minibatch discrimination at D's head; 0: none
    minibatch_group: q.Group = 8  # images of a kind that it compares, which follow each other in the batch
    attention: AttentionConfig = field(default_factory=AttentionConfig)
    transformer: TransformerConfig = field(default_factory=TransformerConfig)
    capacity: CapacityConfig = field(default_factory=CapacityConfig)
    style: StyleConfig = field(default_factory=StyleConfig)

    @property
    def low_stages(self) -> int:
        """How many stages, from the highest resolution down, are not in float32."""
        return self.bf16_stages or self.fp16_stages + len(self.widths) * (self.fp16_stages < 0)

    @property
    def resolution(self) -> int:
        """Height and width of the images."""
        return self.resolutions[-1] if self.widths else 0

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Height and width of each stage's activations."""
        return tuple(self.base_resolution * 2**i for i in range(len(self.widths)))

    @property
    def together(self) -> int:
        """How many images of a kind D must be given together: 1, but for minibatch discrimination."""
        return self.minibatch_group if self.minibatch_kernels else 1

    @property
    def makes_points(self) -> bool:
        """Whether an image is a point of the plane."""
        return self.image_channels == q.POINT_CHANNELS

    @property
    def noise_dim(self) -> int:
        """Entries of G's noise, which its latents carry behind z: a map for each residual block."""
        sizes = zip(self.blocks, self.resolutions, strict=False)  # of a network that is not checked yet
        return sum(blocks * side**2 for blocks, side in sizes) if self.style.noise else 0

    @property
    def style_layers(self) -> int:
        """What can take styles of its own: the learned input, and each residual block."""
        return 1 + sum(self.blocks)

    def of(self, network: NetworkName) -> Self:
        """As one of the two has it: the defaults of all that is set for the other alone."""
        defaults: dict[str, Any] = {f.name: f.default for f in fields(self)}
        others = [
            key for networks, keys in PER_NETWORK.items() if network not in getattr(self, networks) for key in keys
        ]
        return replace(self, **{key: defaults[key] for key in others})


PER_NETWORK = {
    "activation_networks": ("activation", "activation_after_mix"),
    "normalisation_networks": ("normalisation",),
    "resampling_networks": ("resampling",),
}  # key of NetworkConfig that says which networks have those others


@dataclass(frozen=True)
class LossPhase(Config):
    """One adversarial loss and the point of training from which it is in force (the first phase: from the start)."""

    kind: LossKind = "relativistic-softplus"  # the loss; see r3gan/training/losses.py for the equations
    margin: q.Margin = 1.0  # hinges only: the logit, or the difference of a pair, beyond which D no longer counts it
    from_fraction: q.Probability | None = None  # 0..1 of total_kimg
    from_kimg: q.StartKimg | None = None  # the same in thousands of images

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
    every: q.Steps = 1  # D steps from one use of the penalties to the next; above 1: lazy, see r3gan/training/lazy.py
    finite_difference_sigma: q.Sigma | None = None  # estimates them from D at images with this much noise; none: exact

    @property
    def is_on(self) -> bool:
        """Whether there is a penalty at all."""
        return self.r1 or self.r2

    @property
    def is_lazy(self) -> bool:
        """Whether steps of D come without them."""
        return self.is_on and self.every > 1

    def is_due(self, step: int) -> bool:
        """Whether the step of D of this number, from 0, has them."""
        return self.is_on and step % self.every == 0


@dataclass(frozen=True, kw_only=True)
class AugmentationConfig(Config):
    """Which groups of transforms there are; `schedules.augment_p` is how often each happens."""

    flip: bool = True  # left-right
    turn: bool = True  # quarter turns
    shift: bool = True  # by whole pixels
    geometry: bool = True  # scaling, rotation, stretching and shifts between the pixels
    colour: bool = True  # brightness, contrast, luma flip, hue and saturation
    cutout: bool = True  # a square of half the side is erased
    filter: AugmentationFilter = "cdf-9-7"  # between whose two halves images are warped

    @property
    def moves(self) -> bool:
        """Whether any group moves pixels."""
        return self.flip or self.turn or self.shift or self.geometry


@dataclass(frozen=True)
class OptimiserConfig(Config):
    """Adam, as far as it does not change during training: learning rate and beta2 are schedules."""

    beta1: q.BelowOne = 0.0  # decay of the first moment, G and D
    lr_ratio: q.Ratio = 1.0  # D's learning rate in multiples of G's, which is schedules.lr
    loss_scale: q.LossScale | None = None  # with network.fp16_stages; none: dynamic, see r3gan/training/loss_scale.py


@dataclass(frozen=True)
class Schedule(Config):
    """A value over training: linear from 0 during the warm-up, then from start to end in one of several shapes."""

    start: float  # value at the end of the warm-up
    end: float  # value from `decay_img` on; inverse-sqrt: the lowest value
    decay_img: q.Images = 0.0  # images after which `end` is reached, or `start` left; 0: `start` and `end` are equal
    warmup_img: q.Images = 0.0  # images of linear rise from 0 to `start`
    shape: ScheduleShape = field(default="cosine", kw_only=True)  # of the way from `start` to `end`

    @property
    def decays_from_img(self) -> float:
        """Images up to which `start` and the warm-up alone decide the value."""
        holds = row_of(SCHEDULE_SHAPES, "shape", self.shape).holds
        return self.decay_img if holds else self.warmup_img


@dataclass(frozen=True, kw_only=True)
class Schedules(Config):
    """Everything that changes during training."""

    lr: Annotated[Schedule, q.LEARNING_RATE]  # Adam's learning rate, G and D (D's times optimiser.lr_ratio)
    beta2: Annotated[Schedule, q.BETA2]  # Adam's second-moment decay, G and D
    gamma: Annotated[Schedule, q.GAMMA]  # weight of the gradient penalties: (gamma / 2) (R1 + R2)
    ema_half_life_img: Annotated[Schedule, q.HALF_LIFE]  # half-life of the generator's moving average
    augment_p: Annotated[Schedule, q.AUGMENT_P]  # probability of each augmentation
    instance_noise: Annotated[Schedule, q.NOISE] = Schedule(0.0, 0.0)  # deviation of the noise on D's images, of -1..1

    @property
    def augments(self) -> bool:
        """Whether images are augmented at any time."""
        return self.augment_p.start > 0 or self.augment_p.end > 0

    @property
    def has_instance_noise(self) -> bool:
        """Whether D sees noise at any time."""
        return self.instance_noise.start > 0 or self.instance_noise.end > 0


@dataclass(frozen=True)
class PostHocConfig(Config):
    """Averages of G stored along the run, of which `r3gan average` makes those of any length afterwards."""

    every_kimg: q.Interval | None = None  # distance between stored averages, one more at the end; none: none are
    sigma_rel: tuple[q.AverageWidth, ...] = (0.05, 0.1)  # widths of the tracked ones, in lengths of the run so far


@dataclass(frozen=True, kw_only=True)
class EvaluationConfig(Config):
    """Metrics and sample grids during training."""

    every_kimg: q.Interval  # distance between evaluations; one more at the end
    samples: q.Samples = 10_000  # generated images per evaluation
    metrics: tuple[MetricName, ...] = ("digits",)  # measured at every evaluation; see r3gan/tables/metrics.py
    at_end: tuple[MetricName, ...] = ()  # measured in addition when training ends
    keep_best: MetricName | None = None  # also keep the weights that scored best in this one, and score them again
    weights: Literal["ema", "raw"] = "ema"  # whose samples: the moving average of G, or G itself
    labels: Literal["dataset", "balanced"] = "dataset"  # classes of the samples: as frequent as in the set, or equally


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Config):
    """One training job, whole."""

    dataset: str  # a name that `r3gan.data` knows
    seed: q.Seed  # names every random stream of the job
    total_kimg: q.Kimg  # length of training
    batch_size: q.Batch  # images per D step and per G step, over all ranks
    network: NetworkConfig
    schedules: Schedules
    evaluation: EvaluationConfig
    loss: tuple[LossPhase, ...] = (LossPhase(),)  # in order of their starts
    penalties: PenaltyConfig = field(default_factory=PenaltyConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    post_hoc: PostHocConfig = field(default_factory=PostHocConfig)
    x_flip: bool = False  # mirror half of the real images
    label_dropout: q.BelowOne = 0.0  # probability that G and D see no class of a pair in training; needs projection
    log_every_kimg: q.Interval = 1.0  # distance between recorded losses
    checkpoint_every_kimg: q.Interval = 50.0  # distance between checkpoints; one more at the end
    init_from: str | None = None  # fine-tuning: a job, checkpoint or file whose weights training begins with
    init_content: str | None = None  # hash of those weights, filled in; given, others are refused

    @property
    def total_img(self) -> int:
        """Images shown to D by the whole job: the first multiple of the batch size at or after `total_kimg`."""
        return math.ceil(self.total_kimg * IMG_PER_KIMG / self.batch_size) * self.batch_size

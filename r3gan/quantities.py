"""The numbers of the configuration by what they are, each with the range that it may have, and why.

The largest released network has 1536 channels in each of five stages, two blocks a stage and 4096 images in a batch,
and sees 200,000 kimg: upper ends are well above that, and below what makes shapes and steps that no machine can count.
"""

from typing import Annotated

from r3gan.ranges import Range
from r3gan.tables.metrics import FEWEST

POINT_CHANNELS, COLOUR_CHANNELS = 2, 3  # of what an image can be
MOST_SIDE = 4096  # of any image or activation
WIDEST_AVERAGE = 12**-0.5  # sigma_rel of the plain average, see r3gan/power_averages.py

# Sizes of networks.
Channels = Annotated[int, Range(1, 65_536)]
Blocks = Annotated[int, Range(1, 64)]  # per stage, each three convolutions
Heads = Annotated[int, Range(1, 65_536)]  # one a channel at most
Side = Annotated[int, Range(1, MOST_SIDE)]
ImageChannels = Annotated[int, Range(POINT_CHANNELS, COLOUR_CHANNELS)]
Expansion = Annotated[int, Range(1, 64)]
Kernel = Annotated[int, Range(1, 63)]
MappingLayers = Annotated[int, Range(0, 64)]  # StyleGAN has eight
Kernels = Annotated[int, Range(0, 4096)]  # of minibatch discrimination
Group = Annotated[int, Range(2, 4096)]  # of images that are compared: memory grows with its square
LowStages = Annotated[int, Range(0, 16)]  # there are 13 sides that are powers of two up to MOST_SIDE
SignedStages = Annotated[int, Range(-16, 16)]  # below 0: all but so many

# Shares.
Probability = Annotated[float, Range(0, 1)]
BelowOne = Annotated[float, Range(0, 1, below=True)]  # at 1 nothing would be left, or nothing forgotten

# Lengths of training.
Kimg = Annotated[float, Range(0, 1e9, above=True)]
Interval = Annotated[float, Range(1e-6, 1e9)]  # in kimg
StartKimg = Annotated[float, Range(0, 1e9)]
Images = Annotated[float, Range(0, 1e12)]  # as many as the most kimg
Batch = Annotated[int, Range(1, 1_000_000)]
Steps = Annotated[int, Range(1, 1_000_000)]
Samples = Annotated[int, Range(FEWEST, 10_000_000)]
Seed = Annotated[int, Range(0, 2**63)]

# Factors. Images are in -1..1, logits and their gradients in float32.
Margin = Annotated[float, Range(0, 1e6, above=True)]
Ratio = Annotated[float, Range(1e-6, 1e6)]
Sigma = Annotated[float, Range(1e-6, 100)]  # below it float32 does not tell an image with noise from one without
LossScale = Annotated[float, Range(2.0**-14, 2.0**40)]  # both are beyond float16, whose numbers are 2^-24 to 2^16
AverageWidth = Annotated[float, Range(0, WIDEST_AVERAGE, above=True, below=True)]

# What schedules go between.
LEARNING_RATE = Range(0, 1)  # one step of Adam moves each weight by about as much
BETA2 = Range(0, 1, below=True)
GAMMA = Range(0, 1e9)  # grows with the square of the side: 150 at 256x256, some 40,000 at MOST_SIDE
HALF_LIFE = Range(0, 1e12)
AUGMENT_P = Range(0, 1)
NOISE = Range(0, 100)

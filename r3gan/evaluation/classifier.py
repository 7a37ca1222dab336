"""The digit classifier behind the mode count: trained once, deterministically, and kept by content."""

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from r3gan.data.catalog import DatasetUnavailable
from r3gan.data.dataset import Dataset
from r3gan.data.digits import DIGITS, DigitImages, StackedDigits
from r3gan.evaluation.cache import Content, cached
from r3gan.streams import stream
from r3gan.tensor_files import load_tensors


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the classifier is made; part of its cache key."""

    version: int = 3  # of the network's shape and of the file
    seed: int = 0
    images: int = 120_000  # shown in training
    batch: int = 100
    lr: float = 2e-3  # at the start of a cosine to 0
    features: int = 64  # size of the layer before the logits


RECIPE = Recipe()


class DigitClassifier(nn.Module):
    """A small convolutional network: grey digits [B, R, R] in -1..1 to features [B, 64] and logits [B, 10]."""

    def __init__(self, resolution: int):
        super().__init__()
        layers: list[nn.Module] = []
        channels, size = 1, resolution
        for width in (32, 64) if resolution <= 8 else (16, 32, 64):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            if size > 4:
                layers.append(nn.MaxPool2d(2))
                size //= 2
            channels = width
        self.body = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(channels * size * size, RECIPE.features), nn.ReLU(inplace=True)
        )
        self.head = nn.Linear(RECIPE.features, DIGITS)
        self.resolution = resolution

    def features(self, digits: Tensor) -> Tensor:
        """The layer before the logits: [B, 64]."""
        return self.body(digits[:, None])

    def forward(self, digits: Tensor) -> Tensor:
        """Logits [B, 10]."""
        return self.head(self.features(digits))


def classifier_for(data: Dataset) -> Path:
    """The file of the classifier for a dataset. Raises DatasetUnavailable unless that is stacked digits."""
    if not isinstance(data, StackedDigits):
        raise DatasetUnavailable(f"evaluation.metrics: digits counts stacked digits, which {data.name} is not")
    return classifier_file(data)


def classifier_file(data: StackedDigits) -> Path:
    """The file of the classifier for the dataset's digits; it is trained if it is not there.

    Its name holds a hash of the digits and of the recipe. Enlarged digits have the classifier of the original ones.
    """
    data = data.original
    key = hashlib.sha256(f"{data.content_hash}/{RECIPE}".encode()).hexdigest()[:16]
    return cached(f"digit-classifier-{key}", partial(make_classifier, data))[0]


def make_classifier(data: StackedDigits) -> Content:
    """The weights of a new one, and how well they do."""
    model = train_classifier(data)
    facts = {"test_accuracy": accuracy(model, data.test), "resolution": data.resolution}
    return model.state_dict(), facts


def load_classifier(path: Path) -> tuple[DigitClassifier, float]:
    """The classifier in a file, and its accuracy (0..1) on the held-out digits. Raises DamagedTensors."""
    weights, facts = load_tensors(path)
    model = DigitClassifier(facts["resolution"])
    model.load_state_dict(weights)
    return model.eval().requires_grad_(False), facts["test_accuracy"]


def train_classifier(data: StackedDigits) -> DigitClassifier:
    """Train on the CPU with one thread, so that every job of a machine gets the same weights."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        model = DigitClassifier(data.resolution)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                fan_in = parameter[0].numel()
                draw = torch.randn(parameter.shape, generator=stream(RECIPE.seed, "classifier", name))
                parameter.copy_(draw * (2 / fan_in) ** 0.5 if parameter.ndim > 1 else 0 * draw)
        steps = RECIPE.images // RECIPE.batch
        optimizer = torch.optim.Adam(model.parameters(), lr=RECIPE.lr)
        decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        images, labels = data.train.images.cpu(), data.train.labels.cpu()
        for step in range(steps):
            picks = torch.randint(len(images), (RECIPE.batch,), generator=stream(RECIPE.seed, "classifier-data", step))
            loss = cross_entropy(model(to_unit_range(images[picks])), labels[picks])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            decay.step()
    finally:
        torch.set_num_threads(threads)
    return model.eval()


def to_unit_range(digits: Tensor) -> Tensor:
    """uint8 digits to float32 in -1..1."""
    return digits.float() / 127.5 - 1


@torch.no_grad()
def accuracy(model: DigitClassifier, digits: DigitImages) -> float:
    """Share of the digits that the model names correctly, 0..1."""
    predicted = torch.cat([model(to_unit_range(part)).argmax(1) for part in digits.images.cpu().split(1000)])
    return (predicted == digits.labels.cpu()).double().mean().item()

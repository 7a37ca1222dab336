"""The digit classifier as a feature network.

Shapes: B images, R resolution, F features per digit.
"""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from r3gan.evaluation.classifier import load_classifier

LAYERS = ("features", "digits")


class StackedDigitsFeatures(nn.Module):
    """The classifier on each colour channel: `features` [B, 3F], `digits` int64 [B, 3] (the named digits).

    Raises DamagedTensors.
    """

    def __init__(self, layers: Sequence[str], weights: Path):
        super().__init__()
        self.layers = tuple(layers)
        self.classifier, accuracy = load_classifier(weights)
        self.about = {"classifier_test_accuracy": accuracy}

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Of uint8 images [B, 3, R, R]: the layers asked for, in their order. Larger ones are averaged to its size."""
        digits = images.flatten(0, 1).float()
        larger = images.shape[-1] // self.classifier.resolution
        digits = avg_pool2d(digits, larger) if larger > 1 else digits
        features = self.classifier.features(digits / 127.5 - 1)  # [3B, F]
        found = {"features": features.view(len(images), -1)}
        if "digits" in self.layers:
            found["digits"] = self.classifier.head(features).argmax(1).view(len(images), 3)
        return tuple(found[name] for name in self.layers)

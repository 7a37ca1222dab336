"""Feature networks, all of them torch-fidelity's or registered with it: uint8 images to features.

Shapes: B images, R resolution, F features per digit.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY, register_feature_extractor
from torch_fidelity.utils import create_feature_extractor

from r3gan.data.dataset import Dataset
from r3gan.data.errors import DatasetUnavailable
from r3gan.evaluation.classifier import load_classifier
from r3gan.evaluation.weights import content_hash, find_weights, published_file, require_plain_tensors
from r3gan.tables.extractors import EXTRACTORS
from r3gan.tables.lookup import row_of
from r3gan.tables.metrics import DIGITS
from r3gan.tensor_files import hash_tensors


class StackedDigitsFeatures(FeatureExtractorBase):
    """The digit classifier on each colour channel: `features` [B, 3F], `digits` int64 [B, 3] (the named digits)."""

    def __init__(self, name: str, features_list: Sequence[str], feature_extractor_weights_path: str, **_: object):
        super().__init__(name, list(features_list))
        self.classifier, accuracy = load_classifier(Path(feature_extractor_weights_path))
        self.about = {"classifier_test_accuracy": accuracy}

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Of uint8 images [B, 3, R, R]: the layers asked for, in their order."""
        features = self.classifier.features(images.flatten(0, 1).float() / 127.5 - 1)  # [3B, F]
        found = {"features": features.view(len(images), -1)}
        if "digits" in self.features_list:
            found["digits"] = self.classifier.head(features).argmax(1).view(len(images), 3)
        return tuple(found[name] for name in self.features_list)

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        """See torch-fidelity."""
        return "features", "digits"

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        """See torch-fidelity."""
        return "features"

    @staticmethod
    def can_be_compiled() -> bool:
        """See torch-fidelity."""
        return False


if DIGITS not in FEATURE_EXTRACTORS_REGISTRY:
    register_feature_extractor(DIGITS, StackedDigitsFeatures)


class FeatureNetwork:
    """A feature network on a device, with the layers that some metrics need.

    identity: a hash of its weights, for cached features.
    Raises WeightsUnavailable if they are missing, DatasetUnavailable if the network does not fit the dataset.
    """

    def __init__(self, name: str, layers: Sequence[str], *, data: Dataset | None, root: Path, device: torch.device):
        self.name, self.layers, self.device = name, tuple(layers), device
        row = row_of(EXTRACTORS, "feature network", name)
        if row.made_for is not None:
            if data is None:
                raise DatasetUnavailable(f"{name} is made of a dataset, and none was named")
            path, by_path = row.made_for(data), True
        else:
            path, by_path = find_weights(name, root), published_file(name).by_path
            require_plain_tensors(path)
        self.network: FeatureExtractorBase = create_feature_extractor(
            name,
            list(layers),
            cuda=device.type == "cuda",
            feature_extractor_weights_path=str(path) if by_path else None,
            verbose=False,
        ).to(memory_format=torch.channels_last)
        made = row.made_for is not None  # its weights are hashed, not its file, whose metadata may differ
        self.identity = hash_tensors(self.network.state_dict())[:16] if made else content_hash(path)

    @property
    def about(self) -> dict[str, float]:
        """Numbers that say how far the network itself can be trusted, recorded with every metric."""
        return getattr(self.network, "about", {})

    @torch.no_grad()
    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        """Of uint8 images [B, 3, R, R]: each layer's features [B, F], on the CPU."""
        features = self.network(images.to(self.device))
        return {layer: found.cpu() for layer, found in zip(self.layers, features, strict=True)}

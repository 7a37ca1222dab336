"""Feature networks: uint8 images to features. Those that their row does not make itself are torch-fidelity's.

torch-fidelity takes seconds to load, and is loaded when one of its networks is made.

Shapes: B images, R resolution, F features.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from r3gan.data.dataset import Dataset
from r3gan.data.errors import DatasetUnavailable
from r3gan.evaluation.weights import content_hash, find_weights, published_file, require_plain_tensors
from r3gan.tables.extractors import EXTRACTORS
from r3gan.tables.lookup import row_of
from r3gan.tensor_files import hash_tensors


class FeatureNetwork:
    """A feature network on a device, with the layers that some metrics need.

    identity: a hash of its weights, for cached features.
    Raises WeightsUnavailable if they are missing, DatasetUnavailable if the network does not fit the dataset.
    """

    def __init__(self, name: str, layers: Sequence[str], *, data: Dataset | None, root: Path, device: torch.device):
        self.name, self.layers, self.device = name, tuple(layers), device
        row = row_of(EXTRACTORS, "feature network", name)
        published = row.weights is not None
        if data is None and not published:
            raise DatasetUnavailable(f"{name} is made of a dataset, and none was named")
        path: Path | None = None
        if published:
            path = find_weights(name, root)
            require_plain_tensors(path)
        elif row.made_for is not None:
            path = row.made_for(data)
        by_path = not published or published_file(name).by_path
        if row.of_data is not None:
            network: nn.Module = row.of_data(self.layers, data)
        elif row.network is not None:
            network = row.network(self.layers, path)
        else:
            network = torch_fidelitys(name, layers, path if by_path else None)
        self.network = network.to(device).to(memory_format=torch.channels_last)
        # Of what is made here the weights are hashed, not the file, whose metadata may differ.
        self.identity = content_hash(path) if published and path else hash_tensors(self.network.state_dict())[:16]

    @property
    def about(self) -> dict[str, float]:
        """Numbers that say how far the network itself can be trusted, recorded with every metric."""
        return getattr(self.network, "about", {})

    @torch.no_grad()
    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        """Of uint8 images [B, 3, R, R], or points float32 [B, 2, 1, 1]: each layer's features [B, F], on the CPU."""
        features = self.network(images.to(self.device))
        return {layer: found.cpu() for layer, found in zip(self.layers, features, strict=True)}


def torch_fidelitys(name: str, layers: Sequence[str], weights: Path | None) -> nn.Module:
    """A network of torch-fidelity's, or registered with it. weights: its file; None: it finds its own."""
    from torch_fidelity.utils import create_feature_extractor

    path = str(weights) if weights else None
    network: nn.Module = create_feature_extractor(
        name, list(layers), cuda=False, feature_extractor_weights_path=path, verbose=False
    )
    return network

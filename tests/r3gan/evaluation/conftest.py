from pathlib import Path

import pytest
import torch

from r3gan.config import EvaluationConfig
from r3gan.data.load import load_dataset
from r3gan.data.manifest import Manifest
from r3gan.data.store import ImageSet
from r3gan.evaluation.evaluator import Evaluator

CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def digits():
    return load_dataset("stacked-digits", Path("nowhere"), CPU)


@pytest.fixture(scope="session")
def digits_evaluator(digits):
    return Evaluator(EvaluationConfig(every_kimg=1.0, samples=1000), digits, Path("nowhere"), CPU)


@pytest.fixture(scope="session")
def photographs():
    """32 colour images of 32x32: crops of scikit-learn's two sample photographs."""
    from sklearn.datasets import load_sample_images

    crops = [
        torch.from_numpy(photo[y : y + 32, x : x + 32].copy())
        for photo in load_sample_images().images
        for y in range(0, 128, 32)
        for x in range(0, 128, 32)
    ]
    images, labels = torch.stack(crops), torch.arange(len(crops)) // 16
    facts = {"name": "photographs", "source": "scikit-learn", "count": len(images), "resolution": 32}
    manifest = Manifest(**facts, classes=2, label_histogram=(16, 16), content_hash="0123456789abcdef")
    return ImageSet("photographs", manifest, images, labels)

"""Our path against torch-fidelity's own, on the same images and the same weights, drawn at random."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch_fidelity
from PIL import Image
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

from r3gan.config import EvaluationConfig
from r3gan.evaluation import weights
from r3gan.evaluation.classifier import classifier_file
from r3gan.evaluation.digit_features import LAYERS, StackedDigitsFeatures
from r3gan.evaluation.evaluator import Evaluator
from r3gan.tables.metrics import DIGITS, INCEPTION, METRICS

CPU = torch.device("cpu")
COUNT = 12


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory):
    """Inception's file of weights with random numbers in it, under its own name in a data folder."""
    path = tmp_path_factory.mktemp("data") / "weights" / weights.published_file(INCEPTION).name
    path.parent.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda self, state: None)
        patch.setattr("torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url", lambda *a, **k: {})
        network = FeatureExtractorInceptionV3(INCEPTION, ["2048"], verbose=False)
    draws = torch.Generator().manual_seed(0)
    drawn = {
        name: torch.randn(value.shape, generator=draws) * (2 / value[0].numel()) ** 0.5 if value.ndim > 1 else value
        for name, value in network.state_dict().items()
    }
    torch.save(drawn, path)
    return path


class Registered(FeatureExtractorBase):
    """The digit classifier as a network that torch-fidelity's own command takes."""

    def __init__(self, name, features_list, feature_extractor_weights_path, **_):
        super().__init__(name, list(features_list))
        self.network = StackedDigitsFeatures(features_list, Path(feature_extractor_weights_path))

    def forward(self, images):
        return self.network(images)

    @staticmethod
    def get_provided_features_list():
        return LAYERS

    @staticmethod
    def get_default_feature_layer_for_metric(metric):
        return "features"

    @staticmethod
    def can_be_compiled():
        return False


class Images(torch.utils.data.Dataset):
    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i]


def test_distances_equal_torch_fidelitys_own_with_the_digit_classifier(digits, tmp_path, monkeypatch):
    """All that compares two sets, through torch-fidelity's command with the digit classifier as its network."""
    monkeypatch.setitem(FEATURE_EXTRACTORS_REGISTRY, DIGITS, Registered)
    shutil.copy(classifier_file(digits), tmp_path)
    monkeypatch.setenv("R3GAN_CACHE", str(tmp_path))
    monkeypatch.setattr("r3gan.evaluation.reference.DRAWN_IMAGES", 1200)
    asked = EvaluationConfig(every_kimg=1.0, samples=1200, metrics=("fid", "kid", "precision-recall"))
    for name in asked.metrics:
        monkeypatch.setitem(METRICS, name, replace(METRICS[name], extractor=DIGITS, layers=("features",)))
    evaluator = Evaluator(asked, digits, tmp_path, CPU)
    reals, _ = digits.gather(digits.indices(0, "reference", 0, 1200))
    fakes, _ = digits.gather(digits.indices(1, "test", 0, 1200))
    fakes[::2] = fakes[::2].flip(3) // 2
    own = torch_fidelity.calculate_metrics(
        input1=Images(fakes),
        input2=Images(reals),
        fid=True,
        kid=True,
        prc=True,
        cuda=False,
        cache=False,
        verbose=False,
        save_cpu_ram=True,
        feature_extractor=DIGITS,
        feature_extractor_weights_path=str(classifier_file(digits)),
    )
    ours = evaluator.measure(evaluator.features(fakes.split(100), asked.metrics), asked.metrics)
    assert ours["fid1200"] == pytest.approx(own["frechet_inception_distance"], rel=1e-3)
    assert ours["kid1200"] == pytest.approx(own["kernel_inception_distance_mean"], rel=1e-4)
    assert ours["precision1200"] == pytest.approx(own["precision"], abs=2e-3)
    assert ours["recall1200"] == pytest.approx(own["recall"], abs=2e-3)
    assert 0 < own["precision"] < 1

    monkeypatch.setattr("r3gan.evaluation.reference.extract", lambda *_: pytest.fail("computed twice"))
    again = Evaluator(asked, digits, tmp_path, CPU)
    assert again.measure(again.features([fakes], ["fid"]), ["fid"])["fid1200"] == pytest.approx(
        ours["fid1200"], rel=1e-4
    )


@pytest.mark.slow
def test_fid_and_inception_score_equal_torch_fidelitys_own(photographs, inception_file, tmp_path, monkeypatch):
    monkeypatch.setenv("R3GAN_CACHE", str(tmp_path / "cache"))
    asked = EvaluationConfig(every_kimg=1.0, metrics=("fid", "inception-score"))
    evaluator = Evaluator(asked, photographs, inception_file.parents[1], CPU)
    reals, _ = photographs.gather(torch.arange(len(photographs)))
    fakes = reals[:COUNT].flip(3).roll(5, 2) // 2
    for name, images in (("real", reals), ("fake", fakes)):
        (tmp_path / name).mkdir()
        for i, image in enumerate(images):
            Image.fromarray(np.ascontiguousarray(image.permute(1, 2, 0))).save(tmp_path / name / f"{i:03d}.png")
    own = torch_fidelity.calculate_metrics(
        input1=str(tmp_path / "fake"),
        input2=str(tmp_path / "real"),
        fid=True,
        isc=True,
        cuda=False,
        cache=False,
        verbose=False,
        feature_extractor_weights_path=str(inception_file),
    )
    ours = evaluator.measure(evaluator.features(fakes.split(20), asked.metrics), asked.metrics)
    assert own["frechet_inception_distance"] > 0.01
    assert ours["fid10k"] == pytest.approx(own["frechet_inception_distance"], rel=1e-3)
    assert ours["is10k"] == pytest.approx(own["inception_score_mean"], rel=1e-5)


def test_missing_weights_say_which_file_to_put_where(photographs, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    with pytest.raises(
        weights.WeightsUnavailable, match=r"put https.*inception-2015-12-05-6726825d.pth into .*weights"
    ):
        Evaluator(EvaluationConfig(every_kimg=1.0, metrics=("fid",)), photographs, tmp_path, CPU)

    def offline(*args, **kwargs):
        raise OSError("no route")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(weights.WeightsUnavailable, match=r"which|put .* \(the download failed: no route\)"):
        weights.ensure_weights(INCEPTION, tmp_path)


def test_a_file_of_weights_that_holds_more_than_tensors_is_refused(photographs, tmp_path):
    path = tmp_path / "weights" / weights.published_file(INCEPTION).name
    path.parent.mkdir()
    torch.save({"weight": CPU, "trick": print}, path)
    with pytest.raises(weights.WeightsUnavailable, match="is not a file of weights"):
        Evaluator(EvaluationConfig(every_kimg=1.0, metrics=("fid",)), photographs, tmp_path, CPU)

"""The table of metrics: rows fit the other tables and their scorers, and judge as the papers do."""

from itertools import chain

import pytest
import torch
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

from r3gan.evaluation.digit_features import LAYERS
from r3gan.evaluation.scores import Reference
from r3gan.tables.extractors import EXTRACTORS
from r3gan.tables.lookup import UnknownChoice
from r3gan.tables.metrics import DIGITS, METRICS, PLANE, judged, metric_of, numbers
from r3gan.tables.references import REFERENCES

LOWER = {"d_kl", "points_d_kl", "frechet_distance_digits", "fid", "kid", "fd_dinov2"}
HIGHER = {"modes", "points_modes", "points_near", "class_accuracy", "right_digits"}
HIGHER |= {"is", "precision", "recall", "density", "coverage"}
OF_THE_NETWORK = {"classifier_test_accuracy"}  # recorded beside the scores: FeatureNetwork.about


def test_every_number_is_judged_as_in_its_paper():
    assert {key for key, number in judged().items() if number.better == "lower"} == LOWER
    assert {key for key, number in judged().items() if number.better == "higher"} == HIGHER


def test_no_two_metrics_yield_a_number_of_one_name():
    keys = [number.key for number in chain.from_iterable(metric.numbers for metric in METRICS.values())]
    assert len(keys) == len(set(keys)) == len(numbers())


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_what_a_row_names_exists(metric):
    by_key = {number.key: number for number in metric.numbers}
    registered = FEATURE_EXTRACTORS_REGISTRY.get(metric.extractor)
    ours = {DIGITS: LAYERS, PLANE: ("mode",)}
    provided = ours.get(metric.extractor) or registered.get_provided_features_list()
    assert set(metric.layers) <= set(provided)
    assert metric.extractor in EXTRACTORS
    assert metric.reference in REFERENCES
    assert metric.progress
    assert all(by_key[key].label for key in metric.progress)
    assert metric.best is None or by_key[metric.best].better
    floors = [by_key[number.floor] for number in metric.numbers if number.floor]
    assert not any(floor.counted for floor in floors)  # or the report would not find it beside its number


def test_metrics_that_compare_with_training_images_are_known_from_their_references():
    needy = {name for name, metric in METRICS.items() if REFERENCES[metric.reference].of_images}
    assert needy == {"fid", "kid", "precision-recall", "density-coverage", "fd-dinov2"}


@pytest.mark.parametrize("name", EXTRACTORS)
def test_weights_are_published_or_made_and_not_both(name):
    row = EXTRACTORS[name]
    assert sum(where is not None for where in (row.weights, row.of_data, row.made_for)) == 1


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_scorer_yields_the_numbers_of_its_row_and_no_others(metric):
    draw = torch.randn(1000, 4, generator=torch.Generator().manual_seed(0))  # KID draws subsets of 1000
    features = dict.fromkeys(metric.layers, draw)
    if "digits" in features:
        features["digits"] = torch.arange(3000).view(1000, 3) % 10
    if metric.of_classes:
        features["asked"] = torch.arange(1000)
    if "mode" in features:
        features["mode"] = torch.arange(1000) % 25
    shares = torch.full((26,), 1 / 26, dtype=torch.float64)
    centre = {"mean": draw.double().mean(0).numpy(), "covariance": torch.cov(draw.double().T).numpy()}
    scores = metric.scorer(features, Reference(**centre, features=draw, shares=shares), torch.device("cpu"))
    assert scores.keys() == {number.key for number in metric.numbers} - OF_THE_NETWORK


def test_a_number_names_its_metric_and_an_unknown_one_lists_all():
    assert metric_of("recall") == "precision-recall"
    with pytest.raises(UnknownChoice, match="unknown number recal; did you mean recall\\? valid: modes, d_kl, "):
        metric_of("recal")

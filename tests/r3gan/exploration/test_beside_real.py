"""Samples beside real images, and classes, against brute force."""

import numpy as np
import pytest
import torch

from r3gan.data.catalog import data_root
from r3gan.data.load import load_dataset
from r3gan.evaluation.classifier import classifier_file, load_classifier
from r3gan.evaluation.nearest import nearest
from r3gan.exploration.classes import class_grid, class_names, embedding_map, mapped, spread
from r3gan.exploration.features import feature_space, reduced_pixels
from r3gan.exploration.maps import embedded, own_kind, perplexity_of, real_against_generated
from r3gan.exploration.neighbours import neighbours
from r3gan.exploration.parts import Picture, Table, Text
from r3gan.exploration.truncation import SCALES, trade, truncation

CPU = torch.device("cpu")


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_pixels_are_averaged_to_8x8_and_small_images_are_taken_as_they_are():
    images = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    found = reduced_pixels(images).view(3, 3, 8, 8)
    assert found[1, 2, 0, 7] == pytest.approx(images[1, 2, :4, 28:].float().mean().item())
    assert torch.equal(reduced_pixels(images[..., :4, :4]), images[..., :4, :4].flatten(1).float())


def test_stacked_digits_are_compared_by_their_classifier_and_others_by_pixels(noise):
    digits = load_dataset("stacked-digits", data_root(), CPU)
    images = digits.gather(digits.indices(0, "reference", 0, 5))[0]
    space = feature_space(digits, CPU)
    classifier, _ = load_classifier(classifier_file(digits))
    expected = [classifier.features(images[:, channel].float() / 127.5 - 1) for channel in range(3)]
    assert torch.allclose(space.of(images), torch.cat(expected, 1), atol=1e-5)
    assert (space.learned, feature_space(noise, CPU).learned, feature_space(None, CPU).learned) == (True, False, False)


def test_the_nearest_of_all_batches_are_those_of_brute_force_and_equal_images_are_0_apart():
    queries, all_rows = draw(4, 9), draw(50, 9, seed=1) * 255
    queries[2] = all_rows[37]
    found, places = nearest(queries, iter(all_rows.split(7)), 5)
    distances = np.linalg.norm(queries.numpy()[:, None].astype(float) - all_rows.numpy()[None].astype(float), axis=2)
    assert places.tolist() == np.argsort(distances, axis=1)[:, :5].tolist()
    assert found.numpy() == pytest.approx(np.sort(distances, axis=1)[:, :5], rel=1e-5)
    assert (places[2, 0], found[2, 0]) == (37, 0)
    assert nearest(queries, iter([all_rows[:3]]), 5)[0].shape == (4, 3)


def test_neighbours_say_how_near_they_are_and_how_near_real_images_are(make_subject, noise):
    texts = list(neighbours(make_subject(real=noise)))
    picture = next(part for part in texts if isinstance(part, Picture))
    rows = noise.images.flatten(1).double()
    apart = torch.cdist(rows, rows) / rows.shape[1] ** 0.5
    apart.fill_diagonal_(torch.inf)
    some = torch.linspace(0, 69, 50).long()
    assert f"at {apart.min(1).values[some].median():.3g} (median of 50)" in picture.caption
    assert "70 images of noise" in texts[0].text
    assert "By features: left out" in texts[-1].text


def test_precision_and_recall_at_every_scale_are_those_of_their_definition(make_subject, noise):
    subject = make_subject(real=noise)
    scores = trade(subject, subject.real_features)
    assert len(scores) == len(SCALES)

    def inside(points, centres):
        radii = torch.cdist(centres, centres).sort(1).values[:, 3]
        return (torch.cdist(points, centres) <= radii).any(1).double().mean().item()

    z, labels = subject.drawn
    for scale, score in zip(SCALES, scores, strict=True):
        made, real = subject.features(subject.images(scale * z, labels)), subject.real_features
        assert score["precision"] == pytest.approx(inside(made, real), abs=0.02)
        assert score["recall"] == pytest.approx(inside(real, made), abs=0.02)


def test_the_best_that_can_be_scores_1_and_the_scale_lowers_recall(make_subject):
    subject = make_subject()
    scores = dict(zip(SCALES, trade(subject, subject.sample_features), strict=True))
    assert scores[1.0] == {"precision": 1, "recall": 1}
    assert scores[0.3]["recall"] < 0.5


def test_drawn_classes_are_as_frequent_as_in_the_data_or_else_equally(make_subject, noise):
    counts = make_subject(real=noise, samples=3000).drawn[1].sum(0) / 3000
    assert counts.tolist() == pytest.approx([4 / 7, 2 / 7, 1 / 7], abs=0.03)
    assert make_subject(samples=60).drawn[1].sum(0).tolist() == [20, 20, 20]


def test_groups_that_lie_apart_are_told_apart_and_copies_are_not():
    real = draw(40, 5)
    assert own_kind(real, real + 100) == 1
    assert own_kind(real, real + 1e-4) == 0
    assert 0.3 < own_kind(real, draw(40, 5, seed=1)) < 0.7


def test_the_map_keeps_apart_what_lies_apart_and_is_the_same_again():
    features = torch.cat([draw(20, 6), draw(20, 6, seed=1) + 50])
    places = embedded(features)
    assert np.array_equal(places, embedded(features))
    distances = np.linalg.norm(places[:, None] - places[None], axis=2) + np.eye(40) * 1e9
    assert ((distances.argmin(1) < 20) == (np.arange(40) < 20)).all()
    assert [perplexity_of(count) for count in (10, 1000)] == [3, 30]


def test_the_map_shows_as_many_of_both(make_subject, noise):
    picture, _ = real_against_generated(make_subject(real=noise, samples=50))
    assert "50 real and 50 generated" in picture.caption


@pytest.mark.parametrize("section", [neighbours, real_against_generated, truncation])
def test_without_real_images_sections_say_so(make_subject, section):
    parts = list(section(make_subject()))
    assert isinstance(parts[-1], Text)
    assert "eft out: there are none." in parts[-1].text
    assert not any(isinstance(part, Table) for part in parts)


def test_the_class_map_is_that_of_the_principal_components():
    vectors = torch.tensor([[3.0, 0, 0], [-3.0, 0, 0], [0, 1.0, 0], [0, -1.0, 0]]) + 7
    places, shares = mapped(vectors)
    assert places.abs().tolist() == [pytest.approx(row, abs=1e-5) for row in ([3, 0], [3, 0], [0, 1], [0, 1])]
    assert shares.tolist() == pytest.approx([0.9, 0.1])
    assert spread(1000, 3).tolist() == [0, 499, 999]


def test_classes_have_their_names_where_the_data_has_the_same_classes(make_subject, noise):
    assert class_names(make_subject(real=noise)) == ["ape", "b&w <cat>", "cow"]
    assert class_names(make_subject()) == ["0", "1", "2"]
    (picture,) = class_grid(make_subject(real=noise))
    assert "from above: ape, b&w <cat>, cow" in picture.caption
    (picture,) = embedding_map(make_subject(real=noise))
    assert "The 3 classes by the first two principal components of their embeddings, 100%" in picture.caption


@pytest.mark.parametrize("section", [class_grid, embedding_map])
def test_an_unconditional_generator_has_no_classes_to_show(make_subject, section):
    (part,) = section(make_subject(conditional=False))
    assert "unconditional" in part.text

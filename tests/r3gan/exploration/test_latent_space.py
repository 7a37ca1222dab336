"""Directions, the learned input and mixing, on tiny networks, against other ways to compute them."""

from io import BytesIO

import pytest
import torch
from PIL import Image
from sklearn.decomposition import PCA

from r3gan.exploration.basis import basis, spatial_patterns, typical_modulation
from r3gan.exploration.directions import activations, modulation, sampled_activations
from r3gan.exploration.mixing import average, halves, mixing, restyled
from r3gan.exploration.parts import Picture, Text
from r3gan.exploration.principal import modulation_components, moved, sample_components
from r3gan.exploration.stages import activations_at, images_from, point_name, points

MODULATED = {"modulation": "blocks", "noise": True}
MAPPED = {**MODULATED, "mapping_layers": 2}


@pytest.mark.parametrize("style", [{}, MODULATED, MAPPED])
@pytest.mark.parametrize("conditional", [True, False])
def test_going_on_from_any_point_makes_the_whole_generators_images(make_subject, conditional, style):
    subject = make_subject(conditional=conditional, style=style)
    z, labels = subject.shown
    whole, network = subject.loaded.network(z, labels), subject.loaded.network
    assert list(points(network)) == [0, 1]
    for point in points(network):
        x = activations_at(network, z, labels, point, at_once=2)
        assert torch.allclose(images_from(network, x, point, z, labels, at_once=2), whole, atol=1e-5)
    assert activations_at(network, z, labels, 0, 3).shape == (3, 16, 4, 4)
    assert [point_name(network, point) for point in (0, 1, 2)] == [
        "the input of 4x4",
        "after the stage at 4x4",
        "after the stage at 8x8",
    ]


def test_directions_of_the_modulation_are_those_that_stretch_z_most_without_the_classes(make_subject):
    network = make_subject().loaded.network
    weight = torch.zeros(16, 12)
    weight[0, 2], weight[5, 0], weight[7, 8] = 3.0, -4.0, 100.0  # the last one belongs to the class
    network.modulation.weight.copy_(weight)
    found = modulation_components(network)
    assert found.vectors[:2].abs().argmax(1).tolist() == [0, 2]
    assert found.deviations[:3].tolist() == pytest.approx([4, 3, 0])
    assert found.shares[:2].tolist() == pytest.approx([16 / 25, 9 / 25])


@pytest.mark.parametrize("shape", [(40, 7), (12, 300)])
def test_components_of_samples_are_those_of_scikit_learn(shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * torch.linspace(5, 1, shape[1])
    found, other = sample_components(x, 3), PCA(3, svd_solver="full").fit(x.numpy())
    assert found.deviations.tolist() == pytest.approx(list(other.explained_variance_**0.5), rel=1e-4)
    assert found.shares.tolist() == pytest.approx(list(other.explained_variance_ratio_), rel=1e-4)
    cosines = (found.vectors * torch.from_numpy(other.components_)).sum(1).abs()
    assert cosines.tolist() == pytest.approx([1] * 3, abs=1e-4)


def test_a_move_changes_the_place_along_the_direction_alone():
    start, mean, vector = torch.tensor([5.0, 2.0, 1.0]), torch.tensor([1.0, 0.0, 0.0]), torch.tensor([1.0, 0, 0])
    found = moved(start, mean, vector, torch.tensor([-2.0, 0.0, 3.0]))
    assert found.tolist() == [[-1, 2, 1], [1, 2, 1], [4, 2, 1]]


def test_samples_of_activations_are_as_many_as_there_is_room_for(make_subject, monkeypatch):
    subject = make_subject()
    assert len(sampled_activations(subject, 1)) == 60
    monkeypatch.setattr("r3gan.exploration.directions.MOST_NUMBERS", 20 * 16 * 16)
    assert len(sampled_activations(subject, 1)) == 20


def test_strips_say_their_strength(make_subject):
    subject = make_subject()
    shares = modulation_components(subject.loaded.network).shares
    strips = [part for part in modulation(subject) if isinstance(part, Picture)]
    assert len(strips) == 6
    assert f"{shares[0]:.1%} of its variance" in strips[0].caption
    captions = [part.caption for part in activations(subject) if isinstance(part, Picture)]
    assert [caption.split(":")[0] for caption in captions[::3]] == [
        "The input of 4x4, direction 1",
        "After the stage at 4x4, direction 1",
    ]
    assert "variance of 60 samples" in captions[0]


@pytest.mark.parametrize("style", [{}, MODULATED, MAPPED])
@pytest.mark.parametrize("conditional", [True, False])
def test_the_typical_modulation_is_that_of_many_latents(make_subject, conditional, style):
    subject = make_subject(conditional=conditional, style=style, samples=60_000 if style else 60)
    network = subject.loaded.network
    z = torch.randn(60_000, network.latent_dim, generator=torch.Generator().manual_seed(2))
    labels = torch.eye(3).repeat(20_000, 1) if conditional else None
    made = network.modulated(z, labels)[:, :, 0, 0] / network.basis[:, 0, 0]
    assert torch.allclose(typical_modulation(subject), (made**2).mean(0).sqrt(), rtol=0.03)


def test_spatial_patterns_of_channels_that_are_all_alike_are_one():
    pattern = torch.arange(16.0).view(4, 4)
    found, shares = spatial_patterns(torch.stack([pattern, -2 * pattern, pattern]), torch.tensor([1.0, 1.0, 5.0]))
    assert shares.tolist() == pytest.approx([1, 0, 0], abs=1e-6)
    assert torch.allclose(found[0].abs(), pattern / pattern.norm(), atol=1e-6)


def test_the_learned_input_ranks_channels_by_what_they_put_in(make_subject):
    subject = make_subject(conditional=False)
    subject.loaded.network.basis[11] *= 30
    captions = [part.caption for part in basis(subject) if isinstance(part, Picture)]
    assert captions[2].startswith("Channel 11 alone")
    assert len(captions) == 2 + 4


def test_mixes_are_what_they_are_called():
    a, b = torch.randn(2, 5, 4, 4, generator=torch.Generator().manual_seed(3))
    assert torch.equal(average(a, b), (a + b) / 2)
    assert torch.equal(halves(a, b)[..., :2], a[..., :2])
    assert torch.equal(halves(a, b)[..., 2:], b[..., 2:])
    mixed = restyled(a, b)
    assert torch.allclose(mixed.mean((1, 2)), b.mean((1, 2)), atol=1e-5)
    assert torch.allclose(mixed.flatten(1).var(1), b.flatten(1).var(1), rtol=1e-4)
    cosines = torch.cosine_similarity(
        (mixed - mixed.mean((1, 2), True)).flatten(1), (a - a.mean((1, 2), True)).flatten(1)
    )
    assert cosines.tolist() == pytest.approx([1] * 5, abs=1e-5)


def test_with_styles_one_column_mixes_them_as_training_does(make_subject):
    subject = make_subject(seeds=(0, 1), conditional=False, style={"modulation": "blocks"})
    network, (z, _) = subject.loaded.network, subject.shown
    text, picture = mixing(subject)
    assert "with the second one's styles" in text.text
    (_, plain) = mixing(make_subject(seeds=(0, 1), conditional=False))
    sizes = [Image.open(BytesIO(shown.png)).size for shown in (picture, plain)]
    assert sizes == [(8 * (2 + columns), 8 * 2) for columns in (4, 3)]
    for point in points(network):
        a = activations_at(network, z[:1], None, point, 1)
        mixed = network(z[:1], None, z[1:], torch.tensor([point + 1]))
        assert torch.allclose(images_from(network, a, point, z[1:], None, 1), mixed, atol=1e-5)
        assert not torch.allclose(mixed, network(z[:1]), atol=1e-3)


def test_a_mapped_latent_has_no_directions_of_its_own_and_noise_moves_no_modulation(make_subject):
    (left_out,) = modulation(make_subject(style=MAPPED))
    assert left_out.text.startswith("Left out")
    network = make_subject(style=MODULATED).loaded.network
    assert modulation_components(network).vectors.shape == (6, network.latent_dim)
    assert not modulation_components(network).vectors[:, 6:].any()
    assert len([part for part in modulation(make_subject(style=MODULATED)) if isinstance(part, Picture)]) == 6


def test_seeds_are_mixed_in_pairs_and_one_seed_is_not(make_subject):
    parts = list(mixing(make_subject(seeds=(4, 5, 6, 7, 9))))
    assert [part.caption for part in parts if isinstance(part, Picture)] == ["Seeds 4 and 5.", "Seeds 6 and 7."]
    assert [type(part) for part in mixing(make_subject(seeds=(4,)))] == [Text]

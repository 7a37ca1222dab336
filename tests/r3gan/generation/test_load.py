"""`load_generator` from everything that holds a generator; its shapes and its errors."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch.nn.functional import one_hot

from r3gan import load_generator
from r3gan.__main__ import main
from r3gan.generation.images import images_of, tiled, to_pixels
from r3gan.generation.inputs import classes_of, latents_of
from r3gan.snapshot import NoSnapshot
from r3gan.tensor_files import load_tensors
from tests.r3gan.generation.conftest import CLASSES


def test_job_checkpoint_and_file_give_the_same_average_generator_ready_for_use(job):
    z = torch.randn(3, 6)
    checkpoint = job.last_checkpoint()
    made = [load_generator(source)(z) for source in (str(job.root), checkpoint, checkpoint / "ema.safetensors")]
    assert all(torch.equal(images, made[0]) for images in made)
    assert made[0].shape == (3, 3, 8, 8)
    assert made[0].abs().max() <= 1
    generator = load_generator(job.root)
    assert not generator.training
    assert not any(parameter.requires_grad for parameter in generator.parameters())
    assert (generator.latent_dim, generator.classes, generator.resolution) == (6, 0, 8)
    assert (generator.dataset, generator.images_shown) == ("stacked-digits", 80)
    average, raw = (load_tensors(checkpoint / f"{name}.safetensors")[0] for name in ("ema", "generator"))
    assert torch.equal(generator.network.basis, average["basis"])
    assert torch.equal(load_generator(job.root, weights="raw").network.basis, raw["basis"])
    assert not torch.equal(average["basis"], raw["basis"])


def test_the_last_sample_grid_of_a_job_shows_the_images_of_its_last_checkpoint(job):
    generator = load_generator(job.root)
    images = torch.cat(list(images_of(generator.network, latents_of(range(64), 6), None, at_once=10)))
    assert np.array_equal(np.asarray(Image.open(job.sample(80))), tiled(to_pixels(images), 8))
    assert len(np.unique(to_pixels(images).reshape(64, -1), axis=0)) == 64


def test_inputs_of_seeds_are_those_of_generate(job, conditional, tmp_path):
    for source, name in ((job.root, "plain.safetensors"), (conditional, "conditional.safetensors")):
        assert main(["generate", str(source), str(tmp_path / name), "--seeds", "2,0,9", "--device", "cpu"]) == 0
        generator = load_generator(source)
        images = load_file(tmp_path / name)["images"].clamp(-1, 1)
        assert torch.allclose(generator(*generator.inputs([2, 0, 9])), images, atol=1e-6)
    assert load_generator(job.root).inputs([2])[1] is None


def test_inputs_between_seeds_are_those_of_interpolate(job, conditional, tmp_path):
    for source, name in ((job.root, "plain.png"), (conditional, "conditional.png")):
        command = ["interpolate", str(source), str(tmp_path / name), "--seeds", "0-2", "--steps", "3"]
        assert main([*command, "--device", "cpu"]) == 0
        generator = load_generator(source)
        strip = np.concatenate(list(to_pixels(generator(*generator.inputs_between(range(3), steps=3)))), axis=1)
        assert np.abs(np.asarray(Image.open(tmp_path / name)).astype(int) - strip).max() <= 1


@pytest.mark.parametrize("seeds", [range(7), range(5, 40)])
def test_an_image_has_the_same_bits_whatever_is_made_with_it(conditional, seeds):
    network = load_generator(conditional).network
    labels = one_hot(classes_of(seeds, CLASSES), CLASSES).float()
    inputs = latents_of(seeds, 6), labels
    whole = torch.cat(list(images_of(network, *inputs, at_once=100)))
    for at_once in (1, 7, 16, 20):
        assert torch.equal(torch.cat(list(images_of(network, *inputs, at_once=at_once))), whole)
    last = latents_of(seeds[-1:], 6), labels[-1:]
    assert torch.equal(next(images_of(network, *last, at_once=1)), whole[-1:])


def test_images_are_clamped_and_gradients_reach_the_latents(conditional):
    generator = load_generator(conditional)
    z = (30 * torch.randn(4, 6)).requires_grad_()
    images = generator(z, torch.tensor([0, 1, 2, 0]))
    assert images.abs().max() == 1
    images.sum().backward()
    assert z.grad.abs().sum() > 0


def test_classes_are_numbers_or_weights_and_mixing_them_mixes_embeddings(conditional):
    generator, z = load_generator(conditional), torch.randn(2, 6)
    assert generator.classes == CLASSES
    numbers = generator(z, torch.tensor([2, 1]))
    assert torch.equal(numbers, generator(z, torch.tensor([[0.0, 0, 1], [0, 1, 0]])))
    between = generator(z, torch.tensor([[0.0, 0.5, 0.5]] * 2))
    assert not torch.allclose(between, numbers)


@pytest.mark.parametrize(
    ("z", "labels", "message"),
    [
        ((2, 5), None, r"z is \[2, 5\]: \[N, 6\] was expected"),
        ((6,), None, r"z is \[6\]"),
        ((2, 6), None, r"labels are missing: classes \[N\] in 0..2"),
        ((2, 6), torch.tensor([0, 3]), "classes 0 to 2 were expected"),
        ((2, 6), torch.tensor([0, -1]), "classes 0 to 2 were expected"),
        ((2, 6), torch.tensor([0, 1, 1]), r"labels are \[3, 3\]: classes \[2\] or weights \[2, 3\]"),
        ((2, 6), torch.zeros(2, 4), r"labels are \[2, 4\]"),
    ],
)
def test_wrong_shapes_are_refused_with_both_shapes(conditional, z, labels, message):
    with pytest.raises(ValueError, match=message):
        load_generator(conditional)(torch.randn(z), labels)


def test_labels_for_an_unconditional_generator_are_refused(job):
    with pytest.raises(ValueError, match="leave them out"):
        load_generator(job.root)(torch.randn(1, 6), torch.tensor([0]))


def test_what_holds_no_generator_is_refused_by_name(job, conditional, tmp_path):
    other = shutil.copy(job.last_checkpoint() / "discriminator.safetensors", tmp_path / "d.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(conditional.read_bytes()[:-8])
    for source, message in (
        (tmp_path / "nothing", "does not exist"),
        (tmp_path, "holds no generator: a job directory, a checkpoint or a .safetensors file was expected"),
        (other, "holds the weights of a discriminator, which makes no images: name ema.safetensors"),
        (cut, "no sound file of tensors"),
    ):
        with pytest.raises(NoSnapshot, match=message):
            load_generator(source)
    with pytest.raises(NoSnapshot, match="has no best weights"):
        load_generator(job.root, weights="best")
    with pytest.raises(NoSnapshot, match="holds one generator"):
        load_generator(conditional, weights="raw")

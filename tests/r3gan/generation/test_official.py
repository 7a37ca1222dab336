"""A snapshot as the official code pickles it becomes our weights, with the same images; other layouts are refused."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from r3gan import load_generator
from r3gan.__main__ import main
from r3gan.config import NetworkConfig
from r3gan.config_json import from_dict
from r3gan.model.networks import Discriminator
from r3gan.tensor_files import load_tensors

SHARED = Path(os.environ.get("R3GAN_PARITY_DIR", Path(__file__).parents[4] / "shared" / "data" / "parity")).parent
FOLDER = SHARED / "official"
SNAPSHOTS = sorted(FOLDER.glob("*.pkl"))

pytestmark = pytest.mark.skipif(not SNAPSHOTS, reason=f"no snapshot of the official code in {FOLDER}")


@pytest.fixture(scope="module", params=SNAPSHOTS, ids=lambda path: path.stem)
def snapshot(request):
    return request.param


def import_it(snapshot, destination):
    return main(["import-official", str(snapshot), str(destination)])


@pytest.mark.parametrize("name", ["weights.safetensors", "weights"])
def test_the_imported_generator_makes_the_official_images(snapshot, name, tmp_path, capsys):
    assert import_it(snapshot, tmp_path / name) == 0
    assert "after 123.456 kimg" in capsys.readouterr().out
    latents, made = snapshot.with_suffix(".expected.safetensors"), tmp_path / "made.safetensors"
    options = ["--latents", str(latents), "--device", "cpu"]
    assert main(["generate", str(tmp_path / name), str(made), *options]) == 0
    expected = load_file(latents)["images_ema"]
    assert (load_file(made)["images"] - expected).abs().max() < 1e-5
    generator = load_generator(tmp_path / name)
    assert (generator.classes, generator.resolution, generator.images_shown) == (0, 16, 123456)
    assert torch.allclose(generator(load_file(latents)["z"]), expected.clamp(-1, 1), atol=1e-5)


def test_a_folder_holds_g_d_and_the_average_with_the_released_configuration(snapshot, tmp_path):
    assert import_it(snapshot, tmp_path / "all") == 0
    raw, average = (load_generator(tmp_path / "all", weights=name).network for name in ("raw", "ema"))
    assert not torch.equal(raw.basis, average.basis)
    tensors, facts = load_tensors(tmp_path / "all" / "discriminator.safetensors")
    assert (facts["images"], facts["imported_from"]) == (123456, snapshot.name)
    found = facts["network"]
    assert (found["widths"], found["groups"], found["blocks"]) == ([48, 32, 32], [6, 4, 4], [2, 2, 2])
    assert (found["latent_dim"], found["bf16_stages"], found["resampling"]) == (16, 2, "bilinear")
    assert (found["expansion"], found["conditional"]) == (2, False)
    Discriminator(from_dict(NetworkConfig, found)).load_state_dict(tensors)


def test_evaluate_reads_it_and_asks_what_to_compare_with(snapshot, tmp_path, capsys):
    import_it(snapshot, tmp_path / "weights.safetensors")
    assert main(["evaluate", str(tmp_path / "weights.safetensors"), "--metrics", "fid"]) == 2
    assert "fid compares with other images: --reference or --dataset names them" in capsys.readouterr().err


CHANGES = {
    "no average": (b"\x8c\x05G_ema", b"\x8c\x05G_now", "D, D_opt_state, G, G_now, G_opt_state"),
    "no counter": (b"cur_nimg", b"cur_step", "cur_nimg, were expected|D, G, G_ema, cur_nimg were expected"),
    "another package": (b"R3GAN.Networks", b"R3GAN2Networks", "asks for R3GAN2Networks.Generator"),
    "another block": (b"ResidualBlock", b"ResidualBlocc", "asks for R3GAN.Networks.ResidualBlocc"),
    "another parameter": (b"NonLinearity1", b"NonLinearity9", "NonLinearity9.Bias, which the released networks do not"),
    "another size": (
        b"img_resolution\x94K\x10",
        b"img_resolution\x94K\x20",
        "its G says z_dim 16, c_dim 0, img_resolution 32, and the weights",
    ),
    "half precision": (b"\x8c\x08bfloat16", b"\x8c\x08float8e5", "asks for torch.float8e5"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_other_layouts_are_refused_by_what_differs(snapshot, tmp_path, capsys, case):
    old, new, expected = CHANGES[case]
    content = snapshot.read_bytes()
    assert len(old) == len(new)
    assert old in content
    (tmp_path / "other.pkl").write_bytes(content.replace(old, new))
    assert import_it(tmp_path / "other.pkl", tmp_path / "weights") == 2
    error = capsys.readouterr().err
    assert any(part in error for part in expected.split("|")), error
    assert re.fullmatch(r"error: .*other\.pkl is no snapshot of the official R3GAN: .*; nothing in it was run\n", error)
    assert not (tmp_path / "weights").exists()


@pytest.mark.parametrize("keep", [0, 1, 1000, 83_000, 700_000])
def test_cut_files_are_refused(snapshot, tmp_path, capsys, keep):
    (tmp_path / "cut.pkl").write_bytes(snapshot.read_bytes()[:keep])
    assert import_it(tmp_path / "cut.pkl", tmp_path / "weights") == 2
    assert "cut.pkl" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["cut.pkl"]


def test_destinations_are_new_and_of_a_known_kind(snapshot, tmp_path, capsys):
    for name, message in ((tmp_path, "exists already"), (tmp_path / "a.pt", "NAME.safetensors or a folder's name")):
        assert import_it(snapshot, name) == 2
        assert message in capsys.readouterr().err


def test_no_random_damage_is_more_than_a_refusal(snapshot, tmp_path):
    """A byte changed anywhere: an error that is told in a sentence, or weights that differ by what was changed."""
    content, draws = snapshot.read_bytes(), np.random.default_rng(0)
    for i in range(30):
        damaged = bytearray(content)
        damaged[draws.integers(len(content) if i % 2 else 80_000)] ^= int(draws.integers(1, 256))
        (tmp_path / f"{i}.pkl").write_bytes(damaged)
        assert import_it(tmp_path / f"{i}.pkl", tmp_path / f"{i}.safetensors") in (0, 2)

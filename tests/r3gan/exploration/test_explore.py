"""`r3gan explore` from the outside."""

import base64
import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from r3gan.__main__ import main
from r3gan.config import StyleConfig
from r3gan.exploration.command import SECTIONS
from r3gan.exploration.page import page_of
from r3gan.exploration.parts import Picture, Table, Text
from r3gan.exploration.pictures import grid, signed_maps
from r3gan.snapshot import save_weights
from tests.r3gan.exploration.conftest import random_generator
from tests.r3gan.small import small_config, small_network


@pytest.fixture
def weights(tmp_path):
    """Weights of a conditional network, which were trained on what is not here."""
    path = tmp_path / "weights.safetensors"
    config = small_config(network=small_network(conditional=True), dataset="lost")
    save_weights(random_generator(config.network), path, config, images=5000)
    return path


def explore(source, destination, *options):
    return main(["explore", str(source), str(destination), "--device", "cpu", *map(str, options)])


def pictures_in(page):
    return [
        Image.open(io.BytesIO(base64.b64decode(data)))
        for data in re.findall(r'src="data:image/png;base64,(.*?)"', page)
    ]


def test_the_page_has_every_section_and_needs_nothing_beside_it(weights, tmp_path, capsys):
    assert explore(weights, tmp_path / "a.html", "--data", "stacked-digits", "--samples", 50) == 0
    page = (tmp_path / "a.html").read_text()
    assert re.findall("<h2>(.*?)</h2>", page) == list(SECTIONS)
    assert "http" not in re.sub(r"base64,[^\"]*", "", page)
    assert len(pictures_in(page)) == len(re.findall("<img", page)) > 20
    assert "compared with stacked-digits" in page
    assert "classes equally often" in page  # its classes are not those of the data
    said = capsys.readouterr()
    assert "a.html is written: 9 sections" in said.out
    assert f"{len(SECTIONS)} of {len(SECTIONS)}: Map of the classes" in said.err


def test_the_same_command_makes_the_same_page_and_says_what_is_left_out(weights, tmp_path, capsys):
    for name in ("a.html", "b.html"):
        assert explore(weights, tmp_path / name, "--samples", 50, "--seeds", "3,8") == 0
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert (
        "Left out: the images of lost, on which it was trained, were not to be had."
        in (tmp_path / "a.html").read_text()
    )
    assert "warning: sections without real images" in capsys.readouterr().err


def test_a_generator_with_styles_has_a_page_as_well_that_says_what_it_has_not(tmp_path):
    style = StyleConfig(mapping_layers=2, modulation="blocks", noise=True)
    config = small_config(network=small_network(conditional=True, style=style), dataset="lost")
    save_weights(random_generator(config.network), tmp_path / "styled.safetensors", config, images=5000)
    assert explore(tmp_path / "styled.safetensors", tmp_path / "a.html", "--samples", 50, "--seeds", "3,8") == 0
    page = (tmp_path / "a.html").read_text()
    assert "Left out: this G maps z through layers first" in page
    assert "the column of style mixing as in StyleGAN" in page


def test_more_seeds_than_a_page_shows_are_refused(weights, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["explore", str(weights), str(tmp_path / "a.html"), "--seeds", "0-9999"])
    assert "10,000 seeds; a page shows at most 100" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.png", [], "a.png: a file that ends in .html was expected"),
        ("weights.safetensors", [], "exists already"),
        ("a.html", ["--data", "nothing"], "nothing is unknown"),
        ("a.html", ["--data", "small"], "small has images of 4x4, this generator makes 8x8: name another by --data"),
        ("a.html", ["--device", "gpu"], "--device gpu: cpu, cuda"),
    ],
)
def test_bad_input_is_one_sentence(weights, tmp_path, monkeypatch, capsys, name, options, message):
    monkeypatch.setenv("R3GAN_DATA", str(tmp_path / "data"))
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(4):
        Image.fromarray(np.full((4, 4, 3), i, np.uint8)).save(photos / f"{i}.png")
    main(["data", "prepare", str(photos), str(tmp_path / "data" / "small")])
    capsys.readouterr()
    assert explore(weights, tmp_path / name, *options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "a.html").exists()


def test_too_few_samples_and_a_source_that_is_none_are_refused(weights, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        explore(weights, tmp_path / "a.html", "--samples", 49)
    assert stop.value.code == 2
    assert "a whole number from 50 up was expected" in capsys.readouterr().err
    assert explore(tmp_path / "nowhere", tmp_path / "a.html") == 2


def test_what_the_page_says_is_escaped_and_pictures_are_as_wide_as_they_are_zoomed():
    picture = Picture(grid([torch.zeros(3, 3, 8, 8)], "").png, 'a "b" <c>', zoom=4)
    page = page_of("<t>", "a & b", [("s", [Text("<p>"), picture, Table(("h",), [("<1>",)])])])
    assert "<h1>&lt;t&gt;</h1>" in page
    assert "<p>a &amp; b</p>" in page
    assert "<p>&lt;p&gt;</p>" in page
    assert "<td>&lt;1&gt;</td>" in page
    assert 'width="96" alt="a &quot;b&quot; &lt;c&gt;"' in page


def test_maps_are_white_at_zero_red_above_and_blue_below():
    maps = torch.tensor([[[0.0, 2.0], [-2.0, 1.0]]])
    pixels = np.asarray(Image.open(io.BytesIO(signed_maps(maps, 1, "").png)))
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[0, 1].tolist() == [255, 0, 0]
    assert pixels[1, 0].tolist() == [0, 0, 255]
    assert pixels[1, 1].tolist() == [255, 128, 128]

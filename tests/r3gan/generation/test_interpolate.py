"""Ways through the latent space, and `r3gan interpolate` from the outside."""

import math
import sys

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from r3gan import load_generator
from r3gan.__main__ import main
from r3gan.generation.images import to_pixels
from r3gan.generation.inputs import latents_of
from r3gan.generation.paths import linear, path_through, spherical

T = torch.linspace(0, 1, 5)


def interpolate(source, destination, *options):
    return main(["interpolate", str(source), str(destination), "--device", "cpu", *map(str, options)])


def frames_of(strip):
    pixels = np.asarray(Image.open(strip))
    size = pixels.shape[0]
    return [pixels[:, i : i + size] for i in range(0, pixels.shape[1], size)]


def test_the_arc_keeps_the_length_and_an_even_angle_and_the_line_does_not():
    a, b = torch.tensor([2.0, 0, 0]), torch.tensor([0, 2.0, 0])
    arc = spherical(a, b, T)
    assert arc.norm(dim=1).tolist() == pytest.approx([2.0] * 5)
    assert torch.atan2(arc[:, 1], arc[:, 0]).tolist() == pytest.approx([i * math.pi / 8 for i in range(5)])
    assert linear(a, b, T)[2].tolist() == pytest.approx([1, 1, 0])


@pytest.mark.parametrize("b", [[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0], [0.0, 0.0]])
def test_the_arc_between_parallel_latents_is_the_line(b):
    a, b = torch.tensor([1.0, 2.0]), torch.tensor(b)
    found = spherical(a, b, T)
    assert torch.allclose(found[[0, -1]], torch.stack([a, b]), atol=1e-5)
    assert found.isfinite().all()


@pytest.mark.parametrize("way", ["linear", "spherical"])
def test_a_path_goes_through_its_key_frames_and_a_loop_ends_before_its_first(way):
    keys = latents_of(range(3), 8)
    path = path_through(keys, 4, way, loop=False)
    assert len(path) == 9
    assert torch.allclose(path[[0, 4, 8]], keys, atol=1e-6)
    loop = path_through(keys, 4, way, loop=True)
    assert len(loop) == 12
    assert torch.allclose(loop[:9], path, atol=1e-6)
    back = path_through(keys[[2, 0]], 4, way, loop=False)
    assert torch.allclose(loop[8:], back[:-1], atol=1e-6)


def test_key_frames_are_what_generate_makes_of_their_seeds(conditional, tmp_path, capsys):
    assert interpolate(conditional, tmp_path / "a.png", "--seeds", "3,5,3", "--steps", 2, "--scale", 2) == 0
    assert "one strip, 5 frames of 16x16 through 3 key frames" in capsys.readouterr().out
    main(["generate", str(conditional), str(tmp_path / "a.npz"), "--seeds", "3,5", "--device", "cpu"])
    made = np.load(tmp_path / "a.npz")["arr_0"]
    frames = [frame[::2, ::2] for frame in frames_of(tmp_path / "a.png")]
    for place, key in ((0, 0), (2, 1), (4, 0)):
        assert np.array_equal(frames[place], made[key])
    assert np.array_equal(frames_of(tmp_path / "a.png")[0], made[0].repeat(2, 0).repeat(2, 1))


def test_classes_morph_by_their_embeddings(conditional, tmp_path):
    assert interpolate(conditional, tmp_path / "a.png", "--seeds", 4, "--classes", "0,2", "--steps", 4) == 0
    generator, z = load_generator(conditional), latents_of([4], 6)
    for i, frame in enumerate(frames_of(tmp_path / "a.png")):
        expected = to_pixels(generator(z, torch.tensor([[1 - i / 4, 0, i / 4]])))[0]
        assert np.abs(frame.astype(int) - expected).max() <= 1
    assert interpolate(conditional, tmp_path / "b.png", "--seeds", "0-3", "--classes", "1") == 0


def test_gif_and_mp4_hold_every_frame_in_its_time(conditional, tmp_path):
    av = pytest.importorskip("av")
    options = ["--seeds", "0-2", "--loop", "--steps", 5, "--fps", 20, "--scale", 4]
    for name in ("a.png", "a.gif", "a.mp4"):
        assert interpolate(conditional, tmp_path / name, *options) == 0
    strip = frames_of(tmp_path / "a.png")
    with Image.open(tmp_path / "a.gif") as gif:
        assert (gif.n_frames, gif.size, gif.info["duration"], gif.info["loop"]) == (15, (32, 32), 50, 0)
        shown = [np.asarray(frame.convert("RGB"), int) for frame in ImageSequence.Iterator(gif)]
    assert max(np.abs(frame - other).mean() for frame, other in zip(shown, strip, strict=True)) < 6
    with av.open(str(tmp_path / "a.mp4")) as film:
        stream = film.streams.video[0]
        shown = [frame.to_ndarray(format="rgb24").astype(int) for frame in film.decode(video=0)]
        assert (stream.codec.name, stream.average_rate) == ("h264", 20)
    assert max(np.abs(frame - other).mean() for frame, other in zip(shown, strip, strict=True)) < 25


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.png", ["--seeds", "1"], "two key frames at least are needed"),
        ("a.png", ["--classes", "0,5"], "5 is no class of this generator"),
        ("a.png", ["--classes", "0,1"], "2 for 8 seeds: as many or one of the two was expected"),
        ("a.avi", [], "ends in .avi: known endings are .png (one strip), .gif"),
        ("a", [], "ends in nothing"),
        ("a.png", ["--steps", "5000"], "take fewer --steps or --seeds, or .mp4"),
        ("a.gif", ["--fps", "51"], "a GIF shows at most 50 frames in a second, not 51: write a .mp4"),
        ("a.gif", ["--steps", "100000000"], "700,000,001 frames are more than 100,000: take fewer --steps or --seeds"),
    ],
)
def test_bad_input_is_one_sentence(conditional, tmp_path, capsys, name, options, message):
    assert interpolate(conditional, tmp_path / name, *options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_without_the_library_mp4_is_refused_with_the_way_to_get_it(conditional, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    assert interpolate(conditional, tmp_path / "a.mp4") == 2
    assert "pip install -e '.[video]' brings it, or write a .gif" in capsys.readouterr().err

"""`r3gan evaluate` of images against images, beside torch-fidelity's own command; both with a small network."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch_fidelity
from PIL import Image
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.registry import register_feature_extractor

from r3gan.__main__ import main
from r3gan.data.images import take
from r3gan.data.prepare import Options, write_prepared
from r3gan.data.recognise import open_source
from r3gan.data.sources import Item
from r3gan.evaluation.resizing import bilinear_crop
from r3gan.model.networks import Generator, initialise
from r3gan.snapshot import save_weights
from r3gan.tables.extractors import EXTRACTORS, ExtractorRow, WeightsFile
from r3gan.tables.metrics import INCEPTION, METRICS, VGG
from tests.r3gan.conftest import as_zip, encode
from tests.r3gan.small import small_config

SMALL, COUNT = "a-small-network", 1000
LAYERS = {"2048": "2048", "fc2_relu": "2048", "logits_unbiased": "logits_unbiased"}


class SmallNetwork(FeatureExtractorBase):
    """Features of images of any size: 8x8 means, one random layer, and logits."""

    def __init__(self, name, features_list, feature_extractor_weights_path=None, **_):
        super().__init__(name, features_list)
        self.layer, self.head = torch.nn.Linear(192, 24), torch.nn.Linear(24, 10)
        self.load_state_dict(torch.load(feature_extractor_weights_path, weights_only=True))
        self.requires_grad_(False)

    def forward(self, images):
        cells = torch.nn.functional.adaptive_avg_pool2d(images.float() / 64 - 2, 8).flatten(1)
        features = self.layer(cells).relu()
        found = {"2048": features, "fc2_relu": features, "logits_unbiased": self.head(features)}
        return tuple(found[name] for name in self.features_list)

    @staticmethod
    def get_provided_features_list():
        return tuple(LAYERS)

    @staticmethod
    def get_default_feature_layer_for_metric(metric):
        return "logits_unbiased" if metric == "isc" else "2048"

    @staticmethod
    def can_be_compiled():
        return False


register_feature_extractor(SMALL, SmallNetwork)


@pytest.fixture(autouse=True)
def network(tmp_path, monkeypatch):
    """The small network in the places of Inception and VGG, its weights in a data folder."""
    monkeypatch.setenv("R3GAN_DATA", str(tmp_path / "data"))
    row = ExtractorRow(WeightsFile("https://nowhere.invalid/small.pth", by_path=True))
    monkeypatch.setitem(EXTRACTORS, SMALL, row)
    for name in [name for name, metric in METRICS.items() if metric.extractor in (INCEPTION, VGG)]:
        monkeypatch.setitem(METRICS, name, replace(METRICS[name], extractor=SMALL))
    path = tmp_path / "data" / "weights" / "small.pth"
    path.parent.mkdir(parents=True)
    draws = torch.Generator().manual_seed(0)
    shapes = {"layer.weight": (24, 192), "layer.bias": (24,), "head.weight": (10, 24), "head.bias": (10,)}
    torch.save({name: torch.randn(shape, generator=draws) / 5 for name, shape in shapes.items()}, path)
    return path


def pictures(seed, count=COUNT, size=8, other=None):
    draws = np.random.default_rng(seed)
    for _ in range(count):
        tone = draws.integers(0, 200, 3)
        yield (tone + draws.integers(0, 56, (size, other or size, 3))).astype(np.uint8)


def files_of(images):
    return {f"{i:05d}.png": encode(image) for i, image in enumerate(images)}


def as_flat(path, images):
    path.mkdir(parents=True)
    for name, content in files_of(images).items():
        (path / name).write_bytes(content)
    return path


def evaluate(tmp_path, source, *options, metrics):
    out = tmp_path / "result.json"
    out.unlink(missing_ok=True)
    code = main(["evaluate", str(source), "--metrics", *metrics, "--json", str(out), *map(str, options)])
    return code, json.loads(out.read_text()) if out.exists() else None


def generator_file(tmp_path):
    config = small_config()
    generator = Generator(config.network)
    initialise(generator, 0, "generator")
    save_weights(generator, tmp_path / "small.safetensors", config, 0)
    return tmp_path / "small.safetensors"


def fidelity(ours, theirs, network, **options):
    places = {"input1": str(ours), "input2": str(theirs), "feature_extractor_weights_path": str(network)}
    quiet = {"cuda": False, "cache": False, "verbose": False, "save_cpu_ram": True, "isc": True}
    return torch_fidelity.calculate_metrics(**places, **quiet, feature_extractor=SMALL, **options)


NAMES = {
    "fid": "frechet_inception_distance",
    "is": "inception_score_mean", "precision": "precision", "recall": "recall",
}  # fmt: skip


@pytest.mark.parametrize("rule", ["as-is", "bilinear-crop:12"])
def test_two_folders_get_torch_fidelitys_own_numbers(rule, tmp_path, network):
    size = 8 if rule == "as-is" else 16
    ours = as_flat(tmp_path / "ours", pictures(0, size=size, other=None if rule == "as-is" else 21))
    theirs = as_flat(tmp_path / "theirs", pictures(1, size=size))
    metrics = ("fid", "inception-score", "precision-recall")
    code, result = evaluate(tmp_path, ours, "--reference", theirs, "--resize", rule, metrics=metrics)
    crop = 0 if rule == "as-is" else 12
    own = fidelity(ours, theirs, network, fid=True, prc=True, samples_resize_and_crop=crop)
    assert code == 0
    for key, name in NAMES.items():
        assert result["metrics"][f"{key}1k"] == pytest.approx(own[name], rel=1e-3, abs=1e-4), key
    assert own["frechet_inception_distance"] > 0
    for side, folder in (("measured", ours), ("compared_with", theirs)):
        found = result[side]
        assert (found["what"], found["images"], found["resize"]) == (str(folder), COUNT, rule)
        assert found["resolution"] == (8 if rule == "as-is" else 12)


def test_a_reference_in_files_a_zip_or_a_dataset_gives_the_same_numbers(tmp_path, capsys):
    source = as_flat(tmp_path / "source", pictures(0))
    reference = as_flat(tmp_path / "reference", pictures(1, count=1200))
    zipped = as_zip(tmp_path / "reference.zip", files_of(pictures(1, count=1200)))
    prepared = tmp_path / "data" / "mine"
    write_prepared(open_source([reference], "none"), prepared, Options())
    metrics = ("fid", "precision-recall", "density-coverage")
    asked = [("--reference", reference), ("--reference", zipped), ("--reference", prepared), ("--dataset", "mine")]
    results = [evaluate(tmp_path, source, *options, metrics=metrics)[1] for options in asked]
    for result in results:
        assert result["metrics"] == pytest.approx(results[0]["metrics"], rel=1e-6)
        assert result["compared_with"]["images"] == 1200
        assert result["compared_with"]["drawn"] == dict.fromkeys(metrics[1:], 1000)  # as many as were measured
    said = "compared with: dataset mine, 1,200 images, 8x8, resize: as-is; 1,000 of them for precision-recall"
    assert said in capsys.readouterr().out
    pixels = {result["compared_with"].get("pixels_sha256") for result in results[:3]}
    assert len(pixels) == 1
    _, named = evaluate(tmp_path, "mine", "--reference", source, metrics=("fid",))
    assert named["metrics"]["fid1200"] == pytest.approx(results[0]["metrics"]["fid1k"], rel=1e-5)  # a distance
    assert named["measured"]["what"] == "dataset mine"


def test_the_inception_score_needs_no_dataset(tmp_path, network, capsys):
    source = as_flat(tmp_path / "source", pictures(0))
    code, result = evaluate(tmp_path, source, metrics=("inception-score",))
    own = fidelity(source, source, network)
    assert code == 0
    assert result["metrics"]["is1k"] == pytest.approx(own["inception_score_mean"], rel=1e-5)
    assert (result["dataset"], result["compared_with"]) == (None, None)
    capsys.readouterr()
    evaluate(tmp_path, source, "--reference", source, metrics=("inception-score",))
    assert "nothing is compared with, so the images of" in capsys.readouterr().err


def test_the_resize_is_the_one_that_is_named():
    image = next(pictures(3, count=1, size=40, other=60))
    item = Item("a.png", image)
    assert np.array_equal(bilinear_crop("a.png", image, 16).shape, (16, 16, 3))
    assert not np.array_equal(bilinear_crop("a.png", image, 16), take(item, 16).pixels)
    expected = Image.fromarray(image).resize((24, 16), Image.Resampling.BILINEAR).crop((4, 0, 20, 16))
    assert np.array_equal(bilinear_crop("a.png", image, 16), np.asarray(expected))


def test_crop_lanczos_is_what_preparing_does(tmp_path):
    source = as_flat(tmp_path / "source", pictures(0, size=20, other=31))
    write_prepared(open_source([source], "none"), tmp_path / "data" / "mine", Options(resolution=16))
    code, result = evaluate(
        tmp_path, source, "--dataset", "mine", "--resize", "crop-lanczos:16", metrics=("fid", "precision-recall")
    )
    assert code == 0
    assert result["metrics"]["fid1k"] == pytest.approx(0, abs=1e-3)
    assert result["metrics"]["precision1k"] == 1
    assert (result["measured"]["resize"], result["compared_with"]["resize"]) == ("crop-lanczos:16", "as-is")


def test_a_generator_is_compared_with_images_in_files(tmp_path):
    weights = generator_file(tmp_path)
    reference = as_flat(tmp_path / "reference", pictures(1))
    code, result = evaluate(tmp_path, weights, "--reference", reference, "--samples", 1000, metrics=("fid",))
    assert code == 0
    assert result["metrics"]["fid1k"] > 0
    assert result["measured"]["images"] == 1000
    assert (result["dataset"], result["compared_with"]["what"]) == (None, str(reference))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--metrics", "digits", "--reference", "REFERENCE"), "of which its classifier is made: --dataset names it"),
        (("--metrics", "fid"), "fid compares with other images: --reference or --dataset names them"),
        (("--metrics", "fid", "--reference", "few"), "few holds 10 images: at least 1000"),
        (("--metrics", "fid", "--reference", "missing"), "missing does not exist"),
        (("--metrics", "fid", "--reference", "wide"), "00000.png is 9x8, not square: --resize RULE:SIZE"),
        (("--metrics", "fid", "--reference", "wide", "--resize", "crop-lanczos:16"), "smaller than the resolution 16"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(options, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    as_flat(tmp_path / "source", pictures(0))
    as_flat(tmp_path / "few", pictures(0, count=10))
    as_flat(tmp_path / "wide", pictures(0, other=9))
    options = ["source" if word == "REFERENCE" else word for word in options]
    assert main(["evaluate", "source", *options]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lanczos:8", "unknown resize lanczos"),
        ("crop-lanczos", "such as crop-lanczos:64"),
        ("as-is:8", "takes no size"),
    ],
)
def test_a_resize_that_is_none_is_refused(text, words, capsys):
    with pytest.raises(SystemExit):
        main(["evaluate", "source", "--metrics", "fid", "--resize", text])
    assert words in capsys.readouterr().err


def test_images_of_several_sizes_need_a_resize(tmp_path, capsys):
    source = as_flat(tmp_path / "source", pictures(0))
    Image.new("RGB", (16, 16)).save(source / "99999.png")
    assert evaluate(tmp_path, source, metrics=("inception-score",))[0] == 2
    assert "99999.png is 16x16, the first image 8x8: --resize RULE:SIZE" in capsys.readouterr().err
    assert evaluate(tmp_path, source, "--resize", "bilinear-crop:8", metrics=("inception-score",))[0] == 0


def test_a_resize_without_images_in_files_is_refused(tmp_path, capsys):
    weights = generator_file(tmp_path)
    assert evaluate(tmp_path, weights, "--resize", "bilinear-crop:8", metrics=("digits",))[0] == 2
    assert "--resize is for images in files" in capsys.readouterr().err


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_an_array_gives_the_numbers_of_the_same_images_in_files_on_both_sides(tmp_path, write):
    sides = {}
    for name, seed in (("ours", 0), ("theirs", 1)):
        images = list(pictures(seed))
        sides[name] = as_zip(tmp_path / f"{name}.zip", files_of(images)), tmp_path / f"{name}.npz"
        write(sides[name][1], np.stack(images), np.zeros(COUNT, np.int64))
    metrics = ("fid", "inception-score")
    (zips, arrays) = (
        evaluate(tmp_path, ours, "--reference", theirs, "--device", "cpu", metrics=metrics)
        for ours, theirs in zip(*sides.values(), strict=True)
    )
    assert (zips[0], arrays[0]) == (0, 0)
    assert arrays[1]["metrics"] == zips[1]["metrics"]
    for side in ("measured", "compared_with"):
        assert arrays[1][side]["pixels_sha256"] == zips[1][side]["pixels_sha256"]


def test_what_generate_writes_as_an_array_is_read(tmp_path):
    weights = generator_file(tmp_path)
    for name in ("made.npz", "made.zip"):
        assert main(["generate", str(weights), str(tmp_path / name), "--count", str(COUNT), "--device", "cpu"]) == 0
    found = [evaluate(tmp_path, tmp_path / name, metrics=["inception-score"]) for name in ("made.npz", "made.zip")]
    assert [code for code, _ in found] == [0, 0]
    assert found[0][1]["metrics"] == found[1][1]["metrics"]


BAD_ARRAYS = {
    "holds images: arr_0 with images uint8 [N, H, W, 3] was expected": {"images": np.zeros((COUNT, 8, 8, 3), np.uint8)},
    "arr_0 is float32 [1000, 8, 8, 3], uint8 [N, H, W, 3] was expected": {"arr_0": np.zeros((COUNT, 8, 8, 3), "f4")},
    "arr_0 is uint8 [1000, 3, 8, 8]": {"arr_0": np.zeros((COUNT, 3, 8, 8), np.uint8)},
    "arr_0 is object [1]": {"arr_0": np.array([None])},
    "holds 999 images: at least 1000": {"arr_0": np.zeros((COUNT - 1, 8, 8, 3), np.uint8)},
}


@pytest.mark.parametrize("told", BAD_ARRAYS)
def test_an_array_of_something_else_is_one_sentence(tmp_path, capsys, told):
    np.savez(tmp_path / "a.npz", **BAD_ARRAYS[told])
    assert evaluate(tmp_path, tmp_path / "a.npz", metrics=["inception-score"]) == (2, None)
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_a_damaged_array_is_told_and_not_measured(tmp_path, capsys):
    path = tmp_path / "a.npz"
    np.savez(path, np.stack(list(pictures(0))))
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:]):
        path.write_bytes(damaged)
        assert evaluate(tmp_path, path, metrics=["inception-score"]) == (2, None)
        assert str(path) in capsys.readouterr().err


def test_a_device_that_is_not_there_is_told(tmp_path, capsys):
    weights = generator_file(tmp_path)
    assert evaluate(tmp_path, weights, "--device", "cuda:99", metrics=["inception-score"]) == (2, None)
    assert "--device cuda:99: torch sees" in capsys.readouterr().err

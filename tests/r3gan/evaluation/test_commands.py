"""`r3gan evaluate` and `r3gan prepare` from the outside."""

import json
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from benchmarks.evaluation import main as benchmark
from r3gan.__main__ import main
from r3gan.config import EvaluationConfig
from r3gan.data.catalog import cache_root
from r3gan.evaluation.preparation import dataset_and_metrics
from r3gan.jobdir import JobDir
from r3gan.snapshot import FILE_NAMES
from tests.r3gan.small import small_config
from tests.r3gan.training.test_train import run_inside


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    config = small_config(seed=3, total_kimg=0.08)
    return run_inside(
        replace(config, evaluation=replace(config.evaluation, keep_best="digits")), tmp_path_factory.mktemp("job")
    )[0]


def evaluate(source, tmp_path, *options):
    out = tmp_path / "result.json"
    code = main(["evaluate", str(source), "--metrics", "digits", "--json", str(out), *options])
    return code, json.loads(out.read_text()) if out.exists() else None


def test_a_job_is_given_its_own_numbers(job, tmp_path, capsys):
    recorded = job.points()[-1]["metrics"]
    for source in (job.root, job.last_checkpoint(), job.last_checkpoint() / "ema.safetensors"):
        code, result = evaluate(source, tmp_path, "--samples", "1000", "--seed", "3")
        assert code == 0
        assert result["metrics"] == pytest.approx({key: recorded[key] for key in result["metrics"]}, rel=1e-6)
        assert (result["samples"], result["dataset"], result["images_shown"]) == (1000, "stacked-digits", 80)
    assert "frechet_distance_digits" in capsys.readouterr().out
    _, raw = evaluate(job.root, tmp_path, "--samples", "1000", "--seed", "3", "--weights", "raw")
    assert set(raw["metrics"]) == {f"{key}_raw" for key in result["metrics"]}
    _, best = evaluate(job.root, tmp_path, "--samples", "1000", "--seed", "3", "--weights", "best")
    assert best["metrics"] == pytest.approx({key: recorded[f"best_{key}"] for key in best["metrics"]}, rel=1e-6)


def test_images_in_a_folder_or_zip_are_measured_all(digits, tmp_path, capsys):
    folder = tmp_path / "images"
    folder.mkdir()
    images, _ = digits.gather(digits.indices(0, "test", 0, 1000))
    for i, image in enumerate(images):
        Image.fromarray(np.ascontiguousarray(image.permute(1, 2, 0))).save(folder / f"{i:04d}.png")
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    results = [
        evaluate(source, tmp_path, "--dataset", "stacked-digits") for source in (folder, tmp_path / "images.zip")
    ]
    assert [code for code, _ in results] == [0, 0]
    assert results[0][1]["metrics"] == pytest.approx(results[1][1]["metrics"])
    assert 550 < results[0][1]["metrics"]["modes"] < 700  # 1000 (1 - 1/e) = 632 of 1000 draws

    assert evaluate(folder, tmp_path)[0] == 2
    assert "--dataset" in capsys.readouterr().err
    Image.new("RGB", (16, 16)).save(folder / "9999.png")
    assert evaluate(folder, tmp_path, "--dataset", "stacked-digits")[0] == 2
    assert "9999.png is 16x16, the first image 8x8" in capsys.readouterr().err
    for path in sorted(folder.iterdir())[500:]:
        path.unlink()
    assert evaluate(folder, tmp_path, "--dataset", "stacked-digits")[0] == 2
    assert "500 images: at least 1000" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["nothing-here", "broken.safetensors"])
def test_what_is_neither_is_one_clear_error(name, tmp_path, capsys):
    (tmp_path / "broken.safetensors").write_bytes(b"nonsense")
    code, _ = evaluate(tmp_path / name, tmp_path, "--dataset", "stacked-digits")
    error = capsys.readouterr().err
    assert code == 2
    assert name in error
    assert ("does not exist" in error) == (name == "nothing-here")
    assert "Traceback" not in error


@pytest.mark.parametrize("part", ["first byte", "middle", "last byte", "end"])
@pytest.mark.parametrize("weights", ["ema", "raw", "best"])
def test_damaged_weights_are_named_and_not_measured(job, tmp_path, capsys, weights, part):
    copy = JobDir(tmp_path / "job")
    shutil.copytree(job.root, copy.root)
    path = copy.best if weights == "best" else copy.last_checkpoint() / FILE_NAMES[weights]
    data = bytearray(path.read_bytes())
    if part == "end":
        del data[-100:]
    else:
        data[{"first byte": 0, "middle": len(data) // 2, "last byte": -1}[part]] ^= 1
    path.write_bytes(data)
    code, result = evaluate(copy.root, tmp_path, "--samples", "1000", "--weights", weights)
    captured = capsys.readouterr()
    assert (code, result, captured.out) == (2, None, "")
    (line,) = captured.err.splitlines()
    assert line.startswith(f"error: {path} is ")
    assert line.endswith(": name another file of weights, or train again")


def test_fewer_samples_than_a_metric_can_do_with_are_one_line_and_exit_code_2(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmarks.evaluation", "--samples", "999"])
    commands = (lambda: evaluate(tmp_path, tmp_path, "--samples", "999"), benchmark)
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            command()
        assert ended.value.code == 2
        assert "argument --samples: 999 is too few: at least 1000 are needed\n" in capsys.readouterr().err


def test_prepare_makes_the_classifier_and_refuses_unknown_metrics(capsys):
    assert main(["prepare", "stacked-digits=digits"]) == 0
    assert list(cache_root().glob("digit-classifier-*.safetensors"))
    with pytest.raises(SystemExit):
        main(["prepare", "stacked-digits=fud"])
    assert "fud: not among digits, class-accuracy, points, fid" in capsys.readouterr().err


def test_references_are_prepared_for_as_many_samples_as_the_jobs_take():
    dataset, asked = dataset_and_metrics("cifar10=kid,fid@50000")
    assert (dataset, set(asked.metrics), asked.samples) == ("cifar10", {"fid", "kid"}, 50_000)
    assert dataset_and_metrics("photos") == ("photos", EvaluationConfig(every_kimg=1.0, metrics=()))

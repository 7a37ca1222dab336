from pathlib import Path

from experiments.launch.readiness import not_here_yet
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.evaluation.metrics import INCEPTION
from r3gan.evaluation.weights import FILES

STUDY = Path(__file__).parents[3] / "ablations.yaml"


def test_the_dry_run_names_every_missing_file_and_nothing_that_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("R3GAN_DATA", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    study = read_study(STUDY)
    assert not_here_yet(make_plan(study, "quick", {}, {}).jobs) == []
    jobs = make_plan(study, "full", {"dataset": ["stacked-mnist", "cifar10", "ffhq64"]}, {}).jobs
    mnist, cifar, ffhq, weights = not_here_yet(jobs)
    assert "train-images-idx3-ubyte" in mnist
    assert "cifar-10-python.tar.gz" in cifar
    assert str(tmp_path / "ffhq64") in ffhq
    assert FILES[INCEPTION].name in weights

    (tmp_path / "cifar-10-python.tar.gz").touch()
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / FILES[INCEPTION].name).touch()
    assert not_here_yet(jobs) == [mnist, ffhq]

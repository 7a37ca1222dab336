import os
import subprocess
import sys
from pathlib import Path

from experiments.launch.readiness import not_here_yet
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.evaluation.weights import published_file
from r3gan.tables.metrics import INCEPTION

ROOT = Path(__file__).parents[3]
STUDY = ROOT / "ablations.yaml"


def test_the_dry_run_names_every_missing_file_and_nothing_that_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("R3GAN_DATA", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    study = read_study(STUDY)
    assert list(not_here_yet(make_plan(study, "quick", {}, {}).jobs)) == []
    jobs = make_plan(study, "full", {"dataset": ["stacked-mnist", "cifar10", "ffhq64"]}, {}).jobs
    mnist, cifar, ffhq, weights = not_here_yet(jobs)
    assert "train-images-idx3-ubyte" in mnist
    assert "cifar-10-python.tar.gz" in cifar
    assert str(tmp_path / "ffhq64") in ffhq
    assert published_file(INCEPTION).name in weights

    (tmp_path / "cifar-10-python.tar.gz").touch()
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / published_file(INCEPTION).name).touch()
    assert list(not_here_yet(jobs)) == [mnist, ffhq]


def test_looking_for_what_is_missing_loads_no_torch(tmp_path):
    code = (
        "import sys\n"
        "from experiments.study.plan import make_plan\n"
        "from experiments.study.study import read_study\n"
        "from experiments.launch.readiness import not_here_yet\n"
        f"assert list(not_here_yet(make_plan(read_study({str(STUDY)!r}), 'full', {{}}, {{}}).jobs))\n"
        "print(sorted({'torch', 'torchvision', 'torch_fidelity', 'sklearn', 'mlflow', 'optuna'} & set(sys.modules)))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "R3GAN_DATA": str(tmp_path), "TORCH_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "[]\n"

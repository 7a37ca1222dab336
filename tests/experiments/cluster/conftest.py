import os
import subprocess
import sys
import time

import pytest

from tests.experiments.cluster.single_node import SingleNode, missing_programs
from tests.experiments.conftest import ROOT


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A real Slurm cluster of one node with two cores."""
    if missing_programs():
        pytest.skip(f"not installed: {', '.join(missing_programs())}")
    if os.geteuid() != 0:
        pytest.skip("the cluster's daemons run as root")
    with SingleNode(tmp_path_factory.mktemp("slurm")) as node:
        yield node


class Workplace:
    """A folder that the cluster's node shares, with the commands of the project."""

    def __init__(self, folder, cluster):
        self.folder, self.cluster = folder, cluster

    def start(self, module, *arguments):
        environment = os.environ | self.cluster.environment | {"PYTHONPATH": str(ROOT), "COLUMNS": "160"}
        return subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, module, *arguments, code=0):
        """Both outputs of a command that ends with that exit code."""
        process = self.start(module, *arguments)
        out, err = process.communicate(timeout=600)
        assert process.returncode == code, out + err
        return out + err

    def jobs(self, output="runs"):
        """Job directory by variant and seed."""
        found = self.folder.glob(f"{output}/tiny/stacked-digits/*/seed*")
        return {(path.parent.name, path.name.partition("-")[0]): path for path in found}

    def wait(self, is_so, seconds=300):
        """Until that is so. What it returned."""
        deadline = time.monotonic() + seconds
        while not (found := is_so()):
            assert time.monotonic() < deadline, self.describe()
            time.sleep(0.3)
        return found

    def wait_until_the_queue_is_empty(self, seconds=400):
        self.wait(lambda: not self.cluster.ask("squeue", "-h"), seconds)

    def describe(self):
        logs = [*self.folder.glob("runs/tiny/slurm/jobs/*.out"), *self.folder.glob("runs/**/log.txt")]
        texts = [f"{path}\n{path.read_text()[-1500:]}" for path in logs]
        return "\n".join([self.cluster.ask("squeue"), *texts])


@pytest.fixture
def workplace(tmp_path, cluster):
    folder = tmp_path / "work"
    folder.mkdir()
    yield Workplace(folder, cluster)
    cluster.ask("scancel", "--user=root")
    cluster.wait_until_idle()

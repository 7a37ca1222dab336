import json
import os
import subprocess
import sys
from dataclasses import asdict

import pytest

from experiments.launch import costs
from experiments.launch.costs import costs_file, job_costs
from experiments.launch.execution import Execution, Hardware
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.computation import Computation
from r3gan.training.cost import Workload
from r3gan.training.estimate import estimate


@pytest.fixture
def jobs(write_study, tmp_path, monkeypatch):
    monkeypatch.setenv("R3GAN_CACHE", str(tmp_path / "cache"))
    costs_file.cache_clear()
    yield make_plan(read_study(write_study()), None, {}, {}).jobs
    costs_file.cache_clear()


def test_costs_are_those_that_are_counted_and_are_counted_once(jobs, monkeypatch):
    found = job_costs(jobs, Execution(), Hardware())
    assert set(found) == {job.identity for job in jobs}
    for job in jobs:
        assert found[job.identity] == estimate(Workload.of(job.config, 1000), 8, False)
    monkeypatch.setattr(costs, "count", lambda *_: pytest.fail("counted twice"))
    assert job_costs(jobs, Execution(), Hardware()) == found


@pytest.mark.parametrize(
    ("execution", "hardware"),
    [
        (Execution(ranks=2), Hardware()),
        (Execution(computation=Computation(micro_batch=3)), Hardware()),
        (Execution(computation=Computation(penalty_form="double")), Hardware()),
        (Execution(), Hardware(gpus=1, gpu_memory_bytes=2**33)),
    ],
)
def test_another_way_or_place_is_counted_apart(jobs, execution, hardware):
    plain = job_costs(jobs, Execution(), Hardware())
    other = job_costs(jobs, execution, hardware)
    assert plain.keys() == other.keys()
    assert len(json.loads(costs_file().read_text())) == 4  # with and without attention; the loss changes no cost
    assert job_costs(jobs, Execution(), Hardware()) == plain


@pytest.mark.parametrize("content", ["", "[]", "nonsense", '{"x": {"flops": 1}}'])
def test_a_file_that_is_not_what_was_written_is_counted_again(jobs, content):
    found = job_costs(jobs, Execution(), Hardware())
    costs_file().write_text(content)
    assert job_costs(jobs, Execution(), Hardware()) == found
    assert asdict(next(iter(found.values()))) in json.loads(costs_file().read_text()).values()


def test_known_costs_load_no_torch(jobs, write_study, tmp_path):
    code = (
        "import sys\n"
        "from experiments.launch.costs import job_costs\n"
        "from experiments.launch.execution import Execution, Hardware\n"
        "from experiments.study.plan import make_plan\n"
        "from experiments.study.study import read_study\n"
        f"jobs = make_plan(read_study({str(write_study())!r}), None, {{}}, {{}}).jobs\n"
        "print(len(job_costs(jobs, Execution(), Hardware())), 'torch' in sys.modules)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    outputs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment).stdout
        for _ in range(2)
    ]
    assert outputs == ["8 True\n", "8 False\n"]

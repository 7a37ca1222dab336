"""Small jobs share GPUs by themselves: never more than fits, hardly a GPU idle, and no job computes otherwise."""

import random
from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
import torch

from experiments.launch.costs import job_costs
from experiments.launch.durations import Conditions
from experiments.launch.execution import Execution, Hardware
from experiments.launch.forecast import Forecast, Speeds
from experiments.launch.gpu_needs import data_bytes, needs_of
from experiments.launch.gpus import Gpus
from experiments.launch.local import LocalLauncher, packed
from experiments.launch.order import longest_first
from experiments.launch.packing import Need, Packing, pack, packing_text
from experiments.launch.scheduler import Task, execute
from experiments.run import main
from experiments.study.execution_section import Resources
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.beginning import Beginning, Sharing
from r3gan.computation import Computation
from r3gan.config import NetworkConfig, PenaltyConfig
from r3gan.data.known import home_of
from r3gan.files import write_json
from r3gan.jobdir import JobDir
from r3gan.one_machine import memory_fraction
from r3gan.training.cost import Workload
from r3gan.training.estimate import default_micro_batch, estimate
from r3gan.training.penalties import FIRST_ORDER, TWICE
from r3gan.training.recorder import JsonlRecorder

GIB = 2**30
SMALL, WIDE = Need(jobs=100, tensor_bytes=GIB // 2), Need(jobs=100, tensor_bytes=30 * GIB)


def count(need, gpu=80 * GIB, gpus=8, cores=64, in_use=0):
    return pack({"a": need}, range(gpus), gpu, cores, in_use).of("a")


def test_as_many_jobs_share_a_gpu_as_memory_cores_and_jobs_allow():
    assert SMALL.total_bytes == GIB * 0.625 + 2 * GIB  # with 80% for tensors, and 2 GiB aside
    assert count(SMALL) == 4
    assert count(SMALL, gpu=8 * GIB) == 2  # 7.2 GiB without what is spared
    assert count(SMALL, gpu=5 * GIB) == count(SMALL, gpu=2 * GIB) == 1
    assert count(SMALL, in_use=73 * GIB) == 2
    assert count(SMALL, cores=16) == 2
    assert count(SMALL, cores=7) == count(SMALL, gpus=0) == 1
    assert count(replace(SMALL, jobs=9)) == 2
    assert count(replace(SMALL, jobs=8)) == 1
    assert count(WIDE) == 1
    assert count(replace(SMALL, data_bytes=20 * GIB)) == 3


def test_jobs_that_fill_a_gpu_that_were_cut_to_fit_or_that_ran_out_of_memory_have_one_to_themselves():
    assert count(replace(SMALL, step_flops=0.9e12)) == 4
    assert count(replace(SMALL, step_flops=1.1e12)) == 1
    assert count(replace(SMALL, is_whole=False)) == 1
    assert count(replace(SMALL, has_run_out=True)) == 1


def test_what_was_decided_is_one_line():
    needs = {"a": SMALL}
    assert packing_text(pack(needs, range(8), 80 * GIB, 64), needs, 80 * GIB) == (
        "4 jobs share each GPU: 2.6 GiB each of 80, as estimated"
    )
    both = {"a": replace(SMALL, is_measured=True), "b": replace(WIDE, jobs=3)}
    assert packing_text(pack(both, range(8), 80 * GIB, 64), both, 80 * GIB) == (
        "4 jobs of 100 share each GPU: 2.6 GiB each of 80, as measured; "
        "1 job of 3 has a GPU to itself: 39.5 GiB each of 80, as estimated"
    )
    alone = {"b": WIDE}
    assert packing_text(pack(alone, range(8), 80 * GIB, 64), alone, 80 * GIB).startswith("1 job has a GPU to itself")


def test_no_job_computes_in_smaller_parts_for_sharing_a_gpu():
    draw, shared = random.Random(0), 0
    for pairs in (96, 16384, 65536):
        network = NetworkConfig(widths=(128, 128), groups=(4, 4), blocks=(1, 1))
        work = Workload(network=network, classes=10, penalties=PenaltyConfig(), augmentation=None, pairs=pairs)
        whole = estimate(work, pairs, True).memory_bytes
        for _ in range(20):
            gpu = int(whole * draw.uniform(0.5, 8) + draw.uniform(0, 12) * GIB)
            alone = default_micro_batch(work, gpu)
            need = Need(jobs=9, tensor_bytes=estimate(work, alone, True).memory_bytes, is_whole=alone == pairs)
            jobs = count(need, gpu=gpu, gpus=1)
            shared += jobs > 1
            assert default_micro_batch(work, gpu // jobs) == alone
    assert shared > 20


def test_the_first_that_has_room_takes_the_emptiest_gpu():
    packing = Packing(gpus=(0, 1), jobs_per_gpu={"small": 4, "wide": 1, "half": 2})
    running = {0: "small", 1: "half", 2: "small", 3: "small"}  # a half, and three quarters of the GPUs

    def choose(*ready, free=(5, 4, 6, 7), running=running):
        return packing.choose(ready, str, free, running)

    assert choose("small") == ("small", 4)
    assert choose("wide", "unknown") is None
    assert choose("wide", "half", "small") == ("half", 4)
    assert choose("wide", running={1: "half"}) == ("wide", 4)
    assert choose("small", free=()) is None
    assert choose() is None
    assert Packing().choose(["a", "b"], str, [3, 1], {}) == ("a", 3)
    assert Packing().choose(["a"], str, [], {}) is None


@pytest.fixture
def machine(monkeypatch):
    """A function that makes this machine one with GPUs of 80 GiB."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def make(gpus=8, cores=64):
        for module in ("experiments.launch.local", "r3gan.one_machine"):
            monkeypatch.setattr(f"{module}.cores", lambda: cores)
        monkeypatch.setattr("experiments.launch.local.this_machine", lambda: Hardware(gpus, 80 * GIB))
        monkeypatch.setattr("experiments.launch.local.look_at_gpus", lambda count: Gpus(tuple(range(count))))

    return make


@pytest.fixture
def plan(write_study):
    """Four jobs of two networks, with and without attention."""
    return make_plan(read_study(write_study()), None, {"variant": ["baseline", "attention"]}, {})


@dataclass(frozen=True)
class Simulated(LocalLauncher):
    """Jobs that take as many looks as they are long, and as much of their GPU as they need: both by their folders."""

    lengths: dict[str, int] = field(default_factory=dict)
    needs: dict[str, int] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)  # bytes by GPU
    peaks: Counter[str] = field(default_factory=Counter)
    poll_seconds = 0

    def start(self, directory, slot):
        environment = self.environment(slot, self.jobs_beside(directory))
        gpu, name = environment["CUDA_VISIBLE_DEVICES"], directory.root.name
        assert self.needs[name] <= 80 * GIB / int(environment["R3GAN_JOBS_PER_GPU"])  # its own part is enough
        self.used[gpu] += self.needs[name]
        self.peaks[gpu] = max(self.peaks[gpu], self.used[gpu])
        return Training(self, directory, gpu, self.lengths[name])


@dataclass
class Training:
    machine: Simulated
    directory: JobDir
    gpu: str
    left: int

    def poll(self):
        self.left -= 1
        if self.left > 0:
            return None
        self.machine.used[self.gpu] -= self.machine.needs[self.directory.root.name]
        write_json(self.directory.result, {})
        return 0

    def processor_seconds(self):
        return None


@pytest.mark.parametrize("wide", [0, 40])
def test_200_jobs_on_8_gpus_never_take_more_memory_than_there_is_and_end_within_a_tenth_of_what_is_possible(
    wide, plan, machine, monkeypatch, tmp_path
):
    machine()
    draw = random.Random(1)
    needs = {"small": SMALL, "half": replace(SMALL, tensor_bytes=25 * GIB), "wide": WIDE}
    names = ["wide" if i < wide else "small" if i % 3 else "half" for i in range(200)]
    packing = pack(needs, range(8), 80 * GIB, 64)
    assert packing.jobs_per_gpu == {"small": 4, "half": 2, "wide": 1}
    sizes = [round(6 * draw.paretovariate(1.5)) + 2 for _ in range(200)]
    donors = {i: i - 1 for i in range(1, 200, 4)}
    tasks = []
    for i, (size, name) in enumerate(zip(sizes, names, strict=True)):
        config = replace(plan.jobs[0].config, total_kimg=8 * size / 1000)
        job = replace(plan.jobs[0], configuration=name, config=config, seed=i)
        tasks.append(Task(job, JobDir(tmp_path / f"job{i}")))
        tasks[i].directory.root.mkdir()
    for i, donor in donors.items():
        start = Beginning(
            name="donor", identity=tasks[donor].job.identity, folder=str(tasks[donor].directory.root),
            images=2 * sizes[donor],
        )  # fmt: skip
        tasks[i] = replace(tasks[i], sharing=Sharing(begins_in=start))
    lengths = {task.directory.root.name: max(1, task.images_to_train // 8) for task in tasks}
    launcher = Simulated(
        Execution(packing=packing), lengths=lengths,
        needs={f"job{i}": needs[name].total_bytes for i, name in enumerate(names)},
    )  # fmt: skip
    looks = []
    monkeypatch.setattr("experiments.launch.scheduler.time.sleep", lambda _: looks.append(1))
    ended = execute(longest_first(tasks, {}, packing), launcher, [], lambda: False)
    assert len({end.task.job.identity for end in ended}) == 200
    assert all(task.directory.finished() for task in tasks)
    assert len(launcher.peaks) == 8
    assert max(launcher.peaks.values()) <= 80 * GIB
    assert not any(launcher.used.values())
    ways = [lengths[f"job{i}"] + (lengths[f"job{donors[i]}"] if i in donors else 0) for i in range(200)]
    work = sum(lengths[f"job{i}"] / packing.of(name) for i, name in enumerate(names)) / 8
    assert len(looks) <= 1.1 * max(work, *ways)


def finish(job, output, *, device="NVIDIA H100", micro_batch=8, ranks=1, form=FIRST_ORDER, gib=(0.1, 5.0)):
    """A finished job that has used so much memory."""
    directory = JobDir(job.directory(output))
    directory.root.mkdir(parents=True)
    computed = {"device": device, "micro_batch": micro_batch, "ranks": ranks, "penalty_gradients": form}
    write_json(directory.environment, computed)
    for i, each in enumerate(gib):
        JsonlRecorder(directory).record(80 * (i + 1), 1.0, {"memory_gib": each})
    write_json(directory.result, {})


def test_what_finished_jobs_used_counts_more_than_what_is_estimated(plan, tmp_path):
    execution, (first, second, other) = Execution(output=tmp_path), (plan.jobs[0], plan.jobs[1], plan.jobs[2])
    costs = job_costs(plan.jobs, execution, Hardware(8, 80 * GIB))

    def needs(left=plan.jobs, **changes):
        return needs_of(left, plan.jobs, costs, replace(execution, **changes), 80 * GIB)

    estimated = needs()[first.configuration]
    assert estimated.tensor_bytes == costs[first.identity].memory_bytes
    assert estimated.step_flops == costs[first.identity].flops_per_image * 8
    assert (estimated.jobs, estimated.is_measured, estimated.is_whole) == (2, False, True)
    finish(first, tmp_path)
    found = needs([second, other])
    assert found[second.configuration].tensor_bytes == 5 * GIB
    assert (found[second.configuration].jobs, found[second.configuration].is_measured) == (1, True)
    assert not found[other.configuration].is_measured
    assert not needs(ranks=2)[first.configuration].is_measured
    double = replace(execution, computation=Computation(penalty_form="double"))
    twice = job_costs(plan.jobs, double, Hardware(8, 80 * GIB))
    need = needs_of([second], plan.jobs, twice, double, 80 * GIB)[second.configuration]
    assert (need.tensor_bytes, need.is_measured) == (twice[second.identity].memory_bytes, False)
    assert needs_of([second], plan.jobs, {}, execution, 80 * GIB) is None


@pytest.mark.parametrize("others", [{"device": "cpu"}, {"micro_batch": 4}, {"ranks": 2}, {"form": TWICE}, {"gib": ()}])
def test_what_was_computed_otherwise_or_not_recorded_is_no_measurement(others, plan, tmp_path):
    execution = Execution(output=tmp_path)
    costs = job_costs(plan.jobs, execution, Hardware(8, 80 * GIB))
    finish(plan.jobs[0], tmp_path, **others)
    found = needs_of(plan.jobs[1:], plan.jobs, costs, execution, 80 * GIB)
    assert not found[plan.jobs[1].configuration].is_measured


def test_a_batch_that_is_cut_to_fit_is_told_from_one_that_the_user_cuts_and_a_job_that_ran_out_is_known(plan, tmp_path):
    job, execution = plan.jobs[0], Execution(output=tmp_path)
    costs = {job.identity: replace(job_costs([job], execution, Hardware(1, 80 * GIB))[job.identity], micro_batch=4)}

    def need(**changes):
        return needs_of([job], [job], costs, replace(execution, **changes), 80 * GIB)[job.configuration]

    assert not need().is_whole
    assert need(computation=Computation(micro_batch=4)).is_whole
    directory = JobDir(job.directory(tmp_path))
    directory.root.mkdir(parents=True)
    lines = "=== attempt 2026-01-01 00:00:00+0000 ===\n{}\n"
    directory.log.write_text(lines.format("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"))
    assert need().has_run_out
    directory.log.write_text(directory.log.read_text() + lines.format("stopped, with a checkpoint to go on from"))
    assert not need().has_run_out


def test_a_dataset_counts_if_it_may_live_on_the_gpu():
    assert data_bytes("cifar10", 80 * GIB) == 50_000 * 3 * 32**2
    assert data_bytes("cifar10", 2**29) == 0
    assert data_bytes("stacked-digits", 80 * GIB) == 0  # drawn by combination of a few small images


def test_jobs_are_packed_unless_somebody_says_how_many_share_a_gpu(plan, machine, tmp_path):
    def of(gpus=1, cores=64, **execution):
        machine(gpus, cores)
        found, sentence = packed(Execution(output=tmp_path, **execution), plan.jobs)
        return found, sentence, LocalLauncher(found)

    found, sentence, launcher = of()
    assert sentence == "4 jobs share each GPU: 2.0 GiB each of 80, as estimated"
    assert launcher.slots == 4
    assert launcher.hardware == Hardware(1, 80 * GIB)  # nothing is planned otherwise
    directory = JobDir(tmp_path / "job")
    directory.root.mkdir()
    write_json(directory.description, {"configuration": plan.jobs[0].configuration})
    assert launcher.jobs_beside(directory) == 4
    write_json(directory.description, {"configuration": "another"})
    assert launcher.jobs_beside(directory) == 1
    assert launcher.environment(3, 4)["OMP_NUM_THREADS"] == LocalLauncher(Execution()).environment(0)["OMP_NUM_THREADS"]
    for said in ({"slots": 2}, {"ranks": 2}, {"resources": Resources(jobs_per_gpu=3)}, {"gpus": 0}, {"gpus": 4}):
        found, sentence, launcher = of(**said)
        assert (found.packing, sentence) == (Packing(), "")
    _, _, launcher = of(gpus=2, resources=Resources(jobs_per_gpu=3))
    assert (launcher.slots, launcher.jobs_per_gpu, launcher.hardware) == (6, 3, Hardware(2, 80 * GIB // 3))
    _, _, launcher = of(gpus=2, slots=2, resources=Resources(jobs_per_gpu=3))
    assert (launcher.slots, launcher.jobs_per_gpu) == (2, 1)
    assert of(gpus=1, cores=2)[2].slots == 2


def test_the_command_says_it_and_changes_no_job(write_study, machine, tmp_path, capsys):
    machine(gpus=1)
    study, output = str(write_study()), str(tmp_path / "runs")
    plans = []
    for more in ([], ["--parallel", "1"], ["--no-costs"]):
        assert main([study, "--dry-run", "--json", "--output", output, *more]) == 0
        said = capsys.readouterr()
        plans.append(said.out)
        assert ("4 jobs share each GPU" in said.err) == (not more)
    assert plans[0] == plans[1]


def test_a_job_that_shares_a_gpu_leaves_the_librarys_own_memory_to_it_and_keeps_data_by_its_part(monkeypatch):
    gpu = torch.device("cuda", 0)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (80 * GIB, 80 * GIB))
    assert memory_fraction(80 * GIB) == 1.0
    assert home_of(20 * GIB, gpu) == gpu
    monkeypatch.setenv("R3GAN_JOBS_PER_GPU", "4")
    assert memory_fraction(80 * GIB) == pytest.approx(19.5 / 80)
    assert memory_fraction(2 * GIB) == 0.125  # there is no room for four contexts
    assert home_of(5 * GIB, gpu) == gpu
    assert home_of(5 * GIB + 1, gpu).type == "cpu"


def test_no_time_is_foretold_for_all_jobs_where_they_take_different_parts_of_gpus(tmp_path):
    here = Conditions(processor="one", cores=2, gpus=1, gpu_memory_bytes=GIB, jobs_at_once=4, ranks=1)
    each = Forecast(10, 20)

    def of_all(**jobs_per_gpu):
        execution = Execution(output=tmp_path, packing=Packing(gpus=(0,), jobs_per_gpu=jobs_per_gpu))
        return Speeds("tiny", execution, here).of_all([each] * 8)

    assert of_all(a=4, b=4) == Forecast(20, 40)
    assert of_all(a=4, b=1) is None

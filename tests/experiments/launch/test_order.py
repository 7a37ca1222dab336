"""The order in which jobs start: donors before those that begin in them, and hardly a slot idle at the end."""

import random
from dataclasses import replace

import pytest

from experiments.launch.execution import Execution
from experiments.launch.order import longest_first
from experiments.launch.outcome import JobState
from experiments.launch.scheduler import Task, execute
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.beginning import Beginning, Sharing
from r3gan.files import write_json
from r3gan.jobdir import JobDir

SLOTS = 8


class Machine:
    """Slots whose jobs take as many looks as they are long."""

    poll_seconds = 0
    slots, execution = SLOTS, Execution()

    def __init__(self, lengths):
        self.lengths = lengths

    def start(self, directory, slot):
        return Job(directory, self.lengths[directory.root.name])


class Job:
    def __init__(self, directory, left):
        self.directory, self.left = directory, left

    def poll(self):
        self.left -= 1
        if self.left > 0:
            return None
        write_json(self.directory.result, {})
        return 0

    def processor_seconds(self):
        return None


def simulate(tasks, lengths, monkeypatch):
    """Looks until all have ended."""
    machine = Machine(lengths)
    looks = []
    monkeypatch.setattr("experiments.launch.scheduler.time.sleep", lambda _: looks.append(1))
    ended = execute(tasks, machine, [], lambda: False)
    assert all(end.outcome.state is JobState.FINISHED for end in ended)
    assert len(ended) == len(tasks)
    return len(looks)


@pytest.fixture
def jobs(write_study, tmp_path):
    """Tasks that are told how many images they are, and in which other one they begin at the half."""
    (job,) = make_plan(read_study(write_study()), None, {"variant": ["baseline"], "seed": ["0"]}, {}).jobs

    def make(sizes, donors):
        tasks = []
        for i, size in enumerate(sizes):
            own = replace(job, configuration=f"{i:010d}", config=replace(job.config, total_kimg=size * 8 / 1000))
            tasks.append(Task(own, JobDir(tmp_path / f"job{i}")))
        for i, donor in donors.items():
            other = tasks[donor]
            identity, folder = other.job.identity, str(other.directory.root)
            start = Beginning(name="donor", identity=identity, folder=folder, images=2 * sizes[donor])
            tasks[i] = replace(tasks[i], sharing=Sharing(begins_in=start))
        for task in tasks:
            task.directory.root.mkdir(exist_ok=True)
        return tasks

    return make


def test_200_jobs_on_8_slots_end_within_a_tenth_of_what_is_possible(jobs, monkeypatch):
    draw = random.Random(0)
    sizes = [round(10 * draw.paretovariate(1.5)) + 2 for _ in range(200)]
    donors = {i: i - 1 for i in range(1, 200, 4)}
    tasks = jobs(sizes, donors)
    lengths = {task.directory.root.name: task.images_to_train // 8 for task in tasks}
    ways = [
        lengths[f"job{i}"] + (lengths[f"job{donors[i]}"] if i in donors else 0) for i in range(200)
    ]  # a donor leaves nothing before its end here
    least = max(sum(lengths.values()) / SLOTS, *ways)
    ordered = longest_first(tasks, {})
    assert simulate(ordered, lengths, monkeypatch) <= 1.1 * least


def test_a_job_stands_before_all_that_begin_in_it_and_known_work_counts(jobs):
    tasks = jobs([10, 10, 30, 20, 10], {1: 0, 4: 1})
    order = [int(task.directory.root.name[3:]) for task in longest_first(tasks, {})]
    assert order == [2, 0, 3, 1, 4]
    heavy = {tasks[3].job.configuration: 9.0, tasks[2].job.configuration: 1.0}
    assert longest_first(tasks, heavy)[0].directory == tasks[3].directory

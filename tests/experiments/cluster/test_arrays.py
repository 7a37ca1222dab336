"""Job arrays: few of them, donors first, and nothing waits for what it does not need."""

from pathlib import Path

import pytest

from experiments.cluster.arrays import MOST_GROUPS, plan_arrays
from experiments.launch.execution import Execution
from experiments.launch.job_states import look_into_all
from experiments.launch.scheduler import Task
from experiments.launch.sharing import find_starts, with_sharing
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.jobdir import JobDir


@pytest.fixture
def tasks(write_study, tmp_path):
    """The tasks of the tiny study with so many seeds, told where they begin."""

    def make(seeds):
        study = write_study(("seeds: [0, 1]", f"seeds: {list(range(seeds))}"))
        jobs = make_plan(read_study(study), None, {}, {}).jobs
        execution = Execution(output=tmp_path / "runs")
        starts = find_starts(jobs, look_into_all(jobs, execution.output), execution)
        return with_sharing([Task(job, JobDir(job.directory(execution.output))) for job in jobs], starts)

    return make


def names(array):
    return [f"{task.job.variant}/{task.job.seed}" for task in array.tasks]


def test_jobs_that_begin_in_others_stand_in_arrays_of_their_own_that_wait_for_these_alone(tasks):
    found = plan_arrays(tasks(2), (), 1000)
    identities = {task.job.identity: f"{task.job.variant}/{task.job.seed}" for array in found for task in array.tasks}
    shown = [(names(array), [identities[donor] for donor in array.after]) for array in found]
    assert shown == [
        (["baseline/0", "baseline/1", "attention/0", "attention/1"], []),
        (["switch/0"], ["baseline/0"]),
        (["switch/1"], ["baseline/1"]),
        (["both/0"], ["attention/0"]),
        (["both/1"], ["attention/1"]),
    ]


def test_whatever_the_number_of_jobs_arrays_stay_few_and_within_their_size_and_every_job_stands_in_one(tasks):
    many = tasks(300)
    found = plan_arrays(many, (), 250)
    assert sorted(task.job.identity for array in found for task in array.tasks) == sorted(t.job.identity for t in many)
    assert max(len(array.tasks) for array in found) <= 250
    assert len(found) <= -(-600 // 250) + MOST_GROUPS
    place = {task.job.identity: i for i, array in enumerate(found) for task in array.tasks}
    for i, array in enumerate(found):
        for task in array.tasks:
            start = task.sharing.begins_in
            assert start is None or (start.identity in array.after and place[start.identity] < i)


def test_a_job_waits_for_one_that_was_submitted_before_and_not_for_a_state_that_is_there(tasks):
    both = [task for task in tasks(1) if task.job.variant in ("baseline", "switch")]
    donor, dependent = both
    assert [array.after for array in plan_arrays([dependent], {donor.job.identity}, 1000)] == [(donor.job.identity,)]
    assert [array.after for array in plan_arrays([dependent], (), 1000)] == [()]  # nobody will leave it
    start = dependent.sharing.begins_in
    Path(start.directory(dependent.directory.root).checkpoint(start.images)).mkdir(parents=True)
    assert [array.after for array in plan_arrays(both, (), 1000)] == [()]

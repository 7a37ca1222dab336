"""How long a study will take is said by what its finished jobs took in the same place, and by nothing else."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from experiments.launch.durations import Conditions, Timekeeper, conditions_of, read_duration
from experiments.launch.execution import Execution, Hardware
from experiments.launch.forecast import Forecast, Speeds, forecasts_of, seconds_in_slots
from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.scheduler import Task, prepare_directory
from experiments.launch.sharing import Start
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.files import write_json
from r3gan.jobdir import JobDir

HERE = Conditions(processor="one", cores=2, gpus=0, gpu_memory_bytes=0, jobs_at_once=2, ranks=1)
FINISHED = JobOutcome(JobState.FINISHED)


@pytest.fixture
def study(write_study, tmp_path):
    """Jobs by variant and seed, a function that notes that one took so long, and speeds in a place."""
    jobs = {(job.variant, job.seed): job for job in make_plan(read_study(write_study()), None, {}, {}).jobs}
    execution = Execution(output=tmp_path / "runs")

    def task_of(variant, seed=0):
        job = jobs[variant, seed]
        return Task(job, JobDir(job.directory(execution.output)))

    def note(variant, seed, seconds, conditions=HERE, outcome=FINISHED):
        task, times = task_of(variant, seed), iter((100.0, 100.0 + seconds))
        prepare_directory(task)
        keeper = Timekeeper(conditions, lambda: next(times))
        keeper.started(task)
        keeper.progressed(task)
        keeper.ended(task, outcome)

    return SimpleNamespace(
        jobs=jobs,
        execution=execution,
        task_of=task_of,
        note=note,
        speeds=lambda conditions=HERE: Speeds("tiny", execution, conditions),
    )


def test_a_job_is_expected_to_take_between_the_fastest_and_the_slowest_of_its_configuration(study):
    study.note("baseline", 0, 16.0)
    study.note("baseline", 1, 32.0)
    study.note("attention", 0, 64.0)
    job = study.jobs["baseline", 0]
    assert study.speeds().of_job(job, 160, {}) == Forecast(16.0, 32.0)
    assert study.speeds().of_job(job, 80, {}) == Forecast(8.0, 16.0)
    assert study.speeds().basis == "by 3 finished jobs of this study, on this machine with 2 at once"


def test_a_configuration_that_never_ran_is_told_by_operations_where_they_are_known_and_else_not_at_all(study):
    study.note("baseline", 0, 16.0)
    baseline, other = (study.jobs[variant, 0].configuration for variant in ("baseline", "attention"))
    costs = {baseline: SimpleNamespace(flops_per_image=1e6), other: SimpleNamespace(flops_per_image=2e6)}
    assert study.speeds().of_job(study.jobs["attention", 0], 160, costs) == Forecast(32.0, 32.0)
    assert study.speeds().of_job(study.jobs["attention", 0], 160, {}) is None
    assert study.speeds().of_all([Forecast(1.0, 2.0), None]) is None


@pytest.mark.parametrize("changes", [{"processor": "another"}, {"jobs_at_once": 1}, {"ranks": 2}, {"gpus": 1}])
def test_another_machine_or_another_number_of_jobs_at_once_says_nothing(study, changes):
    study.note("baseline", 0, 16.0, replace(HERE, **changes))
    assert study.speeds().of_job(study.jobs["baseline", 0], 160, {}) is None


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.STOPPED, JobState.DIVERGED])
def test_a_job_that_did_not_finish_is_not_noted(study, state):
    study.note("baseline", 0, 16.0, outcome=JobOutcome(state))
    assert not study.task_of("baseline").directory.duration.exists()


def test_a_job_that_was_stopped_on_its_way_is_not_noted(study):
    study.task_of("baseline").directory.checkpoint(80).mkdir(parents=True)
    study.note("baseline", 0, 16.0)
    assert not study.task_of("baseline").directory.duration.exists()


def test_what_a_job_has_from_another_one_is_not_counted(study):
    directory = study.task_of("switch").directory
    directory.root.mkdir(parents=True)
    write_json(directory.inherited, {"name": "baseline/0", "identity": "a", "images": 80, "seconds": 3.0})
    study.note("switch", 0, 16.0)
    noted = read_duration(directory)
    assert (noted.seconds, noted.images, noted.conditions) == (16.0, 80, HERE)


@pytest.mark.parametrize("content", ["", "[]", '{"seconds": 1}', '{"seconds": "a", "images": 1, "conditions": {}}'])
def test_a_note_that_is_not_what_was_written_says_nothing(study, content):
    study.note("baseline", 0, 16.0)
    study.task_of("baseline").directory.duration.write_text(content)
    assert study.speeds().of_job(study.jobs["baseline", 0], 160, {}) is None


def test_only_what_is_left_to_train_is_expected(study):
    study.note("baseline", 0, 16.0)
    study.task_of("baseline", 1).directory.checkpoint(120).mkdir(parents=True)
    baseline, switch = study.jobs["baseline", 1], study.jobs["switch", 0]
    start = Start(variant="baseline", seed=0, identity="a", folder=study.execution.output, images=80)
    costs = {job.configuration: SimpleNamespace(flops_per_image=1.0) for job in (baseline, switch)}
    found = forecasts_of([baseline, switch], study.speeds(), {switch.identity: start}, study.execution, costs)
    assert found == {baseline.identity: Forecast(4.0, 4.0), switch.identity: Forecast(8.0, 8.0)}


def test_jobs_take_the_slot_that_is_free_first():
    assert seconds_in_slots([50.0, 90.0, 25.0, 45.0], 2) == 120.0
    assert seconds_in_slots([50.0, 90.0], 4) == 90.0
    assert seconds_in_slots([], 2) == 0.0


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (50, 70, "about 50 to 70 s"),
        (299, 421, "about 5 to 7 min"),
        (480, 481, "about 8 min"),
        (7000, 8000, "about 1.9 to 2.2 h"),
    ],
)
def test_times_are_said_in_the_unit_that_suits_them(low, high, text):
    assert Forecast(low, high).text == text


def test_conditions_are_those_of_the_launcher(study):
    launcher = SimpleNamespace(hardware=Hardware(1, 2**33), slots=3, execution=Execution(ranks=2))
    found = conditions_of(launcher)
    assert (found.gpus, found.gpu_memory_bytes, found.jobs_at_once, found.ranks) == (1, 2**33, 3, 2)
    assert found.cores >= 1
    assert json.dumps(found.processor) != '""'

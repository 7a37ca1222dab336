"""No state is trained twice: who begins in whose state, in which order, and with the same bits in the end."""

import json
import os
import shutil
from dataclasses import replace

import pytest

from experiments.launch.execution import Execution
from experiments.launch.job_states import look_into_all
from experiments.launch.launchers import make_launcher
from experiments.launch.outcome import JobState
from experiments.launch.plan_tables import plan_summary
from experiments.launch.scheduler import Task, execute, prepare_directory
from experiments.launch.sharing import find_starts, with_sharing
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.beginning import Beginning, Sharing, read_inherited, read_sharing
from r3gan.jobdir import JobDir
from r3gan.provenance import source_hash
from tests.experiments.launch.test_scheduler import ScriptedLauncher
from tests.r3gan.training.test_train import assert_equal_weights, final_weights, run_inside, without_times

HOW = {"ranks": 1, "tf32": False, "penalty_form": "auto"}  # as a job records it that is computed as by default
LATER = ("from_fraction: 0.5}", "from_fraction: 0.75}")


@pytest.fixture
def plan_of(write_study, tmp_path):
    """A function that makes the plan of a changed study, with seed 0 alone."""

    def make(*replacements, only=None, settings=None):
        study = read_study(write_study(("seeds: [0, 1]", "seeds: [0]"), *replacements))
        return make_plan(study, None, {"variant": only} if only else {}, settings or {}).jobs

    return make


def tasks_of(jobs, execution):
    starts = find_starts(jobs, look_into_all(jobs, execution.output), execution)
    tasks = [Task(job, JobDir(job.directory(execution.output))) for job in jobs]
    return with_sharing(tasks, starts)


def run(jobs, output, **more):
    execution = Execution(launcher="in-process", output=output, **more)
    tasks = tasks_of(jobs, execution)
    ended = execute(tasks, make_launcher(execution), [], lambda: False)
    assert {end.outcome.state for end in ended} == {JobState.FINISHED}, [t.directory.log.read_text() for t in tasks]
    return {task.job.variant: task.directory for task in tasks}


def said(jobs, output):
    starts = find_starts(jobs, look_into_all(jobs, output), Execution(output=output))
    by_identity = {job.identity: job.variant for job in jobs}
    return {by_identity[key]: (start.variant, start.seed, start.images) for key, start in starts.items()}


def test_variants_begin_where_the_earlier_ones_part_from_them_each_with_its_own_seed(write_study, tmp_path):
    jobs = make_plan(read_study(write_study()), None, {}, {}).jobs
    starts = find_starts(jobs, look_into_all(jobs, tmp_path), Execution(output=tmp_path))
    places = {(job.variant, job.seed): starts.get(job.identity) for job in jobs}
    found = {key: (s.variant, s.seed, s.images) for key, s in places.items() if s}
    assert found == {
        ("switch", 0): ("baseline", 0, 80),
        ("switch", 1): ("baseline", 1, 80),
        ("both", 0): ("attention", 0, 80),
        ("both", 1): ("attention", 1, 80),
    }
    summary = plan_summary(jobs, jobs, {}, starts)
    assert summary == "8 jobs, 1.28 kimg in all; to run: 8 jobs, 0.96 kimg (0.32 more are trained by others)"
    assert find_starts(jobs, look_into_all(jobs, tmp_path), Execution(output=tmp_path, sharing=False)) == {}


def test_kimg_are_counted_in_whole_batches_as_they_are_trained(write_study):
    jobs = make_plan(read_study(write_study()), None, {"seed": ["0"]}, {"total_kimg": 0.157}).jobs
    assert plan_summary(jobs, jobs, {}, {}) == "4 jobs, 0.64 kimg in all; to run: 4 jobs, 0.64 kimg"


def test_a_study_that_shares_ends_with_the_bits_of_one_that_does_not(plan_of, tmp_path):
    jobs = plan_of(LATER)
    shared, alone = run(jobs, tmp_path / "shared"), run(jobs, tmp_path / "alone", sharing=False)
    assert {name: read_inherited(job) and read_inherited(job).images for name, job in shared.items()} == {
        "baseline": None, "attention": None, "switch": 120, "both": 120,
    }  # fmt: skip
    for name, job in shared.items():
        assert_equal_weights(final_weights(job), final_weights(alone[name]))
        assert without_times(job) == without_times(alone[name])


def test_a_variant_that_is_added_later_and_a_longer_training_begin_in_what_lies_there(plan_of, tmp_path):
    baseline = plan_of(only=["baseline"])
    run(baseline, tmp_path)
    longer = plan_of(only=["baseline", "switch"], settings={"total_kimg": 0.32})
    assert said(longer, tmp_path) == {"baseline": ("baseline", 0, 160), "switch": ("baseline", 0, 160)}
    assert said(plan_of(only=["baseline", "switch"]), tmp_path) == {}  # no checkpoint is left of its first half
    other_ranks = find_starts(longer, look_into_all(longer, tmp_path), Execution(output=tmp_path, ranks=2))
    assert {start.images for start in other_ranks.values()} == {160}  # of the baseline that is to come
    folder = JobDir(baseline[0].directory(tmp_path))
    environment = json.loads(folder.environment.read_text())
    environment["trained_by"][0]["code"]["sources"] = "other"
    folder.environment.write_text(json.dumps(environment))
    assert said(longer, tmp_path) == {"switch": ("baseline", 0, 160)}  # not in what other code has trained


def test_a_job_of_which_something_is_there_goes_on_from_that(plan_of, tmp_path):
    jobs = plan_of()
    begin(jobs, "switch", tmp_path)
    assert said(jobs, tmp_path) == {"baseline": ("switch", 0, 80), "both": ("attention", 0, 80)}


def test_nothing_begins_in_what_a_job_will_train_on_that_was_begun_otherwise(plan_of, tmp_path):
    jobs = plan_of()
    begin(jobs, "baseline", tmp_path / "code", sources="other")
    assert said(jobs, tmp_path / "code") == {"both": ("attention", 0, 80)}
    for key, other in (("ranks", 2), ("tf32", True), ("penalty_form", "double")):
        begin(jobs, "baseline", tmp_path / key, **{key: other})
        assert said(jobs, tmp_path / key) == {"both": ("attention", 0, 80)}


def begin(jobs, variant, output, sources=None, **how):
    """Make the folder of a job that was stopped on its way."""
    folder = JobDir(next(job for job in jobs if job.variant == variant).directory(output))
    folder.checkpoint(40).mkdir(parents=True)
    stretch = {"code": {"sources": sources or source_hash()}}
    folder.environment.write_text(json.dumps(HOW | how | {"trained_by": [stretch]}))


def test_chains_keep_one_checkpoint_with_the_job_that_trains_it(plan_of, tmp_path):
    jobs = plan_of(
        ("  both:\n    include: [attention, switch]\n",
         "  late:\n    loss:\n      - {kind: relativistic-softplus}\n"
         "      - {kind: relativistic-hinge, margin: 2.0, from_fraction: 0.5}\n"
         "      - {kind: relativistic-softplus, from_fraction: 0.75}\n"
         "  later:\n    loss:\n      - {kind: relativistic-softplus}\n"
         "      - {kind: relativistic-hinge, margin: 2.0, from_fraction: 0.5}\n"
         "      - {kind: relativistic-softplus, from_fraction: 0.875}\n"
         "  early:\n    loss:\n      - {kind: relativistic-softplus}\n"
         "      - {kind: relativistic-hinge, margin: 3.0, from_fraction: 0.5}\n"),
    )  # fmt: skip
    assert said(jobs, tmp_path) == {
        "switch": ("baseline", 0, 80),
        "late": ("switch", 0, 120),
        "later": ("switch", 0, 144),
        "early": ("baseline", 0, 80),
    }
    keeps = {task.job.variant: task.sharing.keep for task in tasks_of(jobs, Execution(output=tmp_path))}
    assert keeps == {"baseline": (80,), "attention": (), "switch": (120, 144), "late": (), "later": (), "early": ()}


@pytest.fixture
def tasks(plan_of, tmp_path):
    return tasks_of(plan_of(), Execution(output=tmp_path))


class ScriptedStates(ScriptedLauncher):
    """Jobs that keep the states that they are told to keep at their second look, and end at the ninth."""

    def start(self, directory, slot):
        process = super().start(directory, slot)
        poll, name = process.poll, self.started[-1][0]
        keep = json.loads(directory.sharing.read_text())["keep"]

        def with_states():
            if process.polls == 8 and name not in self.codes:
                for images in keep:
                    directory.checkpoint(images).mkdir(parents=True)
            return poll()

        process.poll = with_states
        return process


def test_a_job_waits_for_the_state_it_begins_in_and_not_for_that_jobs_end(tasks):
    launcher = ScriptedStates(polls=9, slots=3)
    ended = execute(tasks, launcher, [], lambda: False)
    assert [name for name, _ in launcher.started] == ["baseline/0", "attention/0", "switch/0", "both/0"]
    assert launcher.most == 3
    assert {end.outcome.state for end in ended} == {JobState.FINISHED}


def test_a_failed_job_does_not_block_those_that_would_have_begun_in_it(tasks):
    launcher = ScriptedStates({"baseline/0": 1, "attention/0": 1}, polls=9, slots=1)
    ended = {end.task.job.variant: end.outcome.state for end in execute(tasks, launcher, [], lambda: False)}
    assert ended == {
        "baseline": JobState.FAILED,
        "attention": JobState.FAILED,
        "switch": JobState.FINISHED,
        "both": JobState.FINISHED,
    }


def test_heirs_of_a_job_that_failed_share_among_each_other_and_go_on_from_what_it_left(plan_of, tmp_path):
    """Baseline fails with a checkpoint at 40; switch takes that, and early what switch has until the margins differ."""
    early = (
        "  both:\n    include: [attention, switch]\n",
        "  early:\n    loss:\n      - {kind: relativistic-softplus}\n"
        "      - {kind: relativistic-hinge, margin: 3.0, from_fraction: 0.5}\n",
    )
    execution = Execution(output=tmp_path, slots=1)
    tasks = tasks_of(plan_of(early, only=["baseline", "switch", "early"]), execution)
    assert [task.sharing.begins_in and task.sharing.begins_in.images for task in tasks] == [None, 80, 80]
    baseline, switch, late = tasks
    run_some_steps(baseline, execution)
    launcher = ScriptedStates({"baseline/0": 1}, polls=9, slots=1)
    execute(tasks, launcher, [], lambda: False, share=lambda some: shared(some, execution))
    assert read_sharing(switch.directory) == Sharing(keep=(80,), begins_in=start_in(baseline, switch, 40))
    assert read_sharing(late.directory).begins_in == start_in(switch, late, 80)


def shared(tasks, execution):
    jobs = [task.job for task in tasks]
    return with_sharing(tasks, find_starts(jobs, look_into_all(jobs, execution.output), execution))


def start_in(other, task, images):
    folder = os.path.relpath(other.directory.root, task.directory.root)
    name = f"{other.job.variant}/{other.job.seed}"
    return Beginning(name=name, identity=other.job.identity, folder=folder, images=images)


def run_some_steps(task, execution):
    """Until there is a checkpoint at 40, and nothing else of it."""
    prepare_directory(task)
    calls = iter(range(1000))
    run_inside(task.job.config, task.directory.root, should_stop=lambda: next(calls) >= 4)
    (checkpoint,) = task.directory.checkpoint_folders()
    assert int(checkpoint.name) == 40


def test_moved_with_all_folders_a_job_finds_the_state_it_begins_in(plan_of, tmp_path):
    jobs = plan_of()
    execution = Execution(launcher="in-process", output=tmp_path / "here")
    tasks = {task.job.variant: task for task in tasks_of(jobs, execution)}
    execute([tasks["baseline"]], make_launcher(execution), [], lambda: False)
    shutil.move(tmp_path / "here", tmp_path / "there")
    execution = replace(execution, output=tmp_path / "there")
    run(jobs, execution.output)
    switch = next(job for job in jobs if job.variant == "switch")
    assert read_inherited(JobDir(switch.directory(execution.output))).images == 80

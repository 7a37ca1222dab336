"""How far a job is: its directory has the last word, Slurm the word before."""

import shutil

import pytest

from experiments.cluster.looked import look
from experiments.cluster.queue import Queued
from experiments.cluster.states import Stage, status, unexplained
from experiments.cluster.submissions import Submissions
from experiments.cluster.watch import outcome_of
from experiments.launch.outcome import JobState
from experiments.launch.scheduler import Task
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.files import file_lock, write_json
from r3gan.jobdir import JobDir

RUNNING, PENDING = Queued("RUNNING", "node7"), Queued("PENDING", "Priority")


@pytest.fixture
def task(write_study, tmp_path):
    job = make_plan(read_study(write_study()), None, {}, {}).jobs[0]
    directory = JobDir(job.directory(tmp_path))
    directory.root.mkdir(parents=True)
    return Task(job, directory)


def stage(task, number=None, queued=None, ended=None):
    found = status(task, number, queued or {}, ended or {})
    return found.stage, found.detail


def test_without_anything_a_job_is_new_and_in_the_queue_it_is_as_slurm_says(task):
    assert stage(task) == (Stage.NEW, "")
    assert stage(task, "5_1", {"5_1": PENDING}) == (Stage.PENDING, "Slurm 5_1, pending (Priority)")
    assert stage(task, "5_1", {"5_1": RUNNING}) == (Stage.RUNNING, "Slurm 5_1, running (node7)")
    assert stage(task, "5_1", {"5_10": RUNNING})[0] is Stage.FAILED  # another element


def test_a_job_that_left_the_queue_without_a_result_has_failed_but_not_if_it_was_cancelled(task):
    task.directory.log.write_text("hello\n")
    assert stage(task, "5_1") == (Stage.FAILED, "Slurm 5_1 ended without a result")
    killed = (Stage.FAILED, "Slurm 5_1 ended without a result: OUT_OF_MEMORY")
    assert stage(task, "5_1", ended={"5_1": "OUT_OF_MEMORY"}) == killed
    assert stage(task, "5_1", ended={"5_1": "CANCELLED by 0"}) == (Stage.NEW, "")
    task.directory.checkpoint(800).mkdir(parents=True)
    assert stage(task, "5_1", ended={"5_1": "CANCELLED by 0"}) == (Stage.STOPPED, "")


def test_a_result_counts_more_than_the_queue_and_divergence_more_than_its_absence(task):
    task.directory.diverged.write_text("loss is nan at 3 kimg\n")
    assert stage(task, "5_1") == (Stage.DIVERGED, "loss is nan at 3 kimg")
    assert stage(task, "5_1", {"5_1": RUNNING})[0] is Stage.RUNNING  # it is tried again
    write_json(task.directory.result, {})
    assert stage(task, "5_1", {"5_1": RUNNING}) == (Stage.DONE, "")
    assert unexplained([task], {task.job.identity: "5_1"}, {}) == []


def test_a_job_that_a_command_of_this_machine_trains_is_running(task):
    with file_lock(task.directory.lock):
        assert stage(task) == (Stage.RUNNING, "on this machine")


def test_the_last_submission_counts_and_lines_that_are_not_what_was_written_are_said(tmp_path):
    submissions = Submissions.of(tmp_path, "tiny")
    assert submissions.latest() == {}
    submissions.folder.mkdir(parents=True)
    submissions.add({"a": "1_0", "b": "1_1"})
    submissions.add({"a": "2"})
    assert submissions.problems() == []
    with submissions.file.open("ab") as file:
        file.write(b'{"b": "3\n[1, 2]\n"x"\nnull\n\xff\xfe\n{"b": 7}\n{"folder": "/", "jobs": 1}\n')
    submissions.add({"c": "4"})
    assert submissions.latest() == {"a": "2", "b": "1_1", "c": "4"}
    assert [problem.partition(" ")[0] for problem in submissions.problems()] == [
        f"{submissions.file}:{line}" for line in range(3, 10)
    ]


def test_what_follows_a_line_whose_writer_was_killed_is_a_line_of_its_own(tmp_path):
    submissions = Submissions.of(tmp_path, "tiny")
    submissions.folder.mkdir(parents=True)
    submissions.file.write_bytes(b'{"abc')
    submissions.add({"a": "1"})
    submissions.add({"b": "2"})
    assert submissions.latest() == {"a": "1", "b": "2"}
    assert len(submissions.problems()) == 1


def test_lines_that_a_copied_folder_brought_along_tell_of_the_originals_jobs_and_count_for_none(tmp_path):
    original = Submissions.of(tmp_path / "runs", "tiny")
    original.folder.mkdir(parents=True)
    original.add({"a": "1"})
    original.add_cancelled({"b": "2"})
    shutil.copytree(tmp_path / "runs", tmp_path / "copy")
    copy = Submissions.of(tmp_path / "copy", "tiny")
    assert (copy.latest(), copy.cancelled(), copy.problems()) == ({}, frozenset(), [])
    copy.add({"a": "3"})
    assert copy.latest() == {"a": "3"}
    (tmp_path / "link").symlink_to("runs")
    assert Submissions.of(tmp_path / "link", "tiny").latest() == {"a": "1", "b": "2"}
    original.file.write_text('{"a": "5"}\n')  # as an earlier version wrote it
    assert original.latest() == {"a": "5"}


def test_what_was_cancelled_from_here_is_known_without_slurm_until_it_is_submitted_again(task, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("experiments.cluster.looked.queue", dict)
    monkeypatch.setattr("experiments.cluster.looked.ends", lambda numbers: asked.append(list(numbers)) or {})
    submissions = Submissions.of(tmp_path, task.job.study)
    submissions.folder.mkdir(parents=True)

    def found():
        (one,) = look([task.job], tmp_path)
        return one.stage

    submissions.add({task.job.identity: "5_1"})
    assert found() is Stage.FAILED
    submissions.add_cancelled({task.job.identity: "5_1"})
    assert found() is Stage.NEW
    assert submissions.latest() == {task.job.identity: "5_1"}, "one that writes its checkpoint is in the queue"
    assert outcome_of(task, "5_1", tmp_path).state is JobState.STOPPED
    submissions.add({task.job.identity: "5_1"})  # a new cluster begins to count anew
    assert found() is Stage.FAILED
    assert asked == [["5_1"], [], [], ["5_1"]]


def test_a_job_whose_folder_is_gone_is_new_and_one_without_a_log_names_slurms(task):
    assert str(task.directory.root.parents[2]) in stage(task, "5_1")[1]
    assert stage(task, "5_1")[1].endswith("slurm/jobs/5_1_0_log.out")
    task.directory.root.rmdir()
    assert stage(task, "5_1") == (Stage.NEW, "was Slurm's 5_1, and its folder is gone")

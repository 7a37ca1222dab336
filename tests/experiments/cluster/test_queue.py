"""What Slurm prints, understood: lines as Slurm 22.05 and its manual have them."""

import subprocess

import pytest

from experiments.cluster import queue
from experiments.cluster.queue import Queued, SlurmAway, cancel, ends, largest_array

SQUEUE = """\
123|0|RUNNING|None|node7
123|1|PENDING|Resources|
124|N/A|PENDING|Dependency|
125|2|COMPLETING|None|node[1-2]
"""
SACCT = "123_0|COMPLETED|0:0\n123_1|OUT_OF_MEMORY|0:125\n123_2|CANCELLED by 1000|0:0\n124|FAILED|1:0\n"
SCONTROL = (
    "JobId=126 ArrayJobId=123 ArrayTaskId=1 JobName=x JobState=NODE_FAIL Reason=None ExitCode=0:1 RunTime=00:01:00\n"
    "JobId=123 ArrayJobId=123 ArrayTaskId=0 JobName=x JobState=COMPLETED Reason=None ExitCode=0:0\n"
)


@pytest.fixture
def slurm(monkeypatch):
    """Commands that print what they are told, and those that were asked."""
    asked, answers = [], {}

    def run(command, **_):
        asked.append(list(command))
        code, text = answers.get(command[0], (1, "no such thing"))
        return subprocess.CompletedProcess(command, code, text if not code else "", text if code else "")

    monkeypatch.setattr(queue.shutil, "which", lambda name: f"/usr/bin/{name}" if name in answers else None)
    monkeypatch.setattr(queue.subprocess, "run", run)
    return answers, asked


def test_the_queue_is_read_by_number_and_index(slurm):
    slurm[0]["squeue"] = (0, SQUEUE)
    found = queue.queue()
    assert found == {
        "123_0": Queued("RUNNING", "node7"),
        "123_1": Queued("PENDING", "Resources"),
        "124": Queued("PENDING", "Dependency"),
        "125_2": Queued("COMPLETING", "node[1-2]"),
    }
    assert [one.is_running for one in found.values()] == [True, False, False, True]
    assert str(found["123_1"]) == "pending (Resources)"


def test_how_jobs_ended_is_asked_of_the_accounting_and_without_one_of_the_controller(slurm):
    answers, asked = slurm
    answers["sacct"] = (0, SACCT)
    assert ends(["123_1", "124", "123_9"]) == {"123_1": "OUT_OF_MEMORY, signal 125", "124": "FAILED, exit code 1"}
    answers["sacct"] = (1, "Slurm accounting storage is disabled")
    answers["scontrol"] = (0, SCONTROL)
    assert ends(["123_0", "123_1"]) == {"123_1": "NODE_FAIL, signal 1", "123_0": "COMPLETED"}
    asked.clear()
    assert ends([]) == {}
    assert asked == []


ALL = {f"7_{index}": "CANCELLED" for index in (0, 1, 2, 5, 10, 13)}


@pytest.mark.parametrize("indices", ["0-2,5,10-13:3", "0-2,5,10-13:3%2"])  # as far as 22.05 prints, with a throttle
def test_elements_that_were_cancelled_before_they_began_are_one_record_of_ranges(slurm, indices):
    answers, _ = slurm
    answers["scontrol"] = (0, f"JobId=7 ArrayJobId=7 ArrayTaskId={indices} JobState=CANCELLED ExitCode=0:0\n")
    assert ends(ALL) == ALL
    answers["sacct"] = (0, f"7_[{indices}]|CANCELLED|0:0\n")
    answers["scontrol"] = (1, "forgotten")
    assert ends([*ALL, "7_3"]) == ALL


def test_of_an_array_with_one_job_that_is_asked_for_no_other_is_asked(slurm):
    answers, asked = slurm
    answers["scontrol"] = (0, SCONTROL)
    ends(["123_0", "124_3", "124_4"])
    assert [command[-1] for command in asked] == ["123_0", "124"]


def test_what_slurm_does_not_answer_is_said_in_its_words_or_that_it_is_not_here(slurm):
    with pytest.raises(SlurmAway, match="squeue is not here"):
        queue.queue()
    slurm[0]["squeue"] = (1, "slurm_load_jobs error: Unable to contact slurm controller (connect failure)")
    with pytest.raises(SlurmAway, match=r"does not answer here \(slurm_load_jobs error: Unable to contact"):
        queue.queue()


def test_arrays_are_as_long_as_the_controller_allows(slurm):
    slurm[0]["scontrol"] = (0, "MaxArraySize            = 4001\nMaxJobCount = 10000\n")
    assert largest_array() == 4000


def test_many_jobs_are_cancelled_in_a_few_commands(slurm):
    answers, asked = slurm
    answers["scancel"] = (0, "")
    assert [len(gone) for gone in cancel([f"7_{i}" for i in range(1200)])] == [500, 500, 200]
    assert [len(command) - 1 for command in asked] == [500, 500, 200]

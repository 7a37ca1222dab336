"""Why jobs wait: Slurm's reasons in plain words, each of them once."""

from types import SimpleNamespace

import pytest

from experiments import status as status_command
from experiments.cluster import watch
from experiments.cluster.launcher import SlurmLauncher
from experiments.cluster.queue import Queued
from experiments.cluster.reasons import Teller, in_words, queue_sentences
from experiments.cluster.states import Stage, status
from experiments.launch.execution import Execution
from experiments.launch.outcome import JobState
from experiments.launch.scheduler import Task
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.files import write_json
from r3gan.jobdir import JobDir


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Priority", "other jobs come first (Priority)"),
        ("PartitionConfig", "no node of the partition has what they ask for (cpus, memory_gb, gpus, nodes); as it st"),
        ("DependencyNeverSatisfied", "they wait for jobs that did not end as they should; as it stands this never"),
        ("Dependency", "they begin where others end, which have not ended yet (Dependency)"),
        ("QOSMaxJobsPerUserLimit", "a limit of the `qos` is reached: "),
        ("AssocGrpGRES", "a limit of the account is reached: "),
        ("ReqNodeNotAvail, UnavailableNodes:n7", "nodes that they need are down, drained or reserved (ReqNode"),
        ("(Nodes_required_for_job_are_DOWN,_DRAINED_or_reserved)", "nodes that they need are down, drained or reserve"),
        ("SomethingNew", "SomethingNew"),
    ],
)
def test_a_reason_is_said_in_words_beside_slurms_own(reason, words):
    assert in_words(reason).startswith(words)
    assert reason.split(",")[0].strip("()").replace("_", " ") in in_words(reason)


def test_jobs_are_counted_by_reason_and_each_is_told_once():
    assert queue_sentences(["Priority", "Resources", "", "Priority"]) == [
        "2 in the queue: other jobs come first (Priority)",
        "1 in the queue: what they ask for is not free at present (Resources)",
        "1 in the queue: Slurm has not said why yet",
    ]
    said = []
    teller = Teller(said.append)
    for reasons in ([], [""], ["Priority", "Priority"], ["Priority"], ["Priority", "Licenses"], ["Licenses"]):
        teller.look(reasons)
    assert said == [
        "2 in the queue: other jobs come first (Priority)",
        "1 in the queue: they wait for a licence (Licenses)",
    ]


@pytest.fixture
def tasks(write_study, tmp_path):
    plan = make_plan(read_study(write_study()), None, {"variant": ["baseline"]}, {})
    tasks = [Task(job, JobDir(job.directory(tmp_path))) for job in plan.jobs]
    for task in tasks:
        task.directory.root.mkdir(parents=True)
    return tasks


def test_status_counts_those_that_wait_by_reason(tasks, capsys):
    queued = {"5_0": Queued("PENDING", "PartitionConfig"), "5_1": Queued("RUNNING", "node7")}
    found = [status(task, f"5_{i}", queued, {}) for i, task in enumerate(tasks)]
    assert [one.stage for one in found] == [Stage.PENDING, Stage.RUNNING]
    status_command.show(found)
    said = capsys.readouterr().out
    assert "1 in the queue: no node of the partition has what they ask for" in said
    assert said.count("in the queue") == 1


def test_the_watching_command_says_why_jobs_wait_once_for_each_reason(tasks, capsys, monkeypatch):
    numbers = {task.job.identity: f"5_{i}" for i, task in enumerate(tasks)}
    pending = {number: Queued("PENDING", "PartitionConfig") for number in numbers.values()}
    looks = [pending, pending, {"5_0": Queued("RUNNING", "node7"), "5_1": Queued("PENDING", "Priority")}, {}]

    def now():
        queue.looks += 1
        if queue.looks == 4:
            for task in tasks:
                write_json(task.directory.result, {})
        return looks[queue.looks - 1]

    queue = SimpleNamespace(now=now, looks=0)
    monkeypatch.setattr(watch, "submit_missing", lambda *_: numbers)
    monkeypatch.setattr(watch, "how_ended", lambda *_: {})
    monkeypatch.setattr("experiments.cluster.watch.time.sleep", lambda _: None)
    ended = watch.submit_and_watch(tasks, SlurmLauncher(Execution(launcher="slurm"), queue=queue), [], lambda: False)
    assert [end.outcome.state for end in ended] == [JobState.FINISHED] * 2
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in said] == ["2 in the queue", "1 in the queue"]
    assert "never starts" in said[0]
    assert said[1].endswith("(Priority)")

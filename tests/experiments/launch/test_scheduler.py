"""The executor with an in-process launcher: what it starts, when, and what it tells whom."""

import json

import pytest

from experiments.launch.execution import Execution
from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.progress import Display
from experiments.launch.scheduler import Task, execute
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.files import write_json
from r3gan.job_log import ATTEMPT_MARK, log_tail
from r3gan.jobdir import JobDir
from r3gan.points import as_line


class ScriptedProcess:
    """Runs for some polls, then ends as its job's script says."""

    def __init__(self, directory, code, polls):
        self.directory, self.code, self.polls, self.stopped = directory, code, polls, False

    def poll(self):
        self.polls -= 1
        if self.polls > 0 and not self.stopped:
            return None
        if not self.code and not self.stopped:
            write_json(self.directory.result, {})
        return self.code

    def stop(self):
        self.stopped = True

    def processor_seconds(self):
        return None


class ScriptedLauncher:
    poll_seconds = 0.001

    def __init__(self, codes=None, polls=2, slots=2):
        self.codes, self.polls, self.started, self.most = codes or {}, polls, [], 0
        self.processes, self.slots, self.execution = [], slots, Execution()

    def start(self, directory, slot):
        config = json.loads(directory.config.read_text())
        job = json.loads((directory.root / "job.json").read_text())
        assert config["seed"] == job["seed"]
        directory.log.write_text(f"{ATTEMPT_MARK}now ===\nhello\nerror: out of luck\n")
        self.started.append((f"{job['variant']}/{job['seed']}", slot))
        process = ScriptedProcess(directory, self.codes.get(self.started[-1][0], 0), self.polls)
        self.processes.append(process)
        self.most = max(self.most, sum(p.polls > 0 and not p.stopped for p in self.processes))
        return process


class Witness:
    def __init__(self):
        self.events = []

    def started(self, task):
        self.events.append(("started", task.job.variant, task.job.seed))

    def progressed(self, task):
        pass

    def ended(self, task, outcome):
        self.events.append((outcome, task.job.variant, task.job.seed))


def names(ended, state):
    return sorted(end.task.name for end in ended if end.outcome.state is state)


@pytest.fixture
def tasks(write_study, tmp_path):
    jobs = make_plan(read_study(write_study()), None, {}, {}).jobs
    return [Task(job, JobDir(job.directory(tmp_path / "runs"))) for job in jobs]


def test_all_jobs_run_at_most_so_many_at_once(tasks):
    launcher = ScriptedLauncher(slots=3)
    ended = execute(tasks, launcher, [], lambda: False)
    assert sorted(end.task.name for end in ended) == sorted(task.name for task in tasks)
    assert {end.outcome.state for end in ended} == {JobState.FINISHED}
    assert launcher.most == 3
    assert {slot for _, slot in launcher.started} == {0, 1, 2}


def test_slots_beyond_the_jobs_cost_nothing(tasks):
    ended = execute(tasks, ScriptedLauncher(slots=10**15), [], lambda: False)
    assert names(ended, JobState.FINISHED) == sorted(task.name for task in tasks)


def test_a_failed_job_does_not_stop_the_rest(tasks):
    launcher, witness = ScriptedLauncher({"attention/0": 1}), Witness()
    ended = execute(tasks, launcher, [witness], lambda: False)
    assert names(ended, JobState.FAILED) == ["stacked-digits/attention/0"]
    assert len(names(ended, JobState.FINISHED)) == len(tasks) - 1
    assert (JobOutcome(JobState.FAILED), "attention", 0) in witness.events
    assert len([event for event in witness.events if event[0] == "started"]) == len(tasks)


def test_a_job_that_cannot_be_started_fails_alone(tasks, monkeypatch):
    launcher = ScriptedLauncher()
    start = launcher.start

    def full_disk(directory, slot):
        if "attention" in str(directory.root):
            raise OSError(28, "No space left on device")
        return start(directory, slot)

    launcher.start = full_disk
    ended = execute(tasks, launcher, [], lambda: False)
    assert names(ended, JobState.FAILED) == ["stacked-digits/attention/0", "stacked-digits/attention/1"]
    assert {end.outcome.reason for end in ended} == {"", "[Errno 28] No space left on device"}
    assert len(names(ended, JobState.FINISHED)) == len(tasks) - 2


def test_a_loss_that_is_not_finite_is_an_outcome_of_its_own_with_the_reason(tasks, tmp_path):
    launcher = ScriptedLauncher({"attention/0": 1, "both/1": 1})
    for task in tasks:
        if task.job.variant == "attention":
            task.directory.root.mkdir(parents=True)
            task.directory.diverged.write_text("loss_d is nan in the step after 1 kimg\n")
    ended = {end.task.job.name.partition("/")[2]: end.outcome for end in execute(tasks, launcher, [], lambda: False)}
    assert ended["attention/0"] == JobOutcome(JobState.DIVERGED, "loss_d is nan in the step after 1 kimg")
    assert ended["attention/1"].state is JobState.FINISHED  # it got over what an earlier attempt left behind
    assert ended["both/1"].state is JobState.FAILED
    assert ended["attention/0"].state.is_failure


def test_when_asked_to_stop_nothing_new_starts_and_the_running_end(tasks):
    launcher = ScriptedLauncher(polls=1000)
    ended = execute(tasks, launcher, [], lambda: True)
    assert len(launcher.started) == 2
    assert all(process.stopped for process in launcher.processes)
    assert len(names(ended, JobState.STOPPED)) == len(tasks)


def test_a_failure_is_shown_at_once_with_the_end_of_its_log(tasks, capsys):
    from rich.console import Console

    with Display(Console(width=100)) as display:
        execute(tasks[:3], ScriptedLauncher({"baseline/1": 1}, slots=1), [display], lambda: False)
    output = capsys.readouterr().out
    failed, after = output.index("failed"), output.index("started   stacked-digits/attention/0")
    assert failed < output.index("error: out of luck") < after
    assert "log.txt" in output


def test_progress_shows_kimg_rate_and_metric(tasks, capsys):
    from rich.console import Console

    task = tasks[0]
    write_json(task.directory.root / "x", {})
    now = 4_000_000_000.0  # after the start of the attempt
    for images, seconds in ((40, 0.0), (80, 2.0)):
        line = {"images": images, "seconds": seconds, "time": now + seconds, "metrics": {"d_kl": 0.25, "modes": 900.0}}
        with task.directory.metrics.open("a") as file:
            file.write(as_line(line))
    execute([task], ScriptedLauncher(), [Display(Console(width=120))], lambda: False, slots=[1])
    output = capsys.readouterr().out
    assert "0.1/0.16 kimg 20 img/s 0:04 left D_KL 0.250, 900 modes" in output


def test_the_log_tail_is_of_the_last_attempt_and_without_torchruns_report(tmp_path):
    job = JobDir(tmp_path)
    job.log.write_text(
        f"{ATTEMPT_MARK}one ===\nerror: old\n{ATTEMPT_MARK}two ===\nstep\nerror: new\n"
        "E1122 torch/distributed/elastic/multiprocessing/api.py:984] failed\nTraceback of torchrun\n"
    )
    assert log_tail(job) == "step\nerror: new"

"""The executor with an in-process launcher: what it starts, when, and what it tells whom."""

import json

import pytest

from experiments.launch.display import Display
from experiments.launch.scheduler import ATTEMPT_MARK, Task, execute, log_tail
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.files import write_json
from r3gan.jobdir import JobDir


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


class ScriptedLauncher:
    def __init__(self, codes=None, polls=2):
        self.codes, self.polls, self.started, self.most = codes or {}, polls, [], 0
        self.processes = []

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


@pytest.fixture
def tasks(write_study, tmp_path, monkeypatch):
    monkeypatch.setattr("experiments.launch.scheduler.POLL_SECONDS", 0.001)
    jobs = make_plan(read_study(write_study()), None, {}, {})
    return [Task(job, JobDir(job.directory(tmp_path / "runs"))) for job in jobs]


def test_all_jobs_run_at_most_so_many_at_once(tasks):
    launcher = ScriptedLauncher()
    outcome = execute(tasks, launcher, range(3), [], lambda: False)
    assert outcome.finished == tasks or set(map(id, outcome.finished)) == set(map(id, tasks))
    assert launcher.most == 3
    assert {slot for _, slot in launcher.started} == {0, 1, 2}


def test_a_failed_job_does_not_stop_the_rest(tasks):
    launcher, witness = ScriptedLauncher({"attention/0": 1}), Witness()
    outcome = execute(tasks, launcher, range(2), [witness], lambda: False)
    assert [task.job.name for task in outcome.failed] == ["stacked-digits/attention/0"]
    assert len(outcome.finished) == len(tasks) - 1
    assert ("failed", "attention", 0) in witness.events
    assert len([event for event in witness.events if event[0] == "started"]) == len(tasks)


def test_a_job_that_cannot_be_started_fails_alone(tasks, monkeypatch):
    launcher = ScriptedLauncher()
    start = launcher.start

    def full_disk(directory, slot):
        if "attention" in str(directory.root):
            raise OSError(28, "No space left on device")
        return start(directory, slot)

    launcher.start = full_disk
    outcome = execute(tasks, launcher, range(2), [], lambda: False)
    assert {task.job.variant for task in outcome.failed} == {"attention"}
    assert len(outcome.finished) == len(tasks) - 2


def test_when_asked_to_stop_nothing_new_starts_and_the_running_end(tasks):
    launcher = ScriptedLauncher(polls=1000)
    outcome = execute(tasks, launcher, range(2), [], lambda: True)
    assert len(launcher.started) == 2
    assert all(process.stopped for process in launcher.processes)
    assert len(outcome.stopped) == len(tasks)


def test_a_failure_is_shown_at_once_with_the_end_of_its_log(tasks, capsys):
    from rich.console import Console

    with Display(Console(width=100)) as display:
        execute(tasks[:3], ScriptedLauncher({"baseline/1": 1}), range(1), [display], lambda: False)
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
        line = {"images": images, "time": now + seconds, "metrics": {"d_kl": 0.25, "modes": 900.0}}
        with task.directory.metrics.open("a") as file:
            file.write(json.dumps(line) + "\n")
    execute([task], ScriptedLauncher(), range(1), [Display(Console(width=120))], lambda: False)
    output = capsys.readouterr().out
    assert "0.1/0.16 kimg 20 img/s D_KL 0.250, 900 modes" in output


def test_the_log_tail_is_of_the_last_attempt_and_without_torchruns_report(tmp_path):
    job = JobDir(tmp_path)
    job.log.write_text(
        f"{ATTEMPT_MARK}one ===\nerror: old\n{ATTEMPT_MARK}two ===\nstep\nerror: new\n"
        "E1122 torch/distributed/elastic/multiprocessing/api.py:984] failed\nTraceback of torchrun\n"
    )
    assert log_tail(job) == "step\nerror: new"

"""A job that hangs is stopped after the stated time and fails with the reason; one that computes or writes is not."""

import io
import subprocess
import sys

import pytest
from rich.console import Console

from experiments.launch.execution import Execution
from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.process_tree import family, kill_family, processor_seconds, read_table
from experiments.launch.progress import Display
from experiments.launch.scheduler import Task, execute
from experiments.launch.signs_of_life import silence_text
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from experiments.tune import parse_arguments as parse_tune
from r3gan.job_log import ATTEMPT_MARK
from r3gan.jobdir import JobDir

STEP = 30.0  # seconds of the clock between two polls


class Place:
    """A launcher, its only process and a clock in one: what each poll does is a script's next entry.

    "write" adds to the log, "compute" uses processor time, "wait" uses as much as a torchrun that only waits. The
    last entry is repeated. Once stopped, the job ends unless it is stubborn.
    """

    poll_seconds, slots = 0.0, 1

    def __init__(self, script, patience_minutes, stubborn=False, knows_processor=True):
        self.execution = Execution(patience_minutes=patience_minutes)
        self.script, self.stubborn, self.knows_processor = script, stubborn, knows_processor
        self.now, self.used, self.polls, self.stopped_at, self.killed_at = 0.0, 0.0, 0, None, None

    def start(self, directory, slot):
        self.directory = directory
        directory.log.write_text(f"{ATTEMPT_MARK}now ===\nhello\nwaiting for the others\n")
        return self

    def poll(self):
        if self.killed_at is not None or (self.stopped_at is not None and not self.stubborn):
            return -9
        if self.polls == 200:
            return 0
        act = self.script[min(self.polls, len(self.script) - 1)]
        if act == "write":
            with self.directory.log.open("a") as log:
                log.write("more\n")
        self.used += {"write": 0.0, "compute": 0.2 * STEP, "wait": 0.01 * STEP}[act]
        self.polls += 1
        self.now += STEP
        return None

    def stop(self):
        self.stopped_at = self.now

    def kill(self):
        self.killed_at = self.now

    def processor_seconds(self):
        return self.used if self.knows_processor else None


@pytest.fixture
def run(write_study, tmp_path):
    """A function that runs a job in a Place, and returns what became of it and what the terminal showed."""
    (job,) = make_plan(read_study(write_study()), None, {"variant": ["both"], "seed": ["0"]}, {}).jobs

    def start(place):
        console = Console(width=100, record=True, file=io.StringIO())
        task = Task(job, JobDir(tmp_path / "job"))
        with Display(console) as display:
            (ended,) = execute([task], place, [display], lambda: False, clock=lambda: place.now)
        return ended.outcome, console.export_text()

    return start


def test_a_silent_job_is_stopped_after_the_stated_time_and_fails_with_the_reason_and_the_end_of_its_log(run):
    place = Place(["write", "compute", "wait"], patience_minutes=5)
    outcome, text = run(place)
    assert outcome == JobOutcome(JobState.FAILED, silence_text(5))
    assert "--patience" in outcome.reason
    assert 300 < place.stopped_at - 2 * STEP <= 300 + 2 * STEP
    assert place.killed_at is None
    assert outcome.reason in text
    assert "waiting for the others" in text


@pytest.mark.parametrize("script", [["compute"], ["write"], ["wait"] * 9 + ["compute"] + ["wait"] * 9 + ["write"]])
def test_a_job_that_writes_or_computes_now_and_then_goes_on(run, script):
    place = Place(script, patience_minutes=5)
    outcome, _ = run(place)
    assert place.stopped_at is None
    assert outcome.state is JobState.STOPPED  # ended by itself, with 0


@pytest.mark.parametrize("place", [{"patience_minutes": 0}, {"patience_minutes": 1, "knows_processor": False}])
def test_nothing_is_stopped_with_a_patience_of_zero_or_where_standing_still_means_nothing(run, place):
    place = Place(["wait"], **place)
    run(place)
    assert (place.polls, place.stopped_at) == (200, None)


def test_a_job_that_does_not_stop_is_ended(run):
    place = Place(["wait"], patience_minutes=1, stubborn=True)
    outcome, _ = run(place)
    assert outcome.state is JobState.FAILED
    assert 60 < place.killed_at - place.stopped_at <= 60 + 2 * STEP


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "soon"])
def test_a_patience_that_is_none_is_refused(text, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse_tune(["study.yaml", "--patience", text])
    assert "from 0 up" in capsys.readouterr().err


@pytest.mark.skipif(processor_seconds(1) is None, reason="needs /proc")
def test_a_process_and_its_descendants_count_and_end_together():
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]], start_new_session=True)"
    work = "import time; sum(range(10**7)); print('done', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", child, work], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "done\n"
    members = family(process.pid, read_table())
    assert len(members) == 2
    assert processor_seconds(process.pid) > processor_seconds(members[1]) > 0
    kill_family(process.pid)
    assert process.wait() == -9
    assert process.stdout.read() == ""  # ends when nobody holds it any more
    assert processor_seconds(process.pid) == 0.0

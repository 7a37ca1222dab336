"""What is shown of a running job is what its study measures."""

import io
from dataclasses import replace

import pytest
from rich.console import Console
from rich.text import Text

from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.progress import Display, shorten_middle
from experiments.launch.scheduler import Task
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.jobdir import JobDir
from r3gan.points import as_line


@pytest.fixture
def task(write_study, tmp_path):
    """A function that makes a job with these keys of `evaluation`."""
    (job,) = make_plan(read_study(write_study()), None, {"variant": ["both"], "seed": ["0"]}, {}).jobs

    def make(**evaluation):
        config = replace(job.config, evaluation=replace(job.config.evaluation, **evaluation))
        directory = JobDir(tmp_path / "job")
        directory.root.mkdir()
        return Task(replace(job, config=config), directory)

    return make


def shown(task, *points, width=100):
    """The lines of a display without a terminal, to which these points are added one after the other."""
    console = Console(width=width, record=True, file=io.StringIO())
    with Display(console) as display:
        display.started(task)
        for i, metrics in enumerate(points):
            line = {"images": 40 * (i + 1), "seconds": i, "time": 4e9 + i, "metrics": metrics}
            with task.directory.metrics.open("a") as file:
                file.write(as_line(line))
            display.progressed(task)
        display.ended(task, JobOutcome(JobState.FINISHED))
    return console.export_text().splitlines()


CASES = {
    "digits": (
        {"metrics": ("digits",)},
        [{"d_kl": 0.25, "modes": 900.0}, {"loss_d": 1.0}, {"d_kl": 0.125, "modes": 950.0}],
        ["D_KL 0.250, 900 modes", "D_KL 0.125, 950 modes"],
    ),
    "fid": (
        {"metrics": ("fid",), "samples": 50_000},
        [{"fid50k": 123.456}, {"loss_d": 1.0}, {"fid50k": 7.5}],
        ["FID 123.46", "FID 7.50"],
    ),
    "several": (
        {"metrics": ("precision-recall", "fd-dinov2"), "samples": 1234, "weights": "raw"},
        [{"precision1234_raw": 0.5, "recall1234_raw": 0.25, "fd_dinov2_1234_raw": 99.94}],
        ["Precision 0.500, Recall 0.250, FD-DINOv2 99.9"],
    ),
    "another number of samples is another number": ({"metrics": ("fid",), "samples": 1000}, [{"fid50k": 9.0}], []),
}


@pytest.mark.parametrize("case", CASES)
def test_in_a_pipe_there_is_a_line_for_every_evaluation_whatever_the_metric(task, case):
    evaluation, points, texts = CASES[case]
    lines = shown(task(**evaluation), *points)
    assert lines[0] == "started   stacked-digits/both/0"
    found = [line for line in lines if line.startswith("          stacked-digits/both/0: ")]
    assert len(found) == len(texts)
    assert all(line.endswith(text) for line, text in zip(found, texts, strict=True))
    assert lines[-1].startswith("finished  stacked-digits/both/0")
    assert lines[-1].strip().endswith(texts[-1] if texts else "kimg")


class Screen:
    """Two jobs of a study of four, of which one ran before, seen at some width, and a clock."""

    def __init__(self, tasks, width, terminal):
        self.tasks, self.now = tasks, 0.0
        self.console = Console(width=width, record=True, file=io.StringIO(), force_terminal=terminal)
        self.display = Display(self.console, tasks, 1, clock=lambda: self.now)
        for task in tasks[:2]:
            self.display.started(task)

    def add(self, task, *images, **metrics):
        for i, count in enumerate(images):
            line = {"images": count, "seconds": i, "time": 4e9 + i, "metrics": metrics}
            with task.directory.metrics.open("a") as file:
                file.write(as_line(line))

    def look(self, seconds):
        self.now += seconds
        for task in self.tasks[:2]:
            self.display.progressed(task)

    def printed(self):
        return self.console.export_text().splitlines()

    def live(self):
        with self.console.capture() as captured:
            for part in self.display.bars.get_renderables():
                self.console.print(part)
        return Text.from_ansi(captured.get()).plain.splitlines()


@pytest.fixture
def screen(write_study, tmp_path):
    """A function that makes a Screen of a study with a variant of a long name."""
    path = write_study(("  both:", f"  {'long-name-' * 9}:"))

    def make(width=80, terminal=False):
        only = {"variant": ["baseline", "long-name-" * 9], "seed": ["0", "1"]}
        jobs = make_plan(read_study(path), None, only, {"total_kimg": 24}).jobs
        tasks = [Task(job, JobDir(tmp_path / f"job{i}")) for i, job in enumerate(jobs[1:])]
        for task in tasks:
            task.directory.root.mkdir()
        return Screen(tasks[::-1], width, terminal)

    return make


def test_without_a_terminal_every_job_and_the_study_say_something_each_minute(screen):
    shown = screen(width=200)
    first, second = (task.name for task in shown.tasks[:2])
    assert len(shown.printed()) == 2  # started
    shown.add(shown.tasks[0], 600, 1200, d_kl=1.0, modes=3.0)
    shown.look(30)
    assert shown.printed() == [f"          {first}: 1.2/24 kimg 600 img/s 0:38 left D_KL 1.000, 3 modes"]
    shown.look(29)
    assert shown.printed() == []
    shown.add(shown.tasks[1], 3000, 6000, loss_d=1.0)
    shown.look(0)
    assert shown.printed() == []
    shown.look(1)
    assert shown.printed() == [
        "          study: 1 of 4 jobs done, 2 running, 1 to come, about 0:38 left",
        f"          {second}: 6.0/24 kimg 3000 img/s 0:06 left",
    ]
    shown.look(30)
    assert [line.split(":")[0].strip() for line in shown.printed()] == [first]
    shown.look(60)
    assert [line.split(":")[0].strip() for line in shown.printed()] == [first, "study", second]


def test_the_study_has_one_line_with_what_is_done_and_how_long_the_rest_takes(screen):
    shown = screen(terminal=True)
    shown.look(0)
    assert shown.live()[-1] == "study: 1 of 4 jobs done, 2 running, 1 to come"
    shown.add(shown.tasks[0], 11_000, 12_000)  # 12 s, and
    shown.add(shown.tasks[1], 11_970, 12_000)  # 400 s
    shown.look(0)
    assert shown.live()[-1] == "study: 1 of 4 jobs done, 2 running, 1 to come, about 6:40 left"
    shown.display.ended(shown.tasks[0], JobOutcome(JobState.FINISHED))
    shown.display.ended(shown.tasks[1], JobOutcome(JobState.FAILED))
    shown.display.started(shown.tasks[2])
    shown.display.progressed(shown.tasks[2])
    assert shown.live()[-1] == "study: 2 of 4 jobs done, 1 running, 0 to come, 1 failed"


@pytest.mark.parametrize("width", [80, 100, 130])
def test_on_a_terminal_each_job_has_one_line_that_ends_within_it_and_shows_its_seed_and_metric(screen, width):
    shown = screen(width, terminal=True)
    for task in shown.tasks[:2]:
        shown.add(task, 12_000, 12_123, d_kl=0.345, modes=989.0)
    shown.look(0)
    lines = shown.live()
    assert len(lines) == 3
    assert max(map(len, lines)) <= width
    assert lines[0].split()[0].endswith("long-name-/1")
    assert lines[1].split()[0].endswith("long-name-/0")
    assert all("12.1/24 kimg" in line and "123 img/s" in line and "1:36 left" in line for line in lines[:2])
    assert all("D_KL 0.345, 989 modes" in line for line in lines[:2])


@pytest.mark.parametrize(
    ("width", "short"), [(28, "stacked-digits/switch-loss/0"), (22, "stacked…/switch-loss/0"), (5, "s…s/0")]
)
def test_the_end_of_a_name_is_kept(width, short):
    assert shorten_middle("stacked-digits/switch-loss/0", width) == short


def test_what_a_job_warned_of_in_its_last_attempt_is_said_when_it_ends(task):
    job = task()
    attempts = ["=== attempt 1 ===\nwarning: old\n", "=== attempt 2 ===\n/a.py:1: UserWarning: no\n"]
    job.directory.log.write_text("".join(attempts) + "warning: 0000000120 is damaged\nwarning: 0000000120 is damaged\n")
    lines = shown(job)
    assert [line for line in lines if "warning" in line.lower()] == ["warning: 0000000120 is damaged"]

"""What is shown of a running job is what its study measures."""

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.progress import Display
from experiments.launch.scheduler import Task
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.jobdir import JobDir


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
            line = {"images": 40 * (i + 1), "time": 4e9 + i, "metrics": metrics}
            with task.directory.metrics.open("a") as file:
                file.write(json.dumps(line) + "\n")
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

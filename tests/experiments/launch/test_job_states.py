"""What lies in job folders: damaged records are found, and the code that trained a job is compared with today's."""

import json
import shutil
from dataclasses import asdict

import pytest

from experiments.launch.job_states import FolderState, look_into, look_into_all, reopened, warnings_of, with_reruns
from experiments.launch.scheduler import Task, prepare_directory
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.files import write_json
from r3gan.jobdir import JobDir
from r3gan.points import as_line
from r3gan.provenance import code_here, source_hash
from r3gan.training.recorder import JsonlRecorder


@pytest.fixture
def task(write_study, tmp_path):
    """A finished job, without weights."""
    job = make_plan(read_study(write_study()), None, {"variant": ["both"]}, {}).jobs[0]
    task = Task(job, JobDir(job.directory(tmp_path)))
    prepare_directory(task)
    directory = task.directory
    for images in (80, 160):
        JsonlRecorder(directory).record(images, images / 100, {"d_kl": 1 / images})
    write_environment(directory, [code_here().sources])
    write_json(directory.result, directory.points()[-1])
    directory.checkpoint(160).mkdir(parents=True)
    shutil.copy(directory.metrics, directory.checkpoint(160))
    assert look_into(directory).state is FolderState.DONE
    return task


def write_environment(directory, sources):
    stretches = [
        {"from_images": 80 * i, "code": asdict(code_here()) | {"sources": one}} for i, one in enumerate(sources)
    ]
    write_json(directory.environment, {"dataset": {"content_hash": "abc"}, "trained_by": stretches})


def flip_digit(path):
    text = path.read_text()
    path.write_text(text.replace("0.00625", "0.00725"))
    assert path.read_text() != text


def drop_line(path):
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))


DAMAGES = {
    "a digit of a point": lambda job: flip_digit(job.metrics),
    "a lost line": lambda job: drop_line(job.metrics),
    "a strange line": lambda job: job.metrics.open("a").write(as_line(job.points()[0])),
    "a torn line": lambda job: job.metrics.open("a").write('{"ima'),
    "no points": lambda job: job.metrics.unlink(),
    "another result": lambda job: write_json(job.result, job.points()[0]),
    "an empty result": lambda job: job.result.write_text(""),
    "a foreign result": lambda job: job.result.write_text("[1]"),
    "an empty environment": lambda job: job.environment.write_text(""),
    "a foreign environment": lambda job: job.environment.write_text("{}"),
    "an empty configuration": lambda job: job.config.write_text(""),
    "a foreign description": lambda job: (job.root / "job.json").write_text("[]"),
    "no environment": lambda job: job.environment.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_records_of_a_finished_job_are_seen_said_and_let_it_go_on(task, damage):
    DAMAGES[damage](task.directory)
    findings = look_into_all([task.job], task.directory.root.parents[3])
    (finding,) = findings.values()
    assert (finding.state, finding.is_left) == (FolderState.DAMAGED, True)
    (warning,) = warnings_of([task.job], findings)
    assert warning.startswith(f"stacked-digits/both/0: {task.directory.root}")
    reopened([task], findings, rerun_changed=False)
    assert not task.directory.finished()
    assert look_into(task.directory).state is FolderState.RESUME


def test_jobs_of_other_sources_are_named_and_stay_unless_asked_for(task):
    for sources in (["other"], ["other", source_hash()]):
        write_environment(task.directory, sources)
        findings = look_into_all([task.job], task.directory.root.parents[3])
        (finding,) = findings.values()
        assert (finding.other_code, str(finding)) == ("+".join(sources), "done by other code")
        (warning,) = warnings_of([task.job], findings)
        assert f"({'+'.join(sources)}; today's are {source_hash()}): stacked-digits/both/0" in warning
        assert "--rerun changed" in warning
    assert reopened([task], findings, rerun_changed=False) == findings
    assert task.directory.finished()


def test_rerun_sets_the_folder_aside_and_loses_nothing(task):
    write_environment(task.directory, ["other"])
    findings = look_into_all([task.job], task.directory.root.parents[3])
    for name in ("by-other", "by-other-1"):
        found = reopened([task], findings, rerun_changed=True)
        assert found[task.job.identity].state is FolderState.NEW
        aside = JobDir(task.directory.root.with_name(f"{task.directory.root.name}.{name}"))
        assert [point["images"] for point in aside.points()] == [80, 160]
        assert json.loads(aside.environment.read_text())["trained_by"][0]["code"]["sources"] == "other"
        shutil.copytree(aside.root, task.directory.root)


def test_a_plan_that_trains_changed_jobs_again_counts_them_as_new(task):
    write_environment(task.directory, ["other"])
    findings = with_reruns(look_into_all([task.job], task.directory.root.parents[3]))
    assert [(finding.state, finding.is_left) for finding in findings.values()] == [(FolderState.NEW, True)]
    (warning,) = warnings_of([task.job], findings)
    assert warning.endswith("stacked-digits/both/0; a run sets their folders aside and trains them again")


def test_a_job_that_goes_on_under_other_code_is_said(task):
    write_environment(task.directory, ["other"])
    task.directory.result.unlink()
    findings = look_into_all([task.job], task.directory.root.parents[3])
    (warning,) = warnings_of([task.job], findings)
    assert warning.endswith("stacked-digits/both/0; a run goes on under today's")


def test_a_job_of_an_earlier_version_recorded_no_sources_and_is_done(task):
    write_environment(task.directory, [])
    assert str(look_into(task.directory)) == "done"

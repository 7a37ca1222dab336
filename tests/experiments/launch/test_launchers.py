"""The table of launchers: each row keeps the protocol, and a study runs with any of them."""

import inspect

import pytest

from experiments.launch.execution import Execution
from experiments.launch.launchers import LAUNCHERS, Launcher, make_launcher
from experiments.launch.outcome import JobState
from experiments.launch.scheduler import Task, execute
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.jobdir import JobDir


@pytest.mark.parametrize("name", LAUNCHERS)
def test_every_launcher_has_what_the_protocol_asks_for(name):
    launcher = make_launcher(Execution(launcher=name, slots=1))
    wanted = {key for key, value in vars(Launcher).items() if inspect.isfunction(value) or isinstance(value, property)}
    wanted = {key for key in [*wanted, *Launcher.__annotations__] if not key.startswith("_")}
    assert {"start", "prepare", "slots", "hardware", "execution", "poll_seconds"} <= wanted
    assert [key for key in wanted if not hasattr(launcher, key)] == []
    assert launcher.execution.launcher == name


def test_an_unknown_launcher_is_told_with_the_nearest_name_and_all_others():
    with pytest.raises(ValueError, match=r"unknown launcher locl; did you mean local\? valid: local, in-process"):
        make_launcher(Execution(launcher="locl"))


def test_a_job_in_this_process_ends_with_the_weights_of_a_job_of_its_own(write_study, tmp_path):
    from safetensors.torch import load_file

    (job,) = make_plan(read_study(write_study()), None, {"variant": ["both"], "seed": ["0"]}, {}).jobs
    weights = []
    for name in (name for name, row in LAUNCHERS.items() if row.is_here):
        execution = Execution(launcher=name, slots=2 if name == "local" else 1, output=tmp_path / name)
        task = Task(job, JobDir(job.directory(execution.output)))
        (ended,) = execute([task], make_launcher(execution), [], lambda: False)
        assert ended.outcome.state is JobState.FINISHED, task.directory.log.read_text()
        weights.append(load_file(task.directory.last_checkpoint() / "ema.safetensors"))
    assert weights[0].keys() == weights[1].keys()
    assert all((weights[0][key] == weights[1][key]).all() for key in weights[0])


def test_a_job_in_this_process_stops_with_a_checkpoint_and_a_failure_is_in_its_log(write_study, tmp_path):
    only = {"variant": ["baseline"], "seed": ["0"]}
    (job,) = make_plan(
        read_study(write_study()), None, only, {"total_kimg": 400.0, "evaluation.every_kimg": 400.0}
    ).jobs
    task = Task(job, JobDir(job.directory(tmp_path)))
    launcher = make_launcher(Execution(launcher="in-process"))
    (ended,) = execute([task], launcher, [], lambda: task.directory.metrics.exists())
    assert ended.outcome.state is JobState.STOPPED
    assert task.directory.last_checkpoint() is not None

    for checkpoint in task.directory.checkpoint_folders():
        (checkpoint / "state.pt").write_bytes(b"")
    (ended,) = execute([task], launcher, [], lambda: False)
    assert ended.outcome.state is JobState.FAILED
    assert "no checkpoint is sound" in task.directory.log.read_text()

"""The tune command itself, with real torchrun jobs, in an empty folder."""

import json
import shutil
import time
from pathlib import Path

import pytest

from experiments.study.study import read_study
from experiments.tune import main

ROOT = Path(__file__).parents[2]
TUNE = """\
tune:
  space:
    schedules.gamma: {log: [3, 300]}
  objective: {metric: d_kl}
  sampler: random
  pruner: none
  trials: 2
"""


@pytest.fixture
def command(command_of):
    return command_of("experiments.tune")


@pytest.fixture
def study_file(write_study):
    """The tiny study, of 0.08 kimg, with TUNE."""
    path = write_study(("total_kimg: 0.16", "total_kimg: 0.08"))
    path.write_text(path.read_text() + TUNE)
    return path


def test_a_dry_run_shows_the_search_beside_the_own_setting_and_writes_nothing(command, study_file):
    done = command(study_file, "--dry-run")
    assert done.returncode == 0, done.stderr
    for part in ("gamma", "log 3 to 300", "baseline has", "minimize d_kl at last on seed 1000", "2 trials", "new"):
        assert part in done.stdout
    assert list(command.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("replacement", "arguments", "part"),
    [
        (("log: [3, 300]", "log: [300, 3]"), (), "study.yaml:27: tune.space.schedules.gamma: log: the low end 300"),
        (("trials", "trails"), (), "did you mean trials?"),
        (("trials", "trials"), ("--variant", "atention"), "--variant: unknown variant atention"),
        (("trials", "trials"), ("--profile", "quik"), "did you mean quick?"),
        (("trials", "trials"), ("--apply", "switch"), "variants.switch: is there already"),
        (("trials", "trials"), ("--storage", "nonsense"), "expected sqlite:///FILE"),
        ((TUNE, ""), (), "has no `tune` section"),
    ],
)
def test_bad_input_ends_with_2_before_anything_is_written(
    study_file, tmp_path, monkeypatch, capsys, replacement, arguments, part
):
    text = study_file.read_text()
    assert replacement[0] in text
    study_file.write_text(text.replace(*replacement))
    monkeypatch.chdir(tmp_path)
    assert main([str(study_file), *arguments]) == 2
    assert part in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]


def test_a_search_runs_is_tracked_reported_and_applied_and_then_has_nothing_left_to_do(command, study_file):
    done = command(study_file, "--apply", "tuned", "--workers", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "trial 0 (default) complete" in done.stdout
    assert "what each search got" in done.stdout
    (record,) = command.folder.glob("runs/tiny/tune/stacked-digits/baseline/random-*/tuning.json")
    trials = json.loads(record.read_text())["trials"]
    assert [trial["state"] for trial in trials] == ["complete", "complete"]
    assert "best parameters" in (command.folder / "runs/tiny/tune/report/tune.md").read_text()
    assert read_study(study_file).tuning_seeds["tuned"] == {1000}
    assert (command.folder / "mlflow.db").exists()

    again = command(study_file, "--workers", "1")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "so far: 2 complete" in again.stdout
    assert "started" not in again.stdout


def test_ctrl_c_queues_the_trial_again_and_the_next_command_goes_on_from_its_checkpoint(command, study_file):
    long = ("--set", "total_kimg=20", "evaluation.every_kimg=20", "--trials", "1", "--workers", "1")
    process = command.start(study_file, *long)
    out, err = command.interrupt(process)
    assert process.returncode == 130, out + err
    assert "Traceback" not in err
    assert "run the same command again to go on" in err
    assert "trial 0 (default) interrupted" in out
    (checkpoint,) = command.folder.glob("runs/**/checkpoints/0*")
    again = command(study_file, *long, "--dry-run")
    assert "1 waiting, 1 interrupted" in again.stdout
    assert checkpoint.exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_commands_share_a_search_on_postgresql_and_one_goes_on_with_what_the_killed_other_ran(
    command, study_file, postgresql, empty_store
):
    shutil.copy(empty_store, command.folder / "mlflow.db")  # MLflow's own set-up does not stand a kill
    arguments = (study_file, "--storage", postgresql(), "--trials", "3", "--workers", "1")
    arguments += ("--set", "total_kimg=1.6", "evaluation.every_kimg=0.8", "checkpoint_every_kimg=0.1")
    killed, other = command.start(*arguments), command.start(*arguments)
    deadline = time.time() + 180
    while len(list(command.folder.glob("runs/**/checkpoints/0*"))) < 2 and time.time() < deadline:
        time.sleep(0.05)
    killed.kill()
    killed.communicate()
    out, err = other.communicate(timeout=600)
    assert other.returncode == 0, out + err
    (record,) = command.folder.glob("runs/tiny/tune/stacked-digits/baseline/random-*/tuning.json")
    trials = json.loads(record.read_text())["trials"]
    states = [trial["state"] for trial in trials]
    assert states.count("complete") == 3
    assert states.count("interrupted") == 1
    before = trials[states.index("interrupted")]
    after = next(trial for trial in trials if trial["retry_of"] == before["number"])
    assert after["params"] == before["params"]
    assert before["worker"]["pid"] == killed.pid
    assert after["worker"]["pid"] == other.pid
    (folder,) = record.parent.glob(f"trial{before['number']:04}/*")
    assert (folder / "log.txt").read_text().count("=== attempt ") == 2
    images = [json.loads(line)["images"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert images == sorted(set(images))  # it went on, and did not begin again

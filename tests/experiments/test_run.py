"""The command itself, with real torchrun jobs, in an empty folder."""

import json
import time
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from experiments.run import main
from r3gan.jobdir import JobDir

ROOT = Path(__file__).parents[2]


@pytest.fixture
def command(command_of):
    return command_of("experiments.run")


def test_dry_run_shows_jobs_changes_and_cost_and_starts_nothing(command, write_study):
    done = command(write_study(), "--dry-run")
    assert done.returncode == 0
    for part in (
        "baseline",
        "both",
        "network.attention.resolutions: [8]",
        "0 1",
        "0.16",
        "8 jobs, 1.28 kimg",
        "FLOP per image",
    ):
        assert part in done.stdout
    assert list(command.folder.iterdir()) == []


def test_dry_run_as_json_holds_identity_and_resolved_configuration_per_job(command, write_study):
    done = command(write_study(), "--dry-run", "--json", "--only", "variant=both", "--set", "total_kimg=0.3")
    jobs = json.loads(done.stdout)
    assert [(job["variant"], job["seed"]) for job in jobs] == [("both", 0), ("both", 1)]
    assert all(len(job["identity"]) == 10 and job["config"]["total_kimg"] == 0.3 for job in jobs)
    assert all(job["cost"]["memory_bytes"] > 1e5 and job["cost"]["flops_per_image"] > 1e6 for job in jobs)


@pytest.mark.parametrize(
    ("replacement", "arguments", "part"),
    [
        (("batch_size", "bach_size"), (), "did you mean batch_size"),
        (("batch_size", "batch_size"), ("--profile", "quik"), "did you mean quick"),
        (("batch_size", "batch_size"), ("--only", "seed=9"), "--only"),
        (("batch_size", "batch_size"), ("--set", "total_kimg"), "KEY=VALUE"),
        (("batch_size", "batch_size"), ("--parallel", "0"), "--parallel"),
        (("batch_size", "batch_size"), ("seed=9",), "use --seeds"),
    ],
)
def test_bad_input_exits_with_2_and_no_traceback(command, write_study, replacement, arguments, part):
    done = command(write_study(replacement), *arguments)
    assert done.returncode == 2
    assert part in done.stderr
    assert "Traceback" not in done.stderr
    assert list(command.folder.iterdir()) == []


ORDERS = [("STUDY", "KEYS", "OPTIONS"), ("OPTIONS", "STUDY", "KEYS"), ("STUDY", "OPTIONS", "KEYS")]


@pytest.mark.parametrize("order", ORDERS)
def test_keys_without_set_are_settings_wherever_they_stand_and_seeds_replace_the_profiles(write_study, capsys, order):
    parts = {
        "STUDY": [str(write_study())],
        "KEYS": ["total_kimg=0.3", "schedules.lr=0.5"],
        "OPTIONS": [
            "--set",
            "x_flip=true",
            "--dry-run",
            "--json",
            "--no-costs",
            "--only=variant=both",
            "--seeds=3,7-8",
        ],
    }
    assert main([argument for part in order for argument in parts[part]]) == 0
    jobs = json.loads(capsys.readouterr().out)
    assert [(job["variant"], job["seed"]) for job in jobs] == [("both", 3), ("both", 7), ("both", 8)]
    for config in (job["config"] for job in jobs):
        assert (config["total_kimg"], config["schedules"]["lr"]["start"], config["x_flip"]) == (0.3, 0.5, True)


def test_a_missing_dataset_exits_with_2_before_any_job(command, write_study, monkeypatch):
    path = write_study(
        ("  stacked-digits:\n    preset: digits-8x8\n", "  stacked-mnist:\n    preset: stacked-mnist\n"),
        ("    network: {widths: [16, 8], groups: [4, 2]}\n", ""),
        ("[stacked-digits]", "[stacked-mnist]"),
    )
    (command.folder / "data").write_text("in the way, so that nothing can be downloaded")
    done = command(path)
    assert done.returncode == 2
    assert "train-images-idx3-ubyte" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(command.folder.glob("runs/**/config.json"))


def test_a_study_runs_is_tracked_and_reported_and_then_has_nothing_left_to_do(command, write_study):
    arguments = (write_study(), "--only", "variant=baseline,both,seed=0", "--set", "total_kimg=0.08", "--micro-batch=3")
    done = command(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("finished ") == 2
    (report,) = (command.folder / "runs" / "tiny").glob("report-*")  # with --set, not in the study's own folder
    assert (report / "report.md").exists()
    table = (report / "table.csv").read_text()
    assert "baseline" in table
    assert "both" in table
    assert "Modes" in done.stdout
    assert (command.folder / "mlflow.db").exists()
    assert list((command.folder / "mlruns").rglob("ema.safetensors"))
    environments = [json.loads(path.read_text()) for path in command.folder.rglob("seed*/environment.json")]
    assert [environment["micro_batch"] for environment in environments] == [3, 3]

    again = command(*arguments, "--dry-run")
    assert again.returncode == 0
    assert "to run: 0 jobs" in again.stdout
    assert_damage_is_mended(command, arguments)


def assert_damage_is_mended(command, arguments):
    """Of two finished jobs, one has a flipped digit in a point and the other lost its environment and result."""
    one, other = (JobDir(path.parent) for path in sorted(command.folder.glob("runs/*/*/*/seed*/config.json")))
    points, line = one.points(), one.metrics.read_text()
    one.metrics.write_text(line.replace('"images": 80', '"images": 90', 1))
    (other.environment.write_text(""), other.result.write_text("{}"))
    mended = command(*arguments)
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert mended.stdout.count("1 damaged") == 2
    for path in (one.metrics, other.result):
        assert str(path.relative_to(command.folder)) in mended.stderr
    assert one.points() == points
    assert one.finished()
    assert other.finished()
    assert json.loads(other.environment.read_text())["dataset"]["name"] == "stacked-digits"


def test_a_second_command_leaves_a_live_job_and_its_run_alone(command, write_study):
    arguments = (write_study(), "--only", "variant=baseline,seed=0", "total_kimg=40", "evaluation.every_kimg=40")
    first = command.start(*arguments)
    deadline = time.time() + 120
    while not list(command.folder.glob("runs/**/metrics.jsonl")) and time.time() < deadline:
        time.sleep(0.1)
    second = command(*arguments)
    assert second.returncode == 3, second.stdout + second.stderr
    assert "1 running" in second.stdout
    assert "elsewhere stacked-digits/baseline/0: process " in second.stdout
    client = MlflowClient(f"sqlite:///{command.folder}/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("tiny").experiment_id])
    assert run.info.status == "RUNNING"
    out, _ = command.interrupt(first)
    assert "stopped   stacked-digits/baseline/0" in out


def test_a_failing_job_does_not_stop_the_others_and_decides_the_exit_code(command, write_study):
    broken = "  broken:\n    schedules: {lr: 1.0}\n    optimiser: {lr_ratio: 1.0e+6}\n"
    path = write_study(("  attention:", f"{broken}  attention:"))
    done = command(path, "--only", "variant=broken,baseline,seed=0", "--set", "total_kimg=0.08", "--parallel", "1")
    assert done.returncode == 1
    (ended,) = [line for line in done.stdout.splitlines() if line.startswith("diverged  stacked-digits/broken/0")]
    assert "stopped before the update" in ended  # the reason, where one looks first
    assert "diverged: stacked-digits/broken/0, see runs/" in done.stderr
    assert "finished  stacked-digits/baseline/0" in done.stdout


def test_ctrl_c_keeps_a_checkpoint_and_the_next_run_goes_on(command, write_study):
    arguments = (
        write_study(),
        "--only",
        "variant=baseline,seed=0",
        "--set",
        "total_kimg=40",
        "evaluation.every_kimg=40",
    )
    process = command.start(*arguments)
    out, err = command.interrupt(process)
    assert process.returncode == 130, out + err
    assert "Traceback" not in err
    assert "stopping: jobs write their checkpoints; press Ctrl-C again to end now" in err
    assert "go on" in err
    assert "stopped   stacked-digits/baseline/0" in out
    assert "failed" not in out
    assert list(command.folder.glob("runs/**/checkpoints/0*/state.pt"))
    again = command(*arguments, "--dry-run")
    assert "1 resume" in again.stdout

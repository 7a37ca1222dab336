"""Studies on a real Slurm: the same weights as on this machine, whatever befalls a job on the way."""

import json
import os
import re
import signal

import pytest
from safetensors.torch import load_file

LONG = ("    total_kimg: 0.16", "    total_kimg: 8\n    checkpoint_every_kimg: 0.8")
SELDOM = ("every_kimg: 0.08, samples: 1000}\n    log_every_kimg: 0.08", "every_kimg: 4, samples: 1000}")
ON_SLURM = ("study: tiny\n", "study: tiny\nexecution: {cpus: 1, hours: 0.1, notice_seconds: 60}\n")
ONE = ("--only", "variant=baseline,seed=0")


def weights(folder):
    newest = max((folder / "checkpoints").iterdir(), key=lambda path: path.name)
    return load_file(newest / "ema.safetensors")


def assert_equal_weights(ours, theirs):
    a, b = weights(ours), weights(theirs)
    assert a.keys() == b.keys()
    assert all((a[key] == b[key]).all() for key in a)


def local_run(workplace, study, *arguments):
    """The same study on this machine, with as many threads as a job has cores on the cluster."""
    workplace.run("experiments.run", study, "--no-costs", "--parallel", 2, "--output", "local", *arguments)
    return workplace.jobs("local")


def test_a_study_on_slurm_waits_for_shared_beginnings_and_yields_the_bits_of_one_on_this_machine(
    workplace, write_study
):
    study = write_study(ON_SLURM)
    some = ("--only", "variant=baseline,switch,seed=0")
    ask = workplace.cluster.ask
    others = ask("sbatch", "--parsable", "--exclusive", "--output=/dev/null", "--wrap", "sleep 600").strip()
    workplace.wait(lambda: "RUNNING" in ask("squeue", "-h", "-o", "%T"))
    said = workplace.run("experiments.run", study, "--launcher", "slurm", "--detach", "--no-costs", *some)
    assert "Slurm has 2 of 2 jobs" in said
    again = workplace.run("experiments.run", study, "--launcher", "slurm", "--detach", "--no-costs", *some)
    assert "Slurm has 2 of 2 jobs" in again
    submitted = (workplace.folder / "runs/tiny/slurm/submissions.jsonl").read_text().splitlines()
    arrays = [json.loads(line)["jobs"] for line in submitted]
    assert [len(array) for array in arrays] == [1, 1]  # two arrays, submitted once
    first, second = (next(iter(array.values())) for array in arrays)
    assert f"afterany:{first}" in ask("squeue", "-h", "-j", second, "-o", "%E")
    on_the_way = workplace.run("experiments.status", study, *some, code=3)
    assert "0 of 2 jobs done" in on_the_way
    ask("scancel", others)
    workplace.wait_until_the_queue_is_empty()
    assert "2 of 2 jobs done" in workplace.run("experiments.status", study, *some)
    ours, theirs = workplace.jobs(), local_run(workplace, study, *some)
    assert json.loads((ours["switch", "seed0"] / "inherited.json").read_text())["name"] == "baseline/0"
    for key in ours:
        assert_equal_weights(ours[key], theirs[key])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_job_that_goes_to_the_queue_again_or_loses_its_machine_ends_with_the_same_weights(workplace, write_study):
    study = write_study(ON_SLURM, LONG, SELDOM)
    process = workplace.start("experiments.run", study, "--launcher", "slurm", "--no-costs", *ONE)
    (job,) = workplace.wait(lambda: list(workplace.jobs().values()))

    def is_past(kimg):
        return lambda: [p for p in job.glob("checkpoints/0*") if int(p.name) >= 1000 * kimg]

    workplace.wait(is_past(1.6))
    number = workplace.cluster.ask("squeue", "-h", "-o", "%i").strip()
    workplace.cluster.ask("scontrol", "requeue", number)
    workplace.wait(lambda: (job / "log.txt").read_text().count("=== attempt") == 2)
    workplace.wait(is_past(3.2))
    workplace.cluster.kill_node()
    workplace.wait(lambda: "down" in workplace.cluster.ask("sinfo", "-h", "-o", "%T"))
    workplace.cluster.start_node()
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, out + err
    assert (job / "log.txt").read_text().count("=== attempt") == 3
    assert_equal_weights(job, local_run(workplace, study, *ONE)["baseline", "seed0"])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_job_at_its_time_limit_writes_a_checkpoint_and_goes_on_in_the_queue(workplace, write_study):
    short = ("study: tiny\n", "study: tiny\nexecution: {cpus: 1, hours: 0.05, notice_seconds: 60}\n")
    study = write_study(short, ("    total_kimg: 0.16", "    total_kimg: 4000"), SELDOM)
    workplace.run("experiments.run", study, "--launcher", "slurm", "--detach", "--no-costs", *ONE)
    (job,) = workplace.wait(lambda: list(workplace.jobs().values()))
    log = job / "log.txt"
    workplace.wait(lambda: log.exists() and "stopped, with a checkpoint to go on from" in log.read_text())
    first = max(int(path.name) for path in job.glob("checkpoints/0*"))
    workplace.wait(lambda: log.read_text().count("=== attempt") == 2)
    workplace.wait(lambda: log.read_text().count("stopped, with a checkpoint to go on from") == 2)
    assert max(int(path.name) for path in job.glob("checkpoints/0*")) > first > 0
    assert "cancelled 1 jobs" in workplace.run("experiments.cancel", study, *ONE)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_job_that_is_lost_without_a_result_is_said_and_a_retry_ends_it(workplace, write_study):
    study = write_study(ON_SLURM, LONG, SELDOM)
    workplace.run("experiments.run", study, "--launcher", "slurm", "--detach", "--no-costs", *ONE)
    (job,) = workplace.wait(lambda: list(workplace.jobs().values()))
    lease = workplace.wait(lambda: (job / "lease.json").exists() and json.loads((job / "lease.json").read_text()))
    workplace.wait(lambda: list(job.glob("checkpoints/0*")))
    for process in (lease["launcher"], lease["pid"]):
        os.kill(process, signal.SIGKILL)
    workplace.wait_until_the_queue_is_empty()
    lost = workplace.run("experiments.status", study, *ONE, code=1)
    assert "ended without a result: FAILED" in lost
    assert "submitted again: stacked-digits/baseline/0" in workplace.run("experiments.retry", study, *ONE)
    assert "0 of 1 jobs had failed" in workplace.run("experiments.retry", study, *ONE)
    workplace.wait(lambda: (job / "log.txt").read_text().count("=== attempt") == 2)
    workplace.wait(lambda: (job / "lease.json").exists() and json.loads((job / "lease.json").read_text()) != lease)
    said = workplace.run("experiments.cancel", study, *ONE)
    assert "cancelled 1 jobs" in said
    workplace.wait_until_the_queue_is_empty()
    assert (job / "log.txt").read_text().rstrip().endswith("stopped, with a checkpoint to go on from")
    assert "0 of 1 jobs done" in workplace.run("experiments.status", study, *ONE, code=3)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_jobs_that_are_cancelled_before_they_began_have_not_failed_and_are_submitted_again(workplace, write_study):
    study = write_study((ON_SLURM[0], "study: tiny\nexecution: {directives: {hold: true}}\n"))
    some = ("--only", "variant=baseline")
    submit = ("experiments.run", study, "--launcher", "slurm", "--detach", "--no-costs", *some)

    def status():
        return workplace.run("experiments.status", study, *some, code=3)

    assert "Slurm has 2 of 2 jobs" in workplace.run(*submit)
    assert "cancelled 2 jobs" in workplace.run("experiments.cancel", study, *some)
    assert "failed" not in status()
    assert "Slurm has 2 of 2 jobs" in workplace.run(*submit)
    assert "2 in the queue: they are held: `scontrol release` lets them go on (JobHeldUser)" in status()
    workplace.cluster.ask("scancel", workplace.cluster.ask("squeue", "-h", "-o", "%F").split()[0])  # by Slurm's command
    assert "failed" not in status()


@pytest.fixture
def searched(write_study):
    """A study with a search of six trials."""
    from tests.experiments.test_tune import TUNE

    study = write_study(ON_SLURM, ("total_kimg: 0.16", "total_kimg: 0.64"))
    study.write_text(study.read_text() + TUNE.replace("trials: 2", "trials: 6"))
    return study


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_search_runs_the_jobs_of_its_trials_on_the_cluster(workplace, searched):
    search = ("experiments.tune", searched, "--launcher", "slurm", "--workers", 2, "--no-costs")
    workplace.run(*search)
    assert len(list(workplace.folder.glob("runs/slurm/jobs/*.out"))) == 6
    assert "so far: 6 complete;" in workplace.run(*search, "--dry-run")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_workers_of_a_search_are_elements_of_an_array_and_another_takes_over_from_one_that_is_killed(
    workplace, searched
):
    submit = ("experiments.tune", searched, "--launcher", "slurm", "--workers", 2, "--no-costs")
    assert "Slurm has 2 workers" in workplace.run(*submit, "--detach")
    lease = workplace.wait(lambda: next(workplace.folder.glob("runs/tiny/tune/**/lease.json"), None))
    os.kill(json.loads(lease.read_text())["launcher"], signal.SIGKILL)  # a worker
    workplace.wait_until_the_queue_is_empty()
    assert "so far: 6 complete, 1 interrupted;" in workplace.run(*submit, "--dry-run")
    records = workplace.cluster.ask("scontrol", "show", "job", "-o").splitlines()
    ends = [re.search(r"JobState=(\w+)", record)[1] for record in records if "JobName=tiny-tune" in record]
    assert sorted(ends) == ["COMPLETED", "FAILED"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_job_that_no_node_can_ever_take_is_said_by_status_and_by_the_command_that_watches(workplace, write_study):
    study = write_study(("study: tiny\n", "study: tiny\nexecution: {cpus: 500}\n"))
    why = "1 in the queue: no node of the partition has what they ask for"
    watching = workplace.start("experiments.run", study, "--launcher", "slurm", "--no-costs", *ONE)
    workplace.wait(lambda: "PartitionConfig" in workplace.cluster.ask("squeue", "-h", "-o", "%r"))
    said = workplace.run("experiments.status", study, *ONE, code=3)
    assert why in said
    assert "(PartitionConfig)" in said
    assert "cancelled 1 jobs" in workplace.run("experiments.cancel", study, *ONE)
    assert why in "".join(watching.communicate(timeout=120))

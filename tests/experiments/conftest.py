import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.experiments.postgresql import USER, find_programs, server

ROOT = Path(__file__).parents[2]
STUDY = """\
study: tiny
profile: quick
baseline:
  batch_size: 8
variants:
  attention:
    network: {attention: {resolutions: [8]}}
  switch:
    loss:
      - {kind: relativistic-softplus}
      - {kind: relativistic-hinge, margin: 2.0, from_fraction: 0.5}
  both:
    include: [attention, switch]
datasets:
  stacked-digits:
    preset: digits-8x8
    network: {widths: [16, 8], groups: [4, 2]}
seeds: [0, 1]
profiles:
  quick:
    datasets: [stacked-digits]
    total_kimg: 0.16
    evaluation: {every_kimg: 0.08, samples: 1000}
    log_every_kimg: 0.08
"""


@pytest.fixture
def write_study(tmp_path):
    """Write STUDY with (old, new) replacements; returns its path. A replacement that changes nothing fails."""

    def write(*replacements: tuple[str, str]) -> Path:
        text = STUDY
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "study.yaml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def line_of():
    """The line on which a text stands in a file."""

    def find(path: Path, text: str) -> int:
        return next(i for i, line in enumerate(path.read_text().splitlines(), 1) if text in line)

    return find


@pytest.fixture(scope="session")
def postgresql():
    """A function that makes a new database on a real PostgreSQL server and returns its address."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed")
    counter = itertools.count()
    with server(programs) as socket:

        def create() -> str:
            name = f"test{next(counter)}"
            engine = create_engine(f"postgresql+psycopg://{USER}@/postgres?host={socket}", isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {name}"))
            engine.dispose()
            return f"postgresql://{USER}@/{name}?host={socket}"

        yield create


@pytest.fixture
def command_of(tmp_path):
    """A function that runs a module of the project in an empty folder; MLflow's store and the runs go there."""
    folder = tmp_path / "work"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "120"}

    def make(module):
        folder.mkdir()

        def start(*arguments, **kwargs):
            return subprocess.Popen(
                [sys.executable, "-m", module, *map(str, arguments)],
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                **kwargs,
            )

        def run(*arguments):
            process = start(*arguments)
            out, err = process.communicate(timeout=280)
            return subprocess.CompletedProcess(process.args, process.returncode, out, err)

        def interrupt(process):
            """Send a Ctrl-C once a job has recorded something; returns what was printed."""
            deadline = time.time() + 120
            while not list(folder.glob("runs/**/metrics.jsonl")) and time.time() < deadline:
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            return process.communicate(timeout=90)

        run.start, run.folder, run.interrupt, run.environment = start, folder, interrupt, environment
        return run

    return make

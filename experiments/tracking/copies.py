"""A store of MLflow's made from job directories alone: when the real one is behind, the report is made from it."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlflow.tracking import MlflowClient

from experiments.launch.outcome import JobState
from experiments.launch.scheduler import Task
from experiments.tracking.run_upload import RunUpload


@contextmanager
def store_of(study: str, tasks: Sequence[tuple[Task, JobState]]) -> Iterator[str]:
    """The address of a store that holds these jobs, which have ended so, and is gone afterwards. Raises what MLflow
    raises."""
    with tempfile.TemporaryDirectory() as folder:
        uri = f"sqlite:///{folder}/mlflow.db"
        client = MlflowClient(uri)
        experiment = client.create_experiment(study, artifact_location=(Path(folder) / "artifacts").as_uri())
        for task, state in tasks:
            RunUpload(client, experiment, task).send(state)
        yield uri

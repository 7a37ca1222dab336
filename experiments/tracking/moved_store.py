"""MLflow's default store in a folder that was moved or copied: the addresses of its artifacts follow.

MLflow keeps them as absolute paths, and has no call that changes them: artifacts of new runs would go to the old place,
into another study's folder where that is a copy's original.
"""

import os
from pathlib import Path

import mlflow
from sqlalchemy import Connection, create_engine, text

from experiments.tracking.address import URI_VARIABLE
from experiments.tracking.trouble import SQLITE

ARTIFACTS = "mlruns"  # MLflow's folder beside its default store


def follow_folder() -> int:
    """Let every experiment of the default store, in the working folder, keep its artifacts beside the store. Returns
    for how many that was changed.

    Runs are changed too, if their artifacts have come along. A store that MLFLOW_TRACKING_URI names is the user's own
    arrangement, and left as it is. Raises what SQLAlchemy raises.
    """
    uri = mlflow.get_tracking_uri()
    store = Path(uri.removeprefix(SQLITE))
    if os.environ.get(URI_VARIABLE) or not uri.startswith(SQLITE) or not store.exists():
        return 0
    here = store.resolve().parent / ARTIFACTS
    engine = create_engine(uri)
    try:
        with engine.begin() as connection:
            return sum(
                _follow(connection, number, Path(location), here) for number, location in _away(connection, here)
            )
    finally:
        engine.dispose()


def _away(connection: Connection, here: Path) -> list[tuple[int, str]]:
    """Experiments with artifacts in the folder of a default store that is not this one: .../mlruns/NUMBER."""
    rows = connection.execute(text("SELECT experiment_id, artifact_location FROM experiments")).all()
    paths = [(number, str(location).removeprefix("file://")) for number, location in rows]
    return [
        (number, path)
        for number, path in paths
        if "://" not in path and Path(path).parts[-2:] == (ARTIFACTS, str(number)) and Path(path).parent != here
    ]


def _follow(connection: Connection, number: int, old: Path, here: Path) -> bool:
    new = here / str(number)
    change = text("UPDATE experiments SET artifact_location = :new WHERE experiment_id = :number")
    connection.execute(change, {"new": str(new), "number": number})
    rows = connection.execute(
        text("SELECT run_uuid, artifact_uri FROM runs WHERE experiment_id = :number"), {"number": number}
    ).all()
    for run, address in rows:
        path = Path(str(address).removeprefix("file://"))
        if path.is_relative_to(old) and (new / path.relative_to(old)).exists():
            connection.execute(
                text("UPDATE runs SET artifact_uri = :new WHERE run_uuid = :run"),
                {"new": str(new / path.relative_to(old)), "run": run},
            )
    return True

"""MLflow's default store in a folder that was moved or copied: the addresses of its artifacts follow.

MLflow keeps them as absolute paths, and has no call that changes them: artifacts of new runs would go to the old place,
into another study's folder where that is a copy's original.
"""

import os
from pathlib import Path

import mlflow
from sqlalchemy import URL, Connection, create_engine, text

from experiments.tracking.address import URI_VARIABLE
from experiments.tracking.trouble import SQLITE, store_file

ARTIFACTS = "mlruns"  # MLflow's folder beside its default store


def follow_folder() -> int:
    """Let every experiment of the default store, in the working folder, keep its artifacts beside the store. Returns
    for how many that was changed.

    Runs are changed too, if their artifacts have come along. A store that MLFLOW_TRACKING_URI names is the user's own
    arrangement, and left as it is. Raises what SQLAlchemy raises.
    """
    uri = mlflow.get_tracking_uri()
    store = store_file(uri).resolve()
    here = store.parent / ARTIFACTS
    if os.environ.get(URI_VARIABLE) or not uri.startswith(SQLITE) or not store.exists() or "%" in str(here):
        return 0
    engine = create_engine(URL.create("sqlite", database=str(store)))
    try:
        with engine.begin() as connection:
            away = _away(connection, here)
            for number, old in away:
                _follow(connection, number, old, here / str(number))
            return len(away)
    finally:
        engine.dispose()


def _away(connection: Connection, here: Path) -> list[tuple[int, Path]]:
    """Experiments with artifacts in the folder of a default store that is not this one: .../mlruns/NUMBER."""
    rows = connection.execute(text("SELECT experiment_id, artifact_location FROM experiments")).all()
    paths = [(number, Path(str(location).removeprefix("file://"))) for number, location in rows]
    return [
        (number, path)
        for number, path in paths
        if path.is_absolute() and path.parts[-2:] == (ARTIFACTS, str(number)) and path.parent != here
    ]


def _follow(connection: Connection, number: int, old: Path, new: Path) -> None:
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

"""MLflow's SQLite store, made whole or not at all.

MLflow itself makes one in its place, by hundreds of steps that take seconds: whoever is killed within, or comes second,
is left with half of the tables.
"""

import shutil
import tempfile
from pathlib import Path

from mlflow.store.tracking import DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import make_url

from experiments.tracking.trouble import SQLITE, is_full, missing_store
from r3gan.files import passing_lock, replace_file


def make_missing_store() -> None:
    """Make the store that MLflow's settings name, if that is a file which is not there. Who comes second waits.

    It is made elsewhere and moved to its place, so that a kill at any moment leaves no store there or a whole one.
    Raises OSError, and what MLflow raises.
    """
    uri = missing_store()
    name = uri and make_url(uri).database
    if not name or name.startswith((":memory:", "file:")):  # the latter: an address of SQLite's own
        return
    store = Path(name).resolve()
    store.parent.mkdir(parents=True, exist_ok=True)
    with passing_lock(store.with_name(f".{store.name}.lock")):
        if not store.exists():
            replace_file(store, _make)


def _make(path: Path) -> None:
    try:
        _make_in(Path(tempfile.gettempdir()), path)  # quick on a disk of this machine, and no journal beside the store
    except Exception as error:  # whatever MLflow raises
        if not is_full(error):
            raise
        _make_in(path.parent, path)


def _make_in(parent: Path, path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=parent) as folder:
        made = Path(folder) / path.name
        SqlAlchemyStore(f"{SQLITE}{made}", DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH).engine.dispose()
        shutil.copyfile(made, path)

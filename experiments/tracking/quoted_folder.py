"""The empty folder that MLflow makes beside a study's whose name has a space."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import mlflow

from experiments.tracking.trouble import SQLITE


@contextmanager
def no_quoted_folder() -> Iterator[None]:
    """For the time in which MLflow opens its store for the first time: the folders that it makes then by the name that
    its default address has, with %20 for a space, are removed, unless something lies in them."""
    uri = mlflow.get_tracking_uri()
    quoted = Path(uri.removeprefix(SQLITE)).parent
    ways = [quoted, *quoted.parents] if uri.startswith(SQLITE) and "%" in str(quoted) else []
    made = [folder for folder in ways if not folder.exists()]
    try:
        yield
    finally:
        for folder in made:
            with suppress(OSError):  # it is used, or another command was first
                folder.rmdir()

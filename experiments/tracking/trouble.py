"""What ails MLflow, in a sentence with the way out."""

import re
import tempfile
from pathlib import Path
from urllib.parse import unquote

import mlflow

SQLITE = "sqlite:///"
NOTHING_LOST = "the job directories hold everything: run the same command again to send it"
NO_ANSWER = "the tracking server does not answer"
NOT_WITHIN = "did not answer within"
FULL = r"database or disk is full|No space left on device|Disk quota exceeded"
WAYS_OUT = (  # what an error says -> what it means, and what to do
    (FULL, f"the disk of MLflow's store is full, or that of {{temporary}}: free some space; {NOTHING_LOST}"),
    (r"database is locked", f"another process holds MLflow's store locked; {NOTHING_LOST}"),
    (
        r"out-of-date database schema|Can't locate revision",
        "MLflow's store was written by another version of MLflow: install that version, or bring a copy of the store "
        "up to date with `mlflow db upgrade {uri}`",
    ),
    (r"file is not a database|malformed|_alembic_tmp_|Online migration expected",
     "MLflow's store is damaged, or half made by a command that was killed: move it away, and "
     "`python -m experiments.sync --rebuild` makes it from the job directories"),
    (r"readonly database|unable to open database|Permission ?Error|Permission denied|Errno 13",
     "there is no permission to write there: change it, or set MLFLOW_TRACKING_URI"),
    (r"must be in the .?active|deleted state|RESOURCE_DOES_NOT_EXIST",
     "it was deleted in MLflow while the study ran: run the same command again to send it anew"),
    (r"No module named '?(?P<module>[\w.]+)", "install {module}: pip install {module}"),
    (r"Max retries|Connection ?(refused|Error|reset)|timed? ?out|getaddrinfo|Name or service",
     f"{NO_ANSWER}; {NOTHING_LOST}"),
)  # fmt: skip


def explain(error: BaseException) -> str:
    """The first line of an error, and the way out where one is known."""
    text = f"{type(error).__name__}: {error}"
    first = text.splitlines()[0]
    for pattern, way_out in WAYS_OUT:
        match = re.search(pattern, text)
        if match is not None:
            facts = {"uri": mlflow.get_tracking_uri(), "temporary": tempfile.gettempdir()}
            facts |= {key: value or "" for key, value in match.groupdict().items()}
            return f"{first} ({way_out.format(**facts)})"
    return first


def is_full(error: BaseException) -> bool:
    """Whether an error of MLflow's says that a disk is full."""
    return re.search(FULL, str(error)) is not None


def no_answer(seconds: float) -> str:
    """The sentence about a store that was waited for so long."""
    uri = mlflow.get_tracking_uri()
    lock = "; another process holds it locked, it seems" if uri.startswith(SQLITE) else ""
    return f"MLflow at {uri} {NOT_WITHIN} {seconds:.3g} s{lock}"


def not_through(seconds: float) -> str:
    """The sentence about a store with which a command was not through when its time was over."""
    return f"{seconds:.3g} s were not enough for MLflow at {mlflow.get_tracking_uri()}"


def is_away(sentence: str) -> bool:
    """Whether a sentence about MLflow says that it does not answer."""
    return NO_ANSWER in sentence or NOT_WITHIN in sentence


def missing_store() -> str | None:
    """The address of MLflow's store, if that is a file which does not exist: MLflow would make an empty one."""
    uri = mlflow.get_tracking_uri()
    return uri if uri.startswith(SQLITE) and not store_file(uri).exists() else None


def store_file(uri: str) -> Path:
    """The file of an SQLite store. MLflow writes its default address with a space as %20."""
    path = Path(uri.removeprefix(SQLITE).partition("?")[0])
    return path if path.exists() else Path(unquote(str(path)))

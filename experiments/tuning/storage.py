"""Where Optuna keeps a search: a SQLite file by default, any database that several machines share, or a journal file.

A trial that is running sends heartbeats, so that another worker takes over when its own is killed. A journal file has
no heartbeats: there, only a later command on the same machine notices.
"""

import random
import re
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError

from experiments.study.problems import StudyError, StudyProblem
from experiments.tuning.takeover import queue_again

JOURNAL = "journal:"
POSTGRESQL_DRIVER = "postgresql+psycopg"  # what the extra `postgresql` installs; SQLAlchemy 2.0 would look for psycopg2
HEARTBEAT_SECONDS = 10
GRACE_SECONDS = 60  # without a heartbeat for so long, a trial counts as killed
CREATION_ATTEMPTS = 20  # at most, when commands that start together all create the tables of an empty database
STORAGE_ERRORS = (optuna.exceptions.StorageInternalError, SQLAlchemyError)

optuna.logging.set_verbosity(optuna.logging.ERROR)  # the terminal shows trials in the project's own way
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


class PatientStorage(RDBStorage):
    """A storage whose heartbeats survive a database that is away for a moment, instead of ending with a traceback.

    If it stays away, others will take the trial for dead, which its worker notices at the next evaluation.
    """

    def record_heartbeat(self, trial_id: int) -> None:
        """See RDBStorage."""
        with suppress(*STORAGE_ERRORS):
            super().record_heartbeat(trial_id)


def default_url(folder: Path) -> str:
    """The storage of searches whose files lie in a folder."""
    return f"sqlite:///{(folder / 'optuna.db').resolve()}"


def is_there(url: str) -> bool:
    """Whether there is something to open: a file that exists, or a server, which cannot be known before."""
    if url.startswith(JOURNAL):
        return Path(url.removeprefix(JOURNAL)).exists()
    file = re.fullmatch(r"sqlite(\+\w+)?:///(.+)", url)
    return file is None or Path(file[2]).exists()


def open_storage(url: str) -> BaseStorage:
    """Connect, and create what is missing. Raises StudyError."""

    def refused(why: object) -> StudyError:
        return StudyError([StudyProblem("storage", url_for_people(url), str(why))])

    try:
        if url.startswith(JOURNAL):
            path = Path(url.removeprefix(JOURNAL))
            path.parent.mkdir(parents=True, exist_ok=True)
            return JournalStorage(JournalFileBackend(str(path)))
        parsed = make_url(url)
        options: dict[str, Any] = {"pool_pre_ping": True}
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername=POSTGRESQL_DRIVER)
        elif parsed.drivername.startswith("sqlite"):
            if parsed.database in (None, "", ":memory:"):
                raise refused("is kept in memory, where no command can go on with it: expected sqlite:///FILE")
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            options["connect_args"] = {"timeout": GRACE_SECONDS}  # while another worker writes
        return connect(parsed.render_as_string(hide_password=False), options)
    except (ArgumentError, ValueError) as error:
        raise refused("expected sqlite:///FILE, postgresql://USER@HOST/DATABASE or journal:FILE") from error
    except ImportError as error:
        raise refused(
            f"its driver is not installed ({error}): pip install 'psycopg[binary]' for postgresql://"
        ) from error
    except (OSError, SQLAlchemyError, RuntimeError, optuna.exceptions.OptunaError) as error:
        raise refused(f"cannot be opened: {(str(error) or repr(error)).splitlines()[0]}") from error


def connect(url: str, options: dict[str, Any]) -> PatientStorage:
    """A database with its tables. Raises what SQLAlchemy and Optuna raise.

    Optuna looks which tables are missing and then creates them: of several commands that meet an empty database at
    the same time only one can, and the others are refused. They look again, and find the tables there.
    """
    attempts = 0
    while True:
        attempts += 1
        try:
            return PatientStorage(
                url,
                engine_kwargs=options,
                heartbeat_interval=HEARTBEAT_SECONDS,
                grace_period=GRACE_SECONDS,
                heartbeat_stale_trial_callback=queue_again,
            )
        except (IntegrityError, OperationalError, ProgrammingError) as error:
            if attempts == CREATION_ATTEMPTS or not is_created_meanwhile(error):
                raise
            time.sleep(random.uniform(0.02, 0.2))  # not in step with the others


def is_created_meanwhile(error: SQLAlchemyError) -> bool:
    """Whether a database refuses to create something because someone else just did; each has its own error for it."""
    return isinstance(error, IntegrityError) or "already exists" in str(error)


def url_for_people(url: str) -> str:
    """A storage's address without its password."""
    try:
        return url if url.startswith(JOURNAL) else make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return url


def storage_message(error: BaseException) -> str:
    """What is said of one of STORAGE_ERRORS, in one line."""
    return f"the storage does not answer: {str(error.__cause__ or error).splitlines()[0]}"

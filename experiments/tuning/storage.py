"""Where Optuna keeps a search: a SQLite file by default, any database that several machines share, or a journal file.

A trial that is running sends heartbeats, so that another worker takes over when its own is killed. A journal file has
no heartbeats: there, only a later command on the same machine notices.
"""

import os
import re
import socket
import time
import warnings
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import (
    BaseSampler,
    NSGAIIISampler,
    NSGAIISampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)
from optuna.storages import BaseStorage, JournalStorage, RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from experiments.study.problems import StudyError, StudyProblem
from experiments.tuning.search import Search
from experiments.tuning.trial_attributes import FIXED, INTERRUPTED, IS_DEFAULT, OUTCOME, RETRIES, WORKER
from r3gan.config import IMG_PER_KIMG
from r3gan.identity import short_hash
from r3gan.processes import is_alive

JOURNAL = "journal:"
POSTGRESQL_DRIVER = "postgresql+psycopg"  # what the extra `postgresql` installs; SQLAlchemy 2.0 would look for psycopg2
HEARTBEAT_SECONDS = 10
GRACE_SECONDS = 60  # without a heartbeat for so long, a trial counts as killed
CLAIM_SECONDS = 1.0  # how long a worker that took a queued trial waits for another that did so at the same moment
STORAGE_ERRORS = (optuna.exceptions.StorageInternalError, SQLAlchemyError)
MOST_KILLS = 5  # of one trial's workers, after which it is not queued again: it may be what kills them

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
        return PatientStorage(
            parsed.render_as_string(hide_password=False),
            engine_kwargs=options,
            heartbeat_interval=HEARTBEAT_SECONDS,
            grace_period=GRACE_SECONDS,
            heartbeat_stale_trial_callback=queue_again,
        )
    except (ArgumentError, ValueError) as error:
        raise refused("expected sqlite:///FILE, postgresql://USER@HOST/DATABASE or journal:FILE") from error
    except ImportError as error:
        raise refused(
            f"its driver is not installed ({error}): pip install 'psycopg[binary]' for postgresql://"
        ) from error
    except (OSError, SQLAlchemyError, RuntimeError, optuna.exceptions.OptunaError) as error:
        raise refused(f"cannot be opened: {(str(error) or repr(error)).splitlines()[0]}") from error


def url_for_people(url: str) -> str:
    """A storage's address without its password."""
    try:
        return url if url.startswith(JOURNAL) else make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return url


def open_study(search: Search, storage: BaseStorage) -> optuna.Study:
    """The Optuna study of a search, created if need be, with the variant's own setting as its first trial."""
    study = optuna.create_study(
        storage=storage,
        study_name=study_name(search),
        directions=[objective.direction for objective in search.objectives],
        pruner=make_pruner(search),
        load_if_exists=True,
    )
    if not study.get_trials(deepcopy=False) and search.default_first and search.default_is_within():
        own = {p.key: search.default()[p.key] for p in search.space.searched if p.key in search.default()}
        study.enqueue_trial(own, user_attrs={IS_DEFAULT: True}, skip_if_exists=True)
    return study


def existing_study(search: Search, storage: BaseStorage) -> optuna.Study | None:
    """The Optuna study of a search, if there is one."""
    if study_name(search) not in optuna.get_all_study_names(storage):
        return None
    return optuna.load_study(study_name=study_name(search), storage=storage)


def study_name(search: Search) -> str:
    """The search's name in the storage."""
    return f"{search.study.name}/{search.name}/{search.identity}"


def make_sampler(search: Search, trials: int = 0, slot: int = 0) -> BaseSampler:
    """Optuna's sampler as the section asks for it, for the worker in a slot when there are so many trials.

    They are part of its seed: a search that goes on does not propose the same again.
    """
    spec, seed = search.sampler, int(short_hash([search.sampler.seed, trials, slot]), 16) % 2**32
    if spec.kind == "tpe":
        startup = 10 if spec.startup_trials is None else spec.startup_trials  # Optuna's own default
        conditional = any(p.when for p in search.space.parameters)
        return TPESampler(n_startup_trials=startup, seed=seed, multivariate=True, group=conditional)
    if spec.kind == "qmc":  # its sequence goes on by itself, under one seed; conditional keys are not part of it
        return QMCSampler(
            seed=spec.seed, scramble=True, independent_sampler=RandomSampler(seed), warn_asynchronous_seeding=False
        )
    if spec.kind == "random":
        return RandomSampler(seed=seed)
    population = spec.population or 50  # Optuna's own default
    nsga = NSGAIISampler if spec.kind == "nsga-ii" else NSGAIIISampler
    return nsga(seed=seed, population_size=population)


def make_pruner(search: Search) -> BasePruner:
    """Optuna's pruner as the section asks for it. Its steps are images."""
    spec = search.pruner
    if spec.kind == "none":
        return NopPruner()
    if spec.kind == "median":
        startup = 5 if spec.startup_trials is None else spec.startup_trials
        return MedianPruner(startup, round((spec.warmup_kimg or 0) * IMG_PER_KIMG))
    least = round((spec.min_kimg or search.config.evaluation.every_kimg) * IMG_PER_KIMG)
    if spec.kind == "hyperband":
        return HyperbandPruner(least, search.trial_img, spec.reduction_factor or 3)
    return SuccessiveHalvingPruner(least, spec.reduction_factor or 4)


def storage_message(error: BaseException) -> str:
    """What to tell of one of STORAGE_ERRORS, in one line."""
    return f"the storage does not answer: {str(error.__cause__ or error).splitlines()[0]}"


class TakenByAnother(BaseException):
    """Another worker runs this trial, or will. Not an Exception: Optuna would end what is no longer this one's."""


def claim(trial: optuna.Trial, slot: int) -> None:
    """Say in the storage who runs a trial. Raises TakenByAnother.

    SQLite cannot lock a row, so two processes can take the same queued trial: the last one to sign runs it.
    """
    signature = {"host": socket.gethostname(), "pid": os.getpid(), "slot": slot}
    trial.set_user_attr(WORKER, signature)
    if frozen(trial).system_attrs.keys() & {FIXED, RETRIES}:
        time.sleep(CLAIM_SECONDS)
        if frozen(trial).user_attrs[WORKER] != signature:
            raise TakenByAnother


def is_this_process(worker: dict[str, Any] | None) -> bool:
    """Whether a trial is, or was, this process's own."""
    return worker is not None and (worker["host"], worker["pid"]) == (socket.gethostname(), os.getpid())


def frozen(trial: optuna.Trial) -> FrozenTrial:
    """What the storage has of a trial."""
    return trial.study.get_trials(deepcopy=False)[trial.number]


def take_over(study: optuna.Study) -> int:
    """Queue again what workers of this machine were running when they died; returns how many trials.

    The heartbeats would tell too, after a minute; a journal file has none.
    """
    found = 0
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        worker = trial.user_attrs.get(WORKER, {})
        if worker.get("host") == socket.gethostname() and not is_alive(int(worker["pid"])):
            found += _take_over(study, trial)
    return found


def _take_over(study: optuna.Study, trial: FrozenTrial) -> bool:
    try:
        study.tell(trial.number, state=TrialState.FAIL)
    except (ValueError, optuna.exceptions.UpdateFinishedTrialError):  # another worker was faster
        return False
    queue_again(study, trial)
    return True


def queue_again(study: optuna.Study, trial: FrozenTrial) -> None:
    """Let a trial that did not end be repeated, with its parameters and files, unless too many workers died of it."""
    attempts = [*trial.system_attrs.get(RETRIES, ()), trial.number]
    trials = study.get_trials(deepcopy=False)
    kills = [number for number in attempts if trials[number].user_attrs.get(OUTCOME) != INTERRUPTED]
    if len(kills) <= MOST_KILLS:
        RetryHeartbeatStaleTrialCallback()(study, deepcopy(trial))  # which changes what it is given

"""The directory of a run outside a study: the files of a job, written for a training that nothing else lies in."""

import json
import re
from dataclasses import asdict

from r3gan.config import TrainConfig
from r3gan.config_json import from_dict
from r3gan.data.errors import BadData
from r3gan.data.places import require_writable
from r3gan.files import write_json
from r3gan.identity import NOT_IN_RESULT, configuration_identity, job_identity
from r3gan.jobdir import JobDir
from r3gan.settings.leaves import leaves

VARIANT = "baseline"  # a run outside a study is a study of one job, which is its own baseline
PROFILE = "single"
STRANGE = re.compile(r"[^A-Za-z0-9._-]+")  # in the name of a study
OWN_FILES = {"log.txt", "job.lock", "place.json"}  # that may be there before config.json is


def require_free(job: JobDir, config: TrainConfig) -> None:
    """Raises BadData if something else than this very training lies in the directory."""
    if job.root.exists() and not job.root.is_dir():
        raise BadData(f"--out {job.root} is not a folder: name another one")
    if not job.config.exists():
        others = sorted(path.name for path in job.root.iterdir()) if job.root.is_dir() else []
        if set(others) - OWN_FILES:
            raise BadData(f"--out {job.root} holds no training, but {others[0]}: name an empty or a new folder")
        require_writable(job.root)
        return
    try:
        there: TrainConfig = from_dict(TrainConfig, json.loads(job.config.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise BadData(f"{job.config} is not what was written ({error}): name another --out") from error
    if _identity(there) != _identity(config):
        differing = "; ".join(_differences(there, config))
        raise BadData(f"--out {job.root} holds another training ({differing}): name another folder")


def write_job(job: JobDir, config: TrainConfig) -> None:
    """Write what a training and its readers need. A description stays: it may be a study's. Raises OSError."""
    job.root.mkdir(parents=True, exist_ok=True)
    if not job.description.exists():
        write_json(job.description, description(job, config))
    write_json(job.config, asdict(config))


def description(job: JobDir, config: TrainConfig) -> dict[str, object]:
    """The job's place in a study of its own, called like the directory."""
    configuration = configuration_identity(config)
    return {
        "study": STRANGE.sub("-", job.root.resolve().name).lstrip("._-") or PROFILE,
        "profile": PROFILE,
        "dataset": config.dataset,
        "variant": VARIANT,
        "seed": config.seed,
        "identity": job_identity(configuration, config.seed),
        "configuration": configuration,
        "comparison": configuration,
        "differences": {},
    }


def _identity(config: TrainConfig) -> str:
    return job_identity(configuration_identity(config), config.seed)


def _differences(there: TrainConfig, here: TrainConfig) -> list[str]:
    """A text for every key that decides the result and differs."""
    old, new = leaves(there), leaves(here)
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key) and key not in NOT_IN_RESULT]
    return [f"{key} is {_shown(old.get(key))} there and {_shown(new.get(key))} here" for key in keys]


def _shown(value: object) -> str:
    return "not set" if value is None else f"{value:g}" if isinstance(value, float) else str(value)

"""The keys under which MLflow holds a job's numbers. What precedes the slash is a section of charts in MLflow's pages.

They sort sections by name, so that the names below, in this order, are in the order of interest. Before there were
sections a number's key was its recorded name; such runs are read as well.
"""

from functools import cache

from r3gan.evaluation.protocol import read_key

QUALITY = "image quality"
SECTIONS = {
    "losses": ("loss_d", "loss_g", "logit_gap"),
    "penalties": ("r1", "r2"),
    "schedules": ("lr", "beta2", "gamma", "augment_p", "instance_noise", "ema_half_life_img", "loss_phase"),
    "steps": ("loss_scale_d", "loss_scale_g", "skipped_steps_d", "skipped_steps_g"),
    "training cost": ("images_per_second", "memory_gib", "data_share", "cpu_cores"),
}  # beside QUALITY, where all that an evaluation measures is
_SECTION_OF = {name: section for section, recorded in SECTIONS.items() for name in recorded}


@cache
def section_of(name: str) -> str:
    """The section of a recorded name; empty for a name of something else."""
    return _SECTION_OF.get(name) or (QUALITY if read_key(name) else "")


def metric_key(name: str) -> str:
    """MLflow's key of a recorded name: losses/loss_d."""
    section = section_of(name)
    return f"{section}/{name}" if section else name


def recorded_name(key: str) -> str:
    """The inverse of `metric_key`; a key without a section is a recorded name already."""
    section, _, name = key.rpartition("/")
    return name if section in (QUALITY, *SECTIONS) else key


@cache
def is_constant(name: str) -> bool:
    """Whether a recorded name is of a number that stays as it is while a job trains: a tag of its run, no chart."""
    recorded = read_key(name)
    return recorded is not None and recorded.number.constant

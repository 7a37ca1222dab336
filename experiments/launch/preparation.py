"""Data, feature networks and references, made ready once for all jobs of a command."""

import subprocess
import sys
from collections.abc import Sequence

from experiments.launch.launchers import NotPrepared
from experiments.study.plan import Job, one_of_each
from r3gan.evaluation.protocol import need_of


def needs(jobs: Sequence[Job]) -> list[str]:
    """What `r3gan prepare` is asked for: dataset=metric,...@samples, once for each dataset."""
    found = {job.dataset: need_of(job.config) for job in one_of_each(list(jobs))}  # evaluation is the same in variants
    return sorted(found.values())


def prepare_here(jobs: Sequence[Job]) -> None:
    """In a process of its own on this machine, which shows its progress. Raises NotPrepared; it has said why."""
    if jobs and subprocess.run([sys.executable, "-m", "r3gan", "prepare", *needs(jobs)]).returncode:
        raise NotPrepared

"""Seeds that are added while the conclusion is open: which jobs of a plan are wanted, by what has finished.

How open a conclusion is, `python -m analysis decide` says, a pure function of the results. So a command that was
stopped goes on as if it had not been.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.design import SeedRule
from experiments.launch.scheduler import Ended, Task
from experiments.names import BASELINE
from experiments.study.plan import Job

Wanted = Mapping[tuple[str, str], int]  # dataset, variant -> how many seeds it is to have, from seed 0 on


class NotDecided(Exception):
    """`analysis` could not say what is open, and has said why on standard error."""


@dataclass(frozen=True)
class Answer:
    """How many seeds each variant of each dataset is to have now, and what was decided, in sentences."""

    wanted: Wanted
    sentences: tuple[str, ...]


def rule_of(jobs: Sequence[Job]) -> SeedRule | None:
    """The rule for the seeds of these jobs, which are of one profile."""
    return jobs[0].design.seed_rule


def wanted_jobs(jobs: Sequence[Job], wanted: Wanted) -> list[Job]:
    """Those that are to run by now: all of them without a rule for seeds, those of the first look before any."""
    rule = rule_of(jobs)
    if rule is None:
        return list(jobs)
    return [job for job in jobs if job.seed < wanted.get((job.dataset, job.variant), rule.least)]


def due_tasks(tasks: Sequence[Task], wanted: Wanted, ended: Sequence[Ended]) -> list[Task]:
    """Those that are wanted by now and were not tried yet."""
    jobs = {job.identity for job in wanted_jobs([task.job for task in tasks], wanted)}
    tried = {end.task.job.identity for end in ended}
    return [task for task in tasks if task.job.identity in jobs - tried]


def rule_sentence(rule: SeedRule) -> str:
    """The rule, for the dry run."""
    ends = ["its sign is decided"] if rule.sign else []
    ends += [f"it is known to ± {rule.half_width:g}"] if rule.half_width is not None else []
    return (
        f"seeds are added to each variant until, of its difference to the {BASELINE}, {' or '.join(ends)}: looks at "
        f"{', '.join(map(str, rule.looks))} seeds ({rule.spending} spending of 5%, shared by "
        f"{rule.comparisons} comparison{'' if rule.comparisons == 1 else 's'})"
    )


def ask(jobs: Sequence[Job], store: Mapping[str, str]) -> Answer:
    """What `analysis` concludes from the runs of these jobs. Raises NotDecided.

    store: the environment variables that name the store of MLflow's that holds them.
    """
    command = [sys.executable, "-m", "analysis", "decide", "--json", "--study", jobs[0].study]
    command += ["--identity", *(job.identity for job in jobs)]
    environment = os.environ | store
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)
    if done.returncode:
        raise NotDecided
    data = json.loads(done.stdout)
    wanted = {(entry["dataset"], entry["variant"]): int(entry["seeds"]) for entry in data["variants"]}
    return Answer(wanted, tuple(data["sentences"]))

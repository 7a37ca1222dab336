"""How the jobs of a command are computed, and where. Nothing here changes what a job yields."""

from dataclasses import dataclass, field
from pathlib import Path

from experiments.launch.packing import Packing
from experiments.study.execution_section import Resources
from r3gan.computation import Computation


@dataclass(frozen=True, kw_only=True)
class Execution:
    """One value for all that the command line says of it, passed whole to whoever needs a part."""

    launcher: str = "local"  # a row of experiments/launch/launchers.py
    slots: int | None = None  # jobs at once; None: as many as the launcher has room for
    ranks: int = 1  # processes, and GPUs where there are any, per job
    computation: Computation = field(default_factory=Computation)  # within each rank
    patience_minutes: float = 30  # without a sign of life, after which a job is stopped; 0: never
    packing: Packing = field(default_factory=Packing)  # which jobs share GPUs, where nobody says how many
    sharing: bool = True  # let jobs begin in the states of others
    resources: Resources = field(default_factory=Resources)  # what the study file asks for, for each job
    output: Path = Path("runs")  # where job directories lie


@dataclass(frozen=True)
class Hardware:
    """What each of a launcher's machines has for jobs, which need not be the machine of the command."""

    gpus: int = 0
    gpu_memory_bytes: int = 0  # of the smallest

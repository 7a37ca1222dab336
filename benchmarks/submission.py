"""What Slurm costs a study of ten thousand jobs: submitting it, asking how far it is, and taking it back.

`python -m benchmarks.submission [--jobs 10000] [--json FILE]`

Slurm's commands have to find a cluster (docs/cluster.md has one for a single machine) that takes so many jobs. The jobs
are submitted held, so that none begins, and are cancelled in the end. `alone`: no job begins in the state of another
one; `sharing`: half of them do, and wait for these. Commands are timed as they are typed, with all that they start;
processor time is that of the commands, Slurm's own daemons aside.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import children_seconds, write_result
from benchmarks.many_jobs import gamma_variants, study_text
from benchmarks.tables import Table, as_they_are, show

SEEDS = 100
COMMANDS = {  # what is timed, in this order -> module, options, exit code
    "submit": ("run", ("--launcher", "slurm", "--detach", "--no-costs"), 0),
    "submit again": ("run", ("--launcher", "slurm", "--detach", "--no-costs"), 0),
    "status": ("status", (), 3),
    "cancel": ("cancel", (), 0),
    "status afterwards": ("status", (), 3),
}
SHARING = {"alone": False, "sharing": True}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = [row for shape in SHARING for row in measure(shape, options.jobs // SEEDS)]
    result = {"jobs": options.jobs, "rows": rows}
    show(tables(result))
    write_result(options.json, result)


def tables(result: dict[str, Any]) -> list[Table]:
    """For the terminal."""
    return [as_they_are(f"{result['jobs']} jobs on Slurm, seconds", result["rows"], 1)]


def measure(shape: str, variants: int) -> list[dict[str, Any]]:
    """A study with so many variants in a folder of its own, from its first command to its last."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study.yaml"
        study.write_text(held_study(variants, SHARING[shape]))
        for name, (module, options, code) in COMMANDS.items():
            words = [sys.executable, "-m", f"experiments.{module}", str(study), "--output", f"{folder}/runs", *options]
            wall, processor = time.perf_counter(), children_seconds()
            done = subprocess.run(words, capture_output=True, text=True)
            assert done.returncode == code, done.stdout + done.stderr
            wall, processor = time.perf_counter() - wall, children_seconds() - processor
            rows.append({"study": shape, "command": name, "wall": wall, "processor": processor})
    return rows


def held_study(variants: int, sharing: bool) -> str:
    """A study whose jobs are held. With sharing, every second variant is the one before it with a loss that changes
    half-way, so that it begins in its state there."""
    gammas = range(1, variants // 2 if sharing else variants)
    lines = gamma_variants(gammas)
    if sharing:
        losses = "[{kind: relativistic-softplus}, {kind: relativistic-hinge, from_fraction: 0.5}]"
        lines += [f"  s0: {{loss: {losses}}}\n"]
        lines += [f"  s{i}: {{include: [v{i}], loss: {losses}}}\n" for i in gammas]
    return study_text("submitted", lines, SEEDS, "execution: {directives: {hold: true}}\n")


if __name__ == "__main__":
    main()

"""How long the default study takes, and what each part that makes it fast is worth, on this machine.

`python -m benchmarks.study [--rounds 3] [--seeds 0,1] [--forms FORM ...] [--against DIR] [--set KEY=VALUE ...]
[--json FILE]`

The whole command, from its start to its report, each time in an empty folder: as it is, with parts switched off one by
one, and with the code and the study of another checkout. A round runs each form once, the next one begins with another
form. The first run of each checkout, which prepares the data, is a dry one and is not counted.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.machine import children_seconds, commit_of, write_result
from benchmarks.tables import Table, show
from r3gan.arguments import positive
from r3gan.beginning import read_inherited
from r3gan.config import IMG_PER_KIMG
from r3gan.jobdir import JobDir

HERE = Path(__file__).parents[1]
STUDY = "ablations.yaml"
AS_IT_IS, OTHER = "as it is", "other checkout"


@dataclass(frozen=True)
class Form:
    """A way to run the study: options of the command, and environment variables."""

    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


FORMS = {
    AS_IT_IS: Form(),
    "without sharing": Form(("--no-sharing",)),
    "one job at once": Form(("--parallel", "1")),
    "double backward": Form(("--penalty-form", "double")),
    "small pages": Form(environment={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"}),
}


@dataclass(frozen=True)
class Taken:
    """What one run of the study took."""

    seconds: float
    processor_seconds: float
    trained_kimg: float


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=positive, default=3)
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument("--against", type=Path, metavar="DIR", help="a checkout of another commit")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="to shorten the study")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.against and not (options.against / STUDY).is_file():
        parser.error(f"--against {options.against}: a checkout was expected, with {STUDY} in it")
    forms = {AS_IT_IS: Form()} | {name: FORMS[name] for name in options.forms}
    places = dict.fromkeys(forms, HERE)
    if options.against:
        forms[OTHER], places[OTHER] = Form(), options.against.resolve()
    asked = ["--seeds", options.seeds, *(["--set", *options.set] if options.set else [])]
    for place in dict.fromkeys(places.values()):
        prepare(place)
    taken: dict[str, list[Taken]] = {name: [] for name in forms}
    for number in range(options.rounds):
        for name in rotated(list(forms), number):
            taken[name].append(run(places[name], forms[name], asked))
            print(f"round {number + 1}, {name}: {taken[name][-1].seconds:.0f} s", flush=True)
    rows = [{"form": name, "runs": [asdict(one) for one in runs]} for name, runs in taken.items()]
    result = {"asked": asked, "commit": commit_of(HERE), "forms": rows}
    if options.against:
        result["against"] = commit_of(options.against)
    show(tables(result))
    write_result(options.json, result)


def rotated(names: Sequence[str], by: int) -> list[str]:
    """The names, another one first in each round."""
    by %= len(names)
    return [*names[by:], *names[:by]]


def prepare(place: Path) -> None:
    """Fetch and compute once what every study of a checkout would find there the second time."""
    command = [sys.executable, "-m", "r3gan", "prepare", "stacked-digits=digits"]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(place)}, check=True)


def run(place: Path, form: Form, asked: Sequence[str]) -> Taken:
    """The study of a checkout, by its own code, in an empty folder. Ends the benchmark if it fails."""
    with TemporaryDirectory() as folder:
        environment = os.environ | {"PYTHONPATH": str(place)} | dict(form.environment)
        environment.pop("MLFLOW_TRACKING_URI", None)
        command = [sys.executable, "-m", "experiments.run", str(place / STUDY), *form.options, *asked]
        before, started = children_seconds(), time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        seconds = time.perf_counter() - started
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return Taken(seconds, children_seconds() - before, trained_kimg(Path(folder)))


def trained_kimg(folder: Path) -> float:
    """How much was trained in the folder, without what jobs have from others."""
    jobs = [JobDir(path.parent) for path in folder.glob("runs/**/result.json")]
    inherited = [found.images for job in jobs if (found := read_inherited(job))]
    return (sum(job.points()[-1]["images"] for job in jobs) - sum(inherited)) / IMG_PER_KIMG


def tables(result: dict[str, Any]) -> list[Table]:
    """Medians over the rounds, and what part of each form's time the study takes as it is."""
    found = {
        row["form"]: [median(run[key] for run in row["runs"]) for key in ("seconds", "processor_seconds")]
        for row in result["forms"]
    }
    ours, rows = found[AS_IT_IS], []
    for row in result["forms"]:
        seconds, processor = found[row["form"]]
        kimg = f"{row['runs'][0]['trained_kimg']:.4g}"
        parts = [f"{ours[0] / seconds:.2f}", f"{processor:.0f}", f"{ours[1] / processor:.2f}"]
        rows.append([row["form"], kimg, f"{seconds:.0f}", *parts])
    columns = ["form", "kimg trained", "seconds", "as it is, of it", "processor seconds", "as it is, of them"]
    commits = f"commit {result['commit']}" + (f", other checkout {result['against']}" if "against" in result else "")
    rounds = len(result["forms"][0]["runs"])
    title = f"the study {' '.join(result['asked'])}: medians of {rounds} rounds, {commits}"
    return [Table(title=title, columns=columns, rows=rows)]


if __name__ == "__main__":
    main()

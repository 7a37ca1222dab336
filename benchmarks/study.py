"""How long the default study takes, and what each part that makes it fast is worth, on this machine.

`python -m benchmarks.study [--rounds 3] [--seeds 0,1] [--forms FORM ...] [--against DIR] [--set KEY=VALUE ...]
[--beside] [--json FILE]`

The whole command, from its start to its report, each time in an empty folder: as it is, with parts switched off one by
one, and with the code and the study of another checkout. A round runs each form once, the next one begins with another
form. The first run of each checkout, which prepares the data, is a dry one and is not counted.

A machine whose speed changes from minute to minute hides what a part is worth. `--beside` runs each form at the same
time as the study as it is, each on a half of the cores, which they exchange in the next round.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

from benchmarks.machine import commit_of, write_result
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
    parser.add_argument("--beside", action="store_true", help="at the same time as the study as it is")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.against and not (options.against / STUDY).is_file():
        parser.error(f"--against {options.against}: a checkout was expected, with {STUDY} in it")
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if options.beside and len(cores) < 2:
        parser.error("--beside needs two cores, on Linux")
    forms = {AS_IT_IS: Form()} | {name: FORMS[name] for name in options.forms}
    places = dict.fromkeys(forms, HERE)
    if options.against:
        forms[OTHER], places[OTHER] = Form(), options.against.resolve()
    asked = ["--seeds", options.seeds, *(["--set", *options.set] if options.set else [])]
    for place in dict.fromkeys(places.values()):
        prepare(place)
    starts = {name: partial(run, places[name], form, asked) for name, form in forms.items()}
    rows = beside(starts, options.rounds, cores) if options.beside else in_turn(starts, options.rounds)
    result = {"asked": asked, "commit": commit_of(HERE), "forms": rows}
    if options.against:
        result["against"] = commit_of(options.against)
    show(tables(result))
    write_result(options.json, result)


def in_turn(starts: Mapping[str, Callable[[], Taken]], rounds: int) -> list[dict[str, Any]]:
    """Every form in every round, one after the other."""
    taken: dict[str, list[Taken]] = {name: [] for name in starts}
    for number in range(rounds):
        for name in rotated(list(starts), number):
            taken[name].append(starts[name]())
            print(f"round {number + 1}, {name}: {taken[name][-1].seconds:.0f} s", flush=True)
    return [{"form": name, "runs": [asdict(one) for one in runs]} for name, runs in taken.items()]


def beside(starts: Mapping[str, Callable[..., Taken]], rounds: int, cores: Sequence[int]) -> list[dict[str, Any]]:
    """Every form in every round, each together with the study as it is, the cores halved between them."""
    middle = len(cores) // 2
    halves = [cores[:middle], cores[middle : 2 * middle]]
    rows: dict[str, dict[str, Any]] = {
        name: {"form": name, "runs": [], "as_it_is": []} for name in starts if name != AS_IT_IS
    }
    for number in range(rounds):
        for name in rotated(list(rows), number):
            with ThreadPoolExecutor(2) as pool:
                both = [
                    pool.submit(starts[one], cores=half) for one, half in zip((name, AS_IT_IS), halves, strict=True)
                ]
            one, ours = (future.result() for future in both)
            rows[name]["runs"].append(asdict(one))
            rows[name]["as_it_is"].append(asdict(ours))
            print(f"round {number + 1}, {name}: {one.seconds:.0f} s, as it is: {ours.seconds:.0f} s", flush=True)
        halves.reverse()
    return list(rows.values())


def rotated(names: Sequence[str], by: int) -> list[str]:
    """The names, another one first in each round."""
    by %= len(names)
    return [*names[by:], *names[:by]]


def prepare(place: Path) -> None:
    """Fetch and compute once what every study of a checkout would find there the second time."""
    command = [sys.executable, "-m", "r3gan", "prepare", "stacked-digits=digits"]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(place)}, check=True)


def run(place: Path, form: Form, asked: Sequence[str], cores: Collection[int] = ()) -> Taken:
    """The study of a checkout, by its own code, in an empty folder, on these cores or on all. Ends the benchmark if it
    fails."""
    with TemporaryDirectory() as folder, TemporaryFile("w+") as output:
        environment = os.environ | {"PYTHONPATH": str(place)} | dict(form.environment)
        environment.pop("MLFLOW_TRACKING_URI", None)
        command = [sys.executable, "-m", "experiments.run", str(place / STUDY), *form.options, *asked]
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        if cores:
            os.sched_setaffinity(process.pid, cores)
        _, status, used = os.wait4(process.pid, 0)  # with all processes that it has waited for
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{output.read()[-6000:]}")
        return Taken(seconds, used.ru_utime + used.ru_stime, trained_kimg(Path(folder)))


def trained_kimg(folder: Path) -> float:
    """How much was trained in the folder, without what jobs have from others."""
    jobs = [JobDir(path.parent) for path in folder.glob("runs/**/result.json")]
    inherited = [found.images for job in jobs if (found := read_inherited(job))]
    return (sum(job.points()[-1]["images"] for job in jobs) - sum(inherited)) / IMG_PER_KIMG


def tables(result: dict[str, Any]) -> list[Table]:
    """Medians over the rounds, and what part of each form's time the study takes as it is."""
    rows = []
    for row in result["forms"]:
        cells = [row["form"], f"{row['runs'][0]['trained_kimg']:.4g}"]
        for key in ("seconds", "processor_seconds"):
            cells += [f"{median(run[key] for run in row['runs']):.0f}", f"{part(result, row, key):.2f}"]
        rows.append(cells)
    columns = ["form", "kimg trained", "seconds", "as it is, of it", "processor seconds", "as it is, of them"]
    commits = f"commit {result['commit']}" + (f", other checkout {result['against']}" if "against" in result else "")
    rounds = len(result["forms"][0]["runs"])
    title = f"the study {' '.join(result['asked'])}: medians of {rounds} rounds, {commits}"
    return [Table(title=title, columns=columns, rows=rows)]


def part(result: dict[str, Any], row: dict[str, Any], key: str) -> float:
    """What the study takes as it is, of a form: the median of the pairs if both ran at the same time, or of medians."""
    if "as_it_is" in row:
        return median(ours[key] / one[key] for ours, one in zip(row["as_it_is"], row["runs"], strict=True))
    ours = next(other for other in result["forms"] if other["form"] == AS_IT_IS)
    return median(run[key] for run in ours["runs"]) / median(run[key] for run in row["runs"])


if __name__ == "__main__":
    main()

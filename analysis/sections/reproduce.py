"""How to run again what is compared: command, file, versions, commit, hardware and seeds, as the runs recorded them."""

import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from analysis.comparison import Comparison
from analysis.markdown import bullets
from analysis.selection import SOURCES_APART
from experiments import names
from experiments.origin import Origin, content_hash

UNKNOWN = "unknown (not recorded)"
LIBRARIES = ("mlflow", "numpy", "pandas", "scipy", "statsmodels", "matplotlib")  # that this report was made with


def reproduce_parts(comparisons: Sequence[Comparison]) -> list[str]:
    """A list for each profile and dataset; what was not recorded is said to be unknown."""
    parts = ["## How to reproduce\n"]
    for comparison in comparisons:
        where = f"{comparison.dataset} (profile {comparison.profile}):\n"
        parts += [where, bullets([*_origins(comparison), *_machines(comparison.runs)])]
    made_with = ", ".join(f"{library} {version(library)}" for library in LIBRARIES)
    return [*parts, f"This report was made with {made_with}.\n"]


def _origins(comparison: Comparison) -> Iterator[str]:
    """Command and file, for each file or set of changes that runs come from."""
    for text, runs in comparison.runs.groupby(names.ORIGIN):
        whose = "" if len(runs) == len(comparison.runs) else f" of {len(runs)} of the runs"
        seeds = as_ranges(runs[names.SEED].unique())
        try:
            origin = Origin(**json.loads(str(text))) if text else Origin()
        except (ValueError, TypeError):
            yield f"Command and study file{whose}: the tag `{names.ORIGIN}` in MLflow cannot be read. Seeds: {seeds}."
            continue
        if not origin.file:
            yield f"Command and study file{whose}: {UNKNOWN}. Seeds: {seeds}."
            continue
        profile = comparison.profile.partition(SOURCES_APART)[0]
        command = ["python", "-m", "experiments.run", origin.file, "--profile", profile, "--seeds", seeds]
        command += ["--only", f"dataset={comparison.dataset}"]
        command += [f"{key}={json.dumps(value)}" for key, value in origin.settings.items()]
        yield f"Command{whose}: `{shlex.join(command)}`."
        yield f"Study file{whose}: {origin.file}, content {origin.content}; {_state_of(origin)}."


def _state_of(origin: Origin) -> str:
    """What has become of the file since; judged where the report is made."""
    try:
        now = content_hash(Path(origin.file).read_text())
    except (OSError, UnicodeDecodeError):
        return "it is not where the report was made"
    return "unchanged since" if now == origin.content else f"it has been changed since, to {now}"


def _machines(runs: pd.DataFrame) -> Iterator[str]:
    edited = runs[names.IS_EDITED].map({"True": " with changes that were not committed"}).fillna("")
    yield f"Commit: {_counted(runs[names.COMMIT].mask(runs[names.COMMIT] != '', runs[names.COMMIT] + edited))}."
    yield f"r3gan's sources: {_counted(runs[names.SOURCES])}."
    yield f"Python: {_counted(runs[names.PYTHON])}; torch: {_counted(runs[names.TORCH])}."
    on = runs[names.DEVICE].mask(runs[names.DEVICE] == "", UNKNOWN)
    processor = runs[names.PROCESSOR].mask(runs[names.PROCESSOR] == "", UNKNOWN)
    size = "ranks " + runs[names.RANKS].mask(runs[names.RANKS] == "", "?")
    size += ", threads of each " + runs[names.THREADS].mask(runs[names.THREADS] == "", "?")
    yield f"Hardware: {_counted('device ' + on + ', processor ' + processor + ', ' + size)}."


def _counted(values: Iterable[str]) -> str:
    """The only value, or each with its number of runs."""
    counts = pd.Series(list(values)).replace("", UNKNOWN).value_counts()
    if len(counts) == 1:
        return str(counts.index[0])
    return "; ".join(f"{value} ({count} runs)" for value, count in counts.items())


def as_ranges(seeds: Iterable[int]) -> str:
    """`0-3,7`: as --seeds takes them."""
    runs: list[list[int]] = []
    for seed in sorted(seeds):
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)

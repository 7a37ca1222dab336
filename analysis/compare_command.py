"""python -m analysis compare: any runs beside each other, what differs in their configuration and what they came to."""

import argparse
import difflib
from collections.abc import Iterator, Mapping, Sequence

import mlflow
import pandas as pd
from mlflow.tracking import MlflowClient

from analysis.errors import ReportError
from analysis.load import load_jobs, open_client
from analysis.markdown import DASH, bullets, markdown_table
from analysis.metrics import Column, shown_columns
from analysis.tables import format_number
from experiments import names
from experiments.tracking.pages import all_experiments

NAME = "name"  # dataset/variant/seed
PROTOCOL = {
    names.DATASET: "dataset",
    "evaluation_samples": "samples per evaluation",
    names.CLASSES: "classes",
    names.SOURCES: "r3gan's sources",
}  # numbers are comparable where all of these are equal, beside what the name of a metric says
MOST_LISTED = 8  # runs that a message names
NOT_RECORDED = f"{DASH}: the run has not recorded the metric, under this number of samples and these weights."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its part of the command line."""
    parser.add_argument("runs", metavar="RUN", nargs="+",
                        help="MLflow's run id, dataset/variant/seed or identity, or how one begins")  # fmt: skip
    parser.set_defaults(run=compare)


def compare(args: argparse.Namespace) -> None:
    """Print the comparison. Raises ReportError for a run that is not there, or not named clearly."""
    client = open_client()
    jobs = every_job(client)
    chosen = pd.DataFrame([jobs.loc[find_run(jobs, word)] for word in dict.fromkeys(args.runs)])
    chosen = chosen.drop_duplicates("run_id").reset_index(drop=True)
    if len(chosen) < 2:
        raise ReportError(f"{' and '.join(args.runs)} is one run: name at least two to compare")
    settings = {row["run_id"]: client.get_run(row["run_id"]).data.params for _, row in chosen.iterrows()}
    print("\n".join(comparison_parts(chosen, settings)))


def every_job(client: MlflowClient) -> pd.DataFrame:
    """Rows of `load.load_jobs` of all studies, with a column NAME. Raises ReportError if there is none."""
    ids = [e.experiment_id for e in all_experiments(client)]
    studies = [load_jobs(client, i) for i in ids if client.search_runs([i], names.IS_JOB, max_results=1)]
    if not studies:
        raise ReportError(f"no study has runs in MLflow at {mlflow.get_tracking_uri()}: run one first")
    jobs = pd.concat(studies, ignore_index=True)
    parts = [jobs[key].astype(str) for key in (names.DATASET, names.VARIANT, names.SEED)]
    return jobs.assign(**{NAME: parts[0].str.cat(parts[1:], "/")})


def find_run(jobs: pd.DataFrame, word: str) -> int:
    """The place of the run of this id, name or identity, or whose id, name or identity alone begins so.

    Raises ReportError if there is none, or if there are several.
    """
    columns = [jobs[key].astype(str) for key in ("run_id", NAME, names.IDENTITY)]
    exact = pd.concat([column == word for column in columns], axis=1).any(axis=1)
    found = exact if exact.any() else pd.concat([c.str.startswith(word) for c in columns], axis=1).any(axis=1)
    if not found.any():
        nearest = difflib.get_close_matches(word, list(pd.unique(pd.concat(columns))), n=1, cutoff=0.4)
        hint = f", did you mean {nearest[0]}?" if nearest else ""
        raise ReportError(f"no run {word!r} is in MLflow{hint} (a run id, dataset/variant/seed, or an identity)")
    if found.sum() > 1:
        some = jobs[found].sort_values("start_time", ascending=False).head(MOST_LISTED)
        listed = "; ".join(
            f"{row['run_id']} ({row[names.STUDY]}, {row[NAME]}, {row['status']})" for _, row in some.iterrows()
        )
        more = f"; and {found.sum() - len(some)} more" if found.sum() > len(some) else ""
        raise ReportError(f"{found.sum()} runs are called {word!r}, name one by its run id: {listed}{more}")
    return int(jobs.index[found][0])


def comparison_parts(chosen: pd.DataFrame, settings: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """In Markdown: the runs R1, R2, R3 ..., what differs, and what they came to. settings: by run_id."""
    chosen = chosen.assign(label=[f"R{i + 1}" for i in range(len(chosen))])
    shown = ["label", names.STUDY, names.PROFILE, NAME, names.IDENTITY, "run_id", "status"]
    yield "## Runs\n"
    yield markdown_table([key.replace("_", " ") for key in shown], chosen[shown].astype(str).to_numpy().tolist())
    yield "## What differs in configuration\n"
    yield _differences(chosen, settings)
    yield "## Metrics\n"
    groups = [group for _, group in chosen.groupby(list(PROTOCOL), sort=False, dropna=False)]
    if len(groups) > 1:
        differing = [what for key, what in PROTOCOL.items() if chosen[key].nunique(dropna=False) > 1]
        yield (
            f"The runs differ in {', '.join(differing)}: numbers of different ones do not compare, and stand in "
            "tables of their own.\n"
        )
    for group in groups:
        yield from _metrics(group)


def _differences(chosen: pd.DataFrame, settings: Mapping[str, Mapping[str, str]]) -> str:
    keys = sorted({key for own in settings.values() for key in own} - {names.STARTS_FROM})  # which decides nothing
    rows = [[key, *(settings[run_id].get(key, DASH) for run_id in chosen["run_id"])] for key in keys]
    rows = [row for row in rows if len(set(row[1:])) > 1]
    return markdown_table(["Key", *chosen["label"]], rows) if rows else "Nothing but what the table above shows.\n"


def _metrics(group: pd.DataFrame) -> Iterator[str]:
    """Values at the last point of the runs of one protocol."""
    yield f"{_protocol(group.iloc[0])}:\n"
    metrics = shown_columns([key for key in group if group[key].notna().any()])
    if not metrics:
        yield "Nothing was measured yet.\n"
        return
    rows = [
        [str(row["label"]), str(row["status"]), format_number(row["total_kimg"], ",g"), *_cells(row, metrics)]
        for _, row in group.iterrows()
    ]
    yield markdown_table(["Run", "Status", "kimg in all", *(metric.heading for metric in metrics)], rows)
    notes = [NOT_RECORDED] if group[[metric.key for metric in metrics]].isna().any(axis=None) else []
    if (group["status"] != "FINISHED").any():
        notes.append("Of a run that has not finished this is the newest value, not its result.")
    yield bullets([*notes, *dict.fromkeys(metric.note for metric in metrics if metric.note)])


def _cells(row: "pd.Series[float]", metrics: Sequence[Column]) -> list[str]:
    return [DASH if pd.isna(row[metric.key]) else format_number(row[metric.key], metric.spec) for metric in metrics]


def _protocol(run: "pd.Series[str]") -> str:
    """`digits, samples per evaluation: 5000, r3gan's sources: aaa`."""
    known = {what: run[key] for key, what in PROTOCOL.items() if key != names.DATASET}
    texts = [f"{what}: {value if isinstance(value, str) else f'{value:,g}'}" for what, value in known.items() if value]
    return ", ".join([str(run[names.DATASET]), *texts])

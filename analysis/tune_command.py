"""python -m analysis tune: the report on a study's searches."""

import argparse
import json
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from rich.console import Console

from analysis.errors import ReportError
from analysis.load import open_client
from analysis.report import make_folder
from analysis.search_report import budgets_terminal, write_search_report
from analysis.searches import SearchResult, budget_notes, fairness_notes, grouped
from experiments import names
from experiments.tracking.pages import all_experiments, all_runs

HAS_SEARCH = f"tags.{names.TUNING} LIKE '%'"


def write_searches(args: argparse.Namespace) -> None:
    """Write the report on searches and print its table. Raises ReportError if there is nothing to report on."""
    searches = load_searches(open_client(), args.study, args.comparison)
    study = searches[0].study
    out = args.out or Path("runs") / study / "tune" / "report"
    make_folder(out)
    got = write_search_report(study, searches, out)
    console = Console(highlight=False)
    console.print(budgets_terminal(got, searches))
    notes = [note for group in grouped(searches).values() for note in budget_notes(group)]
    for line in [*fairness_notes(searches), *notes]:
        console.print(line)
    print(f"Report: {out / 'tune.md'}")


def load_searches(client: MlflowClient, study: str | None, comparisons: Collection[str] | None) -> list[SearchResult]:
    """The searches of a study (None: of the only one that has any), all or those of these comparisons.

    Raises ReportError if there are none, or if a comparison that is asked for has none.
    """
    found = {e.name: e for e in all_experiments(client) if e.name.endswith(names.tuning_experiment(""))}
    studies = {name.removesuffix(names.tuning_experiment("")): experiment for name, experiment in found.items()}
    if study is None and len(studies) == 1:
        study = next(iter(studies))
    if study is None or study not in studies:
        known = ", ".join(sorted(studies)) or "none"
        asked = "choose a study with --study" if study is None else f"study {study!r} has no searches"
        raise ReportError(f"{asked} (with searches in MLflow at {mlflow.get_tracking_uri()}: {known})")
    runs = [
        run for run in all_runs(client, studies[study].experiment_id, HAS_SEARCH) if names.TRIAL not in run.data.tags
    ]
    first: dict[str, Run] = {}
    for run in sorted(runs, key=lambda run: run.info.start_time):
        first.setdefault(run.data.tags[names.TUNING], run)
    searches = [_search(client, run.info.run_id) for run in first.values()]
    absent = sorted(set(comparisons or ()) - {search.comparison for search in searches})
    if absent or not searches:
        of = f" of comparison {', '.join(absent)}" if absent else ""
        raise ReportError(f"no search{of} of {study} is in MLflow")
    return [search for search in searches if comparisons is None or search.comparison in comparisons]


def _search(client: MlflowClient, run_id: str) -> SearchResult:
    with TemporaryDirectory() as folder:
        path = client.download_artifacts(run_id, names.TUNING_ARTIFACT, folder)
        return SearchResult.from_json(json.loads(Path(path).read_text()))

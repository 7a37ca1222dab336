"""python -m analysis watch: the report of a study is made again while the study runs."""

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from mlflow.tracking import MlflowClient

from analysis.errors import NothingFinished
from analysis.load import find_study, load_jobs, open_client
from analysis.markdown import plural
from analysis.report import make_folder, write_page, write_report
from analysis.reported import read_study
from analysis.selection import FINISHED

RUNNING = "RUNNING"  # MLflow's status of a run that trains
QUIET_LOOKS = 2  # without a running run and anything new: then the study has ended


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its part of the command line."""
    parser.add_argument("--study", metavar="NAME", help="the study's name; needed if MLflow has several")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where to write (default: runs/<study>/report)")
    parser.add_argument("--every", metavar="SECONDS", type=seconds, default=60,
                        help="between two looks (default: 60)")  # fmt: skip
    parser.add_argument("--runs", metavar="DIR", type=Path, default=Path("runs"),
                        help="where job directories lie, for samples (default: runs)")  # fmt: skip
    parser.set_defaults(run=watch)


def seconds(text: str) -> int:
    """At least one. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of whole seconds from 1 on")
    return int(text)


def watch(args: argparse.Namespace) -> None:
    """Look, and write what is new, until the study has ended or the command is interrupted.

    Raises ReportError for an unknown study, and KeyboardInterrupt; the page that is left no longer refreshes itself.
    """
    client = open_client()
    study = find_study(client, args.study)
    out = args.out or Path("runs") / study.name / "report"
    make_folder(out)
    seen, quiet = "", 0
    try:
        while True:
            jobs = load_jobs(client, study.experiment_id)
            state = jobs.sort_values("run_id").sort_index(axis="columns").to_csv()
            quiet = quiet + 1 if state == seen and not running(jobs) else 0
            if quiet == QUIET_LOOKS:
                break
            if state != seen:
                look(client, study.name, jobs, out, args)
            seen = state
            time.sleep(args.every)
        look(client, study.name, jobs, out, args, ended=True)
    except KeyboardInterrupt:
        if (out / "report.md").exists():
            write_page(study.name, out)
        raise


def look(
    client: MlflowClient, name: str, jobs: pd.DataFrame, out: Path, args: argparse.Namespace, *, ended: bool = False
) -> None:
    """Write the report of what there is, and print a line on it. ended: nothing more is expected of the study."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    finished = int((jobs["status"] == FINISHED).sum())
    counts = f"{finished} of {plural(len(jobs), 'run')} finished, {running(jobs)} in training"
    try:
        reported = read_study(client, name, None, args.runs)
    except NothingFinished:
        waits = "nothing to report on" if ended else "waiting for the first to finish"
        print(f"{now}: {counts}: {waits}.", flush=True)
        return
    if ended:
        write_report(reported, out)
    else:
        write_report(reported, out, notice=f"**Partial**, as of {now}: {counts}.", refresh_seconds=args.every)
    print(f"{now}: {counts}: {out / 'report.html'}{', the study has ended' if ended else ''}", flush=True)


def running(jobs: pd.DataFrame) -> int:
    """How many runs train, as MLflow says."""
    return int((jobs["status"] == RUNNING).sum())

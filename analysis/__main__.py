"""Report on a study: python -m analysis report [--study NAME] [--out DIR], while it runs: watch, on its searches: tune;
plan seeds: power."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from mlflow.exceptions import MlflowException
from rich.console import Console

from analysis.answer import answer
from analysis.claims import claim_sentences, count_tests
from analysis.collector import leave_imports_alone
from analysis.compare_command import add_arguments as add_compare_arguments
from analysis.comparison import Comparison
from analysis.decide_command import add_arguments as add_decide_arguments
from analysis.drawing.save import start_processes
from analysis.errors import ReportError
from analysis.load import open_client
from analysis.power_command import add_arguments as add_power_arguments
from analysis.report import make_folder, write_report
from analysis.reported import read_study
from analysis.sections.answer import title
from analysis.sections.compared import left_out_line
from analysis.tables import protocol_note, results_terminal
from analysis.watch_command import add_arguments as add_watch_arguments


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m analysis", description="Turn a study's MLflow runs into results.")
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="write tables, figures and report.md, and print the table")
    report.add_argument("--study", metavar="NAME", help="the study's name; needed if MLflow has several")
    report.add_argument("--out", metavar="DIR", type=Path, help="where to write (default: runs/<study>/report)")
    report.add_argument("--identity", metavar="ID", nargs="+", help="report on these jobs only")
    report.add_argument("--runs", metavar="DIR", type=Path, default=Path("runs"),
                        help="where job directories lie, for samples (default: runs)")  # fmt: skip
    report.set_defaults(run=write_comparison)
    tune = commands.add_parser("tune", help="the same for searches: tables, figures and tune.md")
    tune.add_argument("--study", metavar="NAME", help="the study's name; needed if MLflow has several with searches")
    tune.add_argument("--out", metavar="DIR", type=Path, help="where to write (default: runs/<study>/tune/report)")
    tune.add_argument("--comparison", metavar="ID", nargs="+", help="report on the searches of these comparisons only")
    tune.set_defaults(run=report_on_searches)
    add_power_arguments(commands.add_parser("power", help="say how many seeds a difference needs, by finished runs"))
    add_compare_arguments(commands.add_parser("compare", help="show any runs beside each other"))
    add_watch_arguments(commands.add_parser("watch", help="write the report again while the study runs"))
    add_decide_arguments(commands.add_parser("decide", help="say which conclusions of an adaptive study are open"))
    return parser.parse_args(argv)


def write_comparison(args: argparse.Namespace) -> None:
    """Write the report and print its table. Raises ReportError if there is nothing to report on."""
    client = open_client()
    start_processes()
    reported = read_study(client, args.study, args.identity, args.runs)
    out = args.out or Path("runs") / reported.study / "report"
    make_folder(out)
    comparisons = write_report(reported, out)

    console = Console(highlight=False)
    for table in results_terminal(comparisons):
        console.print(table)
    for line in [*map(protocol_note, comparisons), left_out_line(reported.selection)]:
        console.print(line)
    for line in conclusions(comparisons):
        console.print(line, markup=False)
    print(f"Report: {out / 'report.html'}")


def conclusions(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """For the terminal: of each comparison what is shown, then whether that agrees with what the study claims."""
    family = count_tests(comparisons)
    for comparison in comparisons:
        yield title(comparison)
        for sentence in [*answer(comparison, family.differences), *claim_sentences(comparison, family)]:
            yield f"  {sentence.replace('**', '')}"


def report_on_searches(args: argparse.Namespace) -> None:
    """See tune_command.write_searches."""
    from analysis.tune_command import write_searches  # with Optuna, which no other command needs

    write_searches(args)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 130 if interrupted, 2 with one message on standard error otherwise."""
    args = parse(argv)
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # one bar per artifact otherwise
    try:
        args.run(args)
    except (ReportError, MlflowException, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    leave_imports_alone()
    raise SystemExit(main())

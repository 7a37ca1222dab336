"""How many seeds a study needs, from the spread of its finished runs: python -m analysis power."""

import argparse
import difflib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from analysis.errors import ReportError
from analysis.load import find_study, load_jobs, open_client
from analysis.markdown import DASH
from analysis.metrics import Column, shown_columns
from analysis.sections.compared import left_out_line
from analysis.selection import GROUP, select, variant_order
from analysis.statistics.interval import CONFIDENCE
from analysis.statistics.power import POWER, detectable, seeds_needed
from analysis.statistics.spread import Spread, find_spread
from experiments import names

SEEDS = (2, 3, 5, 10, 20)
MOST = 1000  # seeds; of more it is only said that they are more
LEVEL = 1 - CONFIDENCE


@dataclass(frozen=True)
class Question:
    """What is asked of every metric: the power, the comparisons that share the level, and a difference, if any."""

    power: float
    comparisons: int
    difference: float | None

    @property
    def test(self) -> str:
        """In words."""
        shared = f" / {self.comparisons}" if self.comparisons > 1 else ""
        return f"{100 * self.power:g}% power by Welch's test, two-sided at level {LEVEL:.2f}{shared}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of `power`."""
    parser.add_argument("--study", metavar="NAME", help="the study's name; needed if MLflow has several")
    parser.add_argument("--dataset", metavar="D", help="this dataset only (default: all of the study)")
    parser.add_argument("--metric", metavar="KEY", help="this metric only, as MLflow names it (default: all)")
    parser.add_argument("--difference", metavar="X", type=float,
                        help="say how many seeds show this difference, in the units of --metric")  # fmt: skip
    parser.add_argument("--comparisons", metavar="M", type=int,
                        help="how many comparisons share the level (default: one for each variant)")  # fmt: skip
    parser.add_argument("--power", metavar="P", type=float, default=POWER,
                        help=f"the probability of showing a difference that there is (default: {POWER})")  # fmt: skip
    parser.set_defaults(run=show_power)


def show_power(args: argparse.Namespace) -> None:
    """Print what 2 to 20 seeds can show. Raises ReportError for bad arguments, and if no baseline has a spread."""
    check_numbers(args)
    client = open_client()
    jobs = load_jobs(client, find_study(client, args.study).experiment_id)
    if args.dataset is not None:
        jobs = jobs[jobs[names.DATASET] == one_of("dataset", args.dataset, jobs[names.DATASET])]
    selection = select(jobs)
    compared = selection.compared
    metrics = chosen_metrics(compared, args.metric)
    if args.difference is not None and len(metrics) > 1:
        known = ", ".join(metric.key for metric in metrics)
        raise ReportError(
            f"--difference {args.difference:g} is in the units of one metric, choose it by --metric: {known}"
        )
    console = Console(highlight=False)
    is_known = False
    for (profile, dataset), group in compared.groupby(GROUP):
        variants = [variant for variant in variant_order(jobs) if variant in set(group[names.VARIANT])]
        others = len(variants) - (names.BASELINE in variants)
        question = Question(args.power, args.comparisons or max(others, 1), args.difference)
        for metric in metrics:
            spreads = {v: find_spread(group.loc[group[names.VARIANT] == v, metric.key]) for v in variants}
            title = f"{dataset}, profile {profile}: {metric.heading}"
            baseline = spreads.get(names.BASELINE)
            if baseline is None or not baseline.used > 0:
                why = f"{names.BASELINE} has {'no finished run' if baseline is None else baseline.note}"
                console.print(f"{title}: nothing can be said, {why}.", markup=False)
                continue
            is_known = True
            console.print(differences_table(title, metric, spreads, question))
            for line in notes(metric, group, spreads, question):
                console.print(line, markup=False)
    console.print(left_out_line(selection), markup=False)
    if not is_known:
        raise ReportError(f"no metric has a spread over seeds of {names.BASELINE}: run it with two seeds or more")


def check_numbers(args: argparse.Namespace) -> None:
    """Raises ReportError for the first that makes no sense."""
    if not LEVEL < args.power < 1:
        raise ReportError(f"--power {args.power:g} has to be more than {LEVEL:.2f}, the level, and less than 1")
    if args.comparisons is not None and args.comparisons < 1:
        raise ReportError(f"--comparisons {args.comparisons} has to be 1 or more")
    if args.difference is not None and not (math.isfinite(args.difference) and args.difference):
        raise ReportError(f"--difference {args.difference:g} has to be a number other than 0")


def one_of(what: str, wanted: str, known: Collection[str]) -> str:
    """The name, if it is known. Raises ReportError with the nearest one otherwise."""
    names_known = sorted(set(known))
    if wanted in names_known:
        return wanted
    nearest = difflib.get_close_matches(wanted, names_known, n=1)
    hint = f", did you mean {nearest[0]!r}?" if nearest else ""
    raise ReportError(f"there is no {what} {wanted!r} in these runs{hint} (known: {', '.join(names_known)})")


def chosen_metrics(compared: pd.DataFrame, wanted: str | None) -> list[Column]:
    """The metrics of these runs, or the one that is wanted. Raises ReportError if there is none."""
    metrics = {metric.key: metric for metric in shown_columns(compared.columns) if compared[metric.key].notna().any()}
    if not metrics:
        raise ReportError("no finished run has recorded a metric: there is no spread to plan from")
    return list(metrics.values()) if wanted is None else [metrics[one_of("metric", wanted, metrics)]]


def differences_table(title: str, metric: Column, spreads: Mapping[str, Spread], question: Question) -> Table:
    """One row per variant: its spread, and for each number of seeds the least difference that is shown."""
    table = Table(box=box.SIMPLE_HEAD, padding=0, title=escape(title))
    for head in ("Variant", "Runs", "Middle", "SD", "Robust", *(f"{count}\nseeds" for count in SEEDS)):
        table.add_column(head, no_wrap=True)
    baseline = spreads[names.BASELINE]
    for variant, spread in spreads.items():
        own = [number(value, metric) for value in (spread.middle, spread.sd, spread.robust)]
        table.add_row(
            escape(variant), str(spread.count), *own,
            *(shown_by(count, spread, baseline, metric, question) for count in SEEDS),
        )  # fmt: skip
    return table


def number(value: float, metric: Column) -> str:
    """As tables show the metric; spreads below its last digit by what they are, and never as 0."""
    if not math.isfinite(value):
        return DASH
    text = f"{value:{metric.spec}}"
    return f"{value:.2g}" if value and not float(text) else text


def shown_by(count: int, spread: Spread, baseline: Spread, metric: Column, question: Question) -> str:
    """The difference, absolute and in percent of the baseline's middle."""
    least = detectable(spread.used, count, baseline.used, count, question.comparisons, question.power)
    if math.isnan(least):
        return DASH
    return f"{number(least, metric)}\n{percent(least, baseline)}".rstrip()


def percent(difference: float, baseline: Spread) -> str:
    """Of the baseline's middle; empty if that is 0 or unknown."""
    if not math.isfinite(baseline.middle) or baseline.middle == 0:
        return ""
    share = abs(difference / baseline.middle)
    return f"{share:.0%}" if share >= 0.095 else f"{share:.1%}"


def notes(metric: Column, group: pd.DataFrame, spreads: Mapping[str, Spread], question: Question) -> list[str]:
    """What the table means, what is special about spreads, which runs lack the metric, and the seeds needed."""
    lines = [
        f"Least difference of {metric.label} to the baseline that is shown with {question.test}, with so many seeds "
        "each, for normal values of these spreads; below it in % of the baseline's middle: its mean, or median where "
        "that is said. "
        f"The row of {names.BASELINE} is for a variant that spreads as it does.",
    ]
    lines += [f"{variant}: {spread.note}." for variant, spread in spreads.items() if spread.note]
    for variant, spread in spreads.items():
        runs = int((group[names.VARIANT] == variant).sum())
        if spread.count < runs:
            missing = f"{runs - spread.count} of {runs} finished runs"
            lines.append(f"{variant}: left out {missing} without {metric.key}.")
    if question.difference is not None:
        lines.append(seeds_sentence(question.difference, metric, spreads, question))
    return lines


def seeds_sentence(difference: float, metric: Column, spreads: Mapping[str, Spread], question: Question) -> str:
    """How many seeds the difference needs, with the spread of the baseline and of each variant."""
    baseline = spreads[names.BASELINE]
    others = [
        f"{seeds_text(difference, spread, baseline, question)} with the spread of {variant}"
        for variant, spread in spreads.items()
        if variant != names.BASELINE
    ]
    share = percent(difference, baseline)
    return (
        f"A difference of {difference:g} of {metric.label}{f' ({share} of the baseline)' if share else ''} needs "
        f"{seeds_text(difference, baseline, baseline, question)} seeds each if a variant spreads as the baseline does"
        f"{''.join(f', {other}' for other in others)} ({question.test})."
    )


def seeds_text(difference: float, spread: Spread, baseline: Spread, question: Question) -> str:
    """`12`, `more than 1000`, `an unknown number`."""
    if not spread.used > 0:
        return "an unknown number"
    needed = seeds_needed(difference, spread.used, baseline.used, question.comparisons, question.power, MOST)
    return f"more than {MOST}" if needed is None else str(needed)

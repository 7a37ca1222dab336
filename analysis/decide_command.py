"""`python -m analysis decide`: which conclusions of an adaptive study are open, and how many seeds they need now."""

import argparse
import json

import pandas as pd
from mlflow.tracking import MlflowClient

from analysis.adaptive import Conclusion, conclude, wanted
from analysis.adaptive_text import sentence
from analysis.errors import ReportError
from analysis.judgement import Judgement, judge
from analysis.load import find_study, load_jobs, load_points, open_client
from analysis.metrics import shown_columns
from analysis.selection import GROUP, Selection, select
from experiments import names


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of `decide`."""
    command.add_argument("--study", metavar="NAME", help="the study's name; needed if MLflow has several")
    command.add_argument("--identity", metavar="ID", nargs="+", help="conclude from these jobs only")
    command.add_argument("--json", action="store_true", help="for machines: seeds by dataset and variant, sentences")
    command.set_defaults(run=decide)


def decide(args: argparse.Namespace) -> None:
    """Print it. Raises ReportError if there is nothing to conclude from, or no rule for seeds."""
    client = open_client()
    jobs = load_jobs(client, find_study(client, args.study).experiment_id)
    selection = select(jobs, args.identity)
    _require_one_group_per_dataset(selection)
    variants, sentences = [], []
    for _, group in selection.compared.groupby(GROUP):
        judgement = judge(group, _points(client, group))
        found = conclude(group, selection.left_out, _points(client, group), judgement)
        dataset = group[names.DATASET].iloc[0]
        sentences += [f"{dataset}: {said.replace('**', '')}" for said in _sentences(found, judgement)]
        variants += [{"dataset": dataset, "variant": v, "seeds": seeds} for v, seeds in wanted(found).items()]
    if not variants:
        raise ReportError("no runs of these were made by a rule that adds seeds, with a variant beside the baseline")
    print(json.dumps({"variants": variants, "sentences": sentences}) if args.json else "\n".join(sentences))


def _points(client: MlflowClient, group: pd.DataFrame) -> pd.DataFrame:
    return load_points(client, group, [column.key for column in shown_columns(group.columns)])


def _sentences(found: dict[str, Conclusion], judgement: Judgement) -> list[str]:
    rule, metric = judgement.design.seed_rule, judgement.primary
    if rule is None or metric is None:
        return []
    return [sentence(variant, conclusion, rule, metric) for variant, conclusion in found.items()]


def _require_one_group_per_dataset(selection: Selection) -> None:
    """Raises ReportError where runs of several versions of the code, or profiles, are not to be compared."""
    compared = selection.compared[GROUP].drop_duplicates()
    several = compared[compared[names.DATASET].duplicated(keep=False)]
    if len(several):
        which = "; ".join(f"{row[names.DATASET]}: profile {row[names.PROFILE]}" for _, row in several.iterrows())
        raise ReportError(
            f"seeds cannot be added to runs that are not compared with each other ({which}): with --rerun changed, "
            "python -m experiments.run trains again what other sources have trained"
        )

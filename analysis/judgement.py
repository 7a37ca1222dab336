"""By what a profile and dataset is judged: the primary metric, the study's rule for collapse, and which seeds fell."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pandas as pd

from analysis.errors import ReportError
from analysis.metrics import Column, shown_columns
from analysis.statistics.collapse import Collapses, find_collapses, sentence
from experiments import names
from experiments.design import CollapseRule, Design, design_from
from r3gan.evaluation.protocol import read_key
from r3gan.tables.metrics import METRICS

RULES: tuple[tuple[str, str, Callable[[Design], object]], ...] = (
    ("of what a collapse is", "it may have been chosen by their results", lambda design: design.collapse),
    ("by which claims are checked", "they may have been made by these results", lambda design: design.claims),
    ("that adds seeds", "its level does not hold if results had been seen", lambda design: design.seed_rule),
)
MOST_QUOTED = 60  # characters of a tag that cannot be read


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """How one profile and dataset is judged."""

    design: Design
    primary: Column | None  # None: nothing was measured that is better in one direction
    named: str  # who chose the primary metric, and when, in a sentence
    changed: tuple[str, ...] = ()  # which rules are not those under which runs began, a sentence each
    collapses: Collapses | None

    @property
    def sentences(self) -> list[str]:
        """The primary metric and the rule, for the report."""
        if self.primary is None:
            return ["Nothing was measured that is better in one direction: nothing is concluded."]
        rule = sentence(rule_for(self.primary, self.design.collapse), self.primary.label, self.primary.unit)
        note = self.collapses.note if self.collapses else ""
        return [self.named, rule, *self.changed, *([f"{note[0].upper()}{note[1:]}."] if note else [])]


def judge(group: pd.DataFrame, points: pd.DataFrame) -> Judgement:
    """group: the compared runs of one profile and dataset, rows of `load.load_jobs`; points: of `load.load_points`.

    Raises ReportError for a tag on how the study is judged that cannot be read.
    """
    design = design_of(group[names.DESIGN][group["start_time"].sort_values().index])
    columns = shown_columns([key for key in group if group[key].notna().any()])
    primary, named = primary_of(columns, design, group)
    if primary is None or primary.better is None:
        return Judgement(design=design, primary=None, named=named, collapses=None)
    found = collapses_of(group, points, primary, design.collapse)
    return Judgement(
        design=design, primary=primary, named=named, changed=tuple(changes(design, group)), collapses=found
    )


def collapses_of(group: pd.DataFrame, points: pd.DataFrame, primary: Column, rule: CollapseRule) -> Collapses:
    """Which of these runs have collapsed, by these runs alone. primary: better in one direction."""
    assert primary.better is not None
    curves = points[points["metric"] == primary.key].merge(group[["run_id", names.VARIANT, names.SEED]], on="run_id")
    curves = curves[[names.VARIANT, names.SEED, "kimg", "value"]]
    return find_collapses(curves, primary.better, names.BASELINE, rule_for(primary, rule))


def rule_for(primary: Column, rule: CollapseRule) -> CollapseRule:
    """The study's rule, with what is negligible in this metric where it names no least difference of its own."""
    return rule if rule.at_least is not None else replace(rule, at_least=primary.negligible)


def design_of(texts: "pd.Series[str]") -> Design:
    """What the last of these tags says of the study; where none says anything, that of a file that declares nothing."""
    known = texts[texts != ""]
    return read_design(known.iloc[-1]) if len(known) else Design()


def read_design(text: str) -> Design:
    """What a tag says. Raises ReportError for one that this version does not understand."""
    try:
        return design_from(json.loads(text))
    except (ValueError, TypeError) as error:
        raise ReportError(
            f"what a run's tag {names.DESIGN} or {names.DESIGN_AT_START} in MLflow says of how the study is judged "
            f"cannot be read ({error}): {text[:MOST_QUOTED]!r}. Make the report with the version that trained the run, "
            "or mend the tag"
        ) from error


def changes(design: Design, group: pd.DataFrame) -> Iterator[str]:
    """A sentence for each rule of the study that some runs began without, or that not all were planned under last."""
    began, planned = (
        [read_design(text) for text in group[tag] if text] for tag in (names.DESIGN_AT_START, names.DESIGN)
    )
    for what, doubt, of in RULES:
        other = sum(of(then) != of(design) for then in planned)
        if other:
            yield (
                f"{other} of these {len(group)} runs were last planned under another rule {what}: all are judged by "
                "that of the run that began last. Running the whole study, not a part of it, tells all of the rule in "
                "its file."
            )
        late = sum(of(then) != of(design) for then in began)
        if late:
            yield f"The rule {what} was changed after {late} of these {len(group)} runs had begun: {doubt}."


def primary_of(columns: tuple[Column, ...], design: Design, group: pd.DataFrame) -> tuple[Column | None, str]:
    """The primary metric, and a sentence on who chose it when."""
    by_key = {column.key: column for column in columns}
    if design.primary and design.primary in by_key:
        late = sum(design_of(group.loc[[i], names.DESIGN_AT_START]).primary != design.primary for i in group.index)
        when = f"after {late} of these {len(group)} runs had begun" if late else "before these runs began"
        chosen = by_key[design.primary]
        return chosen, f"The primary metric is {chosen.label}: the study file named it {when}."
    bests = {metric.best for metric in METRICS.values()}
    primary = next((c for c in columns if (r := read_key(c.key)) and r.number.key in bests and not r.best), None)
    if primary is None:
        return None, ""
    why = f"names {design.primary}, of which nothing was recorded" if design.primary else "names none"
    return primary, f"The primary metric is {primary.label}, chosen for this report: the study file {why}."


def with_collapsed(group: pd.DataFrame, judgement: Judgement) -> pd.DataFrame:
    """The runs with a column `collapsed`."""
    fell = set(judgement.collapses.collapsed) if judgement.collapses else set()
    pairs = zip(group[names.VARIANT], group[names.SEED], strict=True)
    return group.assign(collapsed=[(variant, seed) in fell for variant, seed in pairs])

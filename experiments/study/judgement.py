"""How a study's results are judged: its primary metric, its rule for collapse, and how its variants are made."""

from collections.abc import Iterator

from experiments.design import Design
from experiments.study.problems import StudyProblem
from experiments.study.study import Study
from r3gan.config import EvaluationConfig
from r3gan.evaluation.protocol import recorded_key, wanted
from r3gan.tables.metrics import METRICS


def design_of(study: Study, evaluation: EvaluationConfig) -> Design:
    """What the study declares for jobs that are evaluated so."""
    chosen = next((key for key in study.primary if key in _recorded(evaluation)), None)
    return Design(
        primary=recorded_key(chosen, evaluation) if chosen else "",
        collapse=study.collapse,
        includes=study.includes,
        pure=[name for name, included in study.includes.items() if included and not study.section("variants", name)],
    )


def primary_problems(study: Study, dataset: str, evaluation: EvaluationConfig) -> Iterator[StudyProblem]:
    """A dataset whose jobs record none of the primary metrics."""
    recorded = _recorded(evaluation)
    if study.primary and not recorded & set(study.primary):
        judged = ", ".join(sorted(recorded))
        yield study.document.problem(
            ("primary",), f"{', '.join(study.primary)} is not recorded on {dataset}, whose jobs record {judged}"
        )


def _recorded(evaluation: EvaluationConfig) -> set[str]:
    """The numbers of a job's evaluations that are better in one direction."""
    return {number.key for name in wanted(evaluation) for number in METRICS[name].numbers if number.better}

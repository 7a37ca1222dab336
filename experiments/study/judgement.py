"""How a study's results are judged: its primary metric, its rule for collapse, and how its variants are made."""

from collections.abc import Iterator

from experiments.design import Design
from experiments.study.problems import StudyProblem
from experiments.study.study import Profile, Study
from r3gan.config import EvaluationConfig
from r3gan.evaluation.protocol import recorded_key, wanted
from r3gan.settings.values import KeyPath
from r3gan.tables.metrics import METRICS


def design_of(study: Study, profile: Profile, evaluation: EvaluationConfig) -> Design:
    """What the study declares for jobs of a profile that are evaluated so."""
    chosen = _chosen(study, evaluation)
    return Design(
        primary=recorded_key(chosen, evaluation) if chosen else "",
        collapse=study.collapse,
        includes=study.includes,
        pure=[name for name, included in study.includes.items() if included and not study.section("variants", name)],
        seed_rule=profile.seed_rule,
        claims=study.claims,
    )


def primary_problems(
    study: Study, profile: Profile, dataset: str, evaluation: EvaluationConfig
) -> Iterator[StudyProblem]:
    """A dataset whose jobs record none of the primary metrics, or are judged by another than seeds.until names."""
    recorded = _recorded(evaluation)
    if study.primary and not recorded & set(study.primary):
        judged = ", ".join(sorted(recorded))
        yield study.document.problem(
            ("primary",), f"{', '.join(study.primary)} is not recorded on {dataset}, whose jobs record {judged}"
        )
    chosen = _chosen(study, evaluation)
    if profile.rule_metric and chosen and chosen != profile.rule_metric:
        own: KeyPath = ("profiles", profile.name, "seeds", "until", "metric")
        path = own if own in study.document.lines else own[2:]
        message = f"{profile.rule_metric} is not what {dataset} is judged by, which is {chosen}"
        yield study.document.problem(path, message)


def _chosen(study: Study, evaluation: EvaluationConfig) -> str | None:
    """The number by which jobs that are evaluated so are judged."""
    return next((key for key in study.primary if key in _recorded(evaluation)), None)


def _recorded(evaluation: EvaluationConfig) -> set[str]:
    """The numbers of a job's evaluations that are better in one direction."""
    return {number.key for name in wanted(evaluation) for number in METRICS[name].numbers if number.better}

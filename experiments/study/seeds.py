"""`seeds` in the study file: a list of them, or from how many to how many, until when (docs/ablations-yaml.md)."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from experiments.design import SeedRule, Spending
from experiments.names import BASELINE
from experiments.study.problems import StudyProblem
from experiments.study.yamlfile import Document
from r3gan.config import TrainConfig
from r3gan.ranges import ranged, refusal
from r3gan.settings.validation import explain
from r3gan.settings.values import KeyPath
from r3gan.tables.lookup import unknown_message

MOST_SEEDS = 1000  # more is a slip


class _Until(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    sign: bool = False
    metric: str | None = None
    half_width: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _ends(self) -> "_Until":
        if not self.sign and self.half_width is None:
            raise ValueError("`sign: true`, a half_width or both were expected")
        if self.half_width is not None and self.metric is None:
            raise ValueError("half_width needs `metric`, in whose unit it is")
        return self


class SeedsSection(BaseModel):
    """`seeds` as a mapping."""

    model_config = ConfigDict(extra="forbid", strict=True)

    min: int = Field(ge=2)
    max: int = Field(le=MOST_SEEDS)
    until: _Until = Field(default=None, validate_default=True)
    spending: Spending = SeedRule.spending

    @field_validator("until", mode="before")
    @classmethod
    def _sign_alone(cls, until: Any) -> Any:
        if until is None:
            raise ValueError("is missing: `until: sign`, say; seeds that all run are a list, such as [0, 1, 2]")
        return {"sign": True} if until == "sign" else until

    @field_validator("max")
    @classmethod
    def _grows(cls, most: int, info: ValidationInfo) -> int:
        least = info.data.get("min")
        if least is not None and most <= least:
            raise ValueError(f"{most} is not above min, which is {least}")
        return most

    @property
    def metric(self) -> str | None:
        """The number that the rule names."""
        return self.until.metric

    def rule(self, datasets: Sequence[str], variants: Sequence[str]) -> SeedRule:
        """For a profile with these."""
        return SeedRule(
            least=self.min,
            most=self.max,
            sign=self.until.sign,
            half_width=self.until.half_width,
            spending=self.spending,
            comparisons=len(datasets) * (len(variants) - 1),
        )


def read_seeds(value: Any, document: Document, path: KeyPath) -> tuple[list[int] | SeedsSection, list[StudyProblem]]:
    """What stands at the path, and what is wrong with it; a wrong value reads as [0], so that checks can go on."""
    schema: Any = SeedsSection if isinstance(value, dict) else list[int]
    if not isinstance(value, (list, dict)):
        message = f"{value!r}: a list of seeds, or a mapping of min, max and until, was expected"
        return [0], [document.problem(path, message)]
    try:
        found: list[int] | SeedsSection = TypeAdapter(schema).validate_python(value, strict=True)
    except ValidationError as error:
        return [0], [document.problem((*path, *below), message) for below, message in explain(error, schema)]
    if isinstance(found, list) and (not found or len(set(found)) != len(found) or min(found) < 0):
        return [0], [document.problem(path, f"{found}: distinct whole numbers from 0 up were expected, at least one")]
    if isinstance(found, list) and (said := refusal(max(found), ranged(TrainConfig)["seed"][0])):
        return [0], [document.problem(path, said)]
    return found, []


def rule_problems(
    section: SeedsSection, document: Document, path: KeyPath, primary: Sequence[str], variants: Sequence[str]
) -> Iterator[StudyProblem]:
    """What a profile with these variants lacks for the rule."""
    until: KeyPath = (*path, "until")
    if not primary:
        yield document.problem(until, "needs `primary:` in the file: the metric that is concluded from, such as d_kl")
    elif section.metric is not None and section.metric not in primary:
        yield document.problem((*until, "metric"), unknown_message("primary metric", section.metric, primary))
    if BASELINE not in variants or len(variants) < 2:
        yield document.problem(path, "until needs the baseline and another variant in the profile: their difference")

"""By what a comparison is judged, who chose it when, and which seeds fell."""

from dataclasses import replace

import pytest

from analysis.errors import ReportError
from analysis.judgement import judge, with_collapsed
from experiments import names
from experiments.design import CollapseRule, Design, SeedRule
from tests.analysis.studies import points_of, runs_of

VALUES = {"baseline": [1.0, 1.1, 1.2], "attention": [1.0, 9.0, 1.1]}
KL = {"modes": {v: [900.0] * 3 for v in VALUES}, "d_kl": VALUES}


def test_the_metric_that_the_study_file_names_is_the_primary_one() -> None:
    runs = runs_of(KL, design=Design(primary="modes"))
    judgement = judge(runs, points_of(runs, "d_kl", "modes"))
    assert judgement.primary is not None
    assert judgement.primary.key == "modes"
    assert judgement.named == "The primary metric is Modes: the study file named it before these runs began."


def test_a_metric_that_was_named_after_runs_had_begun_is_said() -> None:
    runs = runs_of(KL, design=Design(primary="d_kl"))
    runs.loc[:3, names.DESIGN_AT_START] = ["", *(Design(primary=p).as_text() for p in ("modes", "d_kl", ""))]
    assert "named it after 3 of these 6 runs had begun" in judge(runs, points_of(runs, "d_kl")).named


def test_rules_that_were_changed_after_runs_had_begun_are_said_to_be() -> None:
    rule = SeedRule(least=3, most=10, sign=True)
    before, today = Design(primary="d_kl"), Design(primary="d_kl", collapse=CollapseRule(factor=3), seed_rule=rule)
    runs = runs_of(KL, design=today)
    assert judge(runs, points_of(runs, "d_kl")).changed == ()
    runs.loc[:1, names.DESIGN_AT_START] = [before.as_text(), replace(today, seed_rule=None).as_text()]
    changed = judge(runs, points_of(runs, "d_kl")).sentences[2:]
    assert [sentence.partition(":")[0] for sentence in changed] == [
        "The rule of what a collapse is was changed after 1 of these 6 runs had begun",
        "The rule that adds seeds was changed after 2 of these 6 runs had begun",
    ]


def test_runs_that_were_not_planned_again_under_todays_rule_are_counted() -> None:
    before, today = Design(primary="d_kl"), Design(primary="d_kl", collapse=CollapseRule(worse_than=0.1))
    runs = runs_of(KL, design=before)
    runs.loc[:1, names.DESIGN] = today.as_text()  # a part of the study, whose runs did not begin last
    judgement = judge(runs, points_of(runs, "d_kl"))
    assert judgement.design.collapse == before.collapse
    assert [sentence.partition(":")[0] for sentence in judgement.changed] == [
        "2 of these 6 runs were last planned under another rule of what a collapse is"
    ]


def test_without_a_name_the_first_metrics_own_number_is_taken_and_that_is_said() -> None:
    judgement = judge(runs := runs_of(KL), points_of(runs, "d_kl"))
    assert judgement.primary is not None
    assert judgement.primary.key == "d_kl", "modes come first in the table, but digits are judged by D_KL"
    assert judgement.named == "The primary metric is D_KL, chosen for this report: the study file names none."
    named = judge(runs := runs_of(KL, design=Design(primary="fid50k")), points_of(runs, "d_kl")).named
    assert "names fid50k, of which nothing was recorded" in named


def test_nothing_measured_is_nothing_concluded() -> None:
    runs = runs_of({"loss_d": VALUES})
    judgement = judge(runs, points_of(runs, "loss_d"))
    assert judgement.primary is None
    assert "nothing is concluded" in judgement.sentences[0]


@pytest.mark.parametrize(
    ("rule", "fell"),
    [
        (CollapseRule(), [("attention", 1)]),
        (CollapseRule(factor=10), []),
        (CollapseRule(at_least=10), []),
        (CollapseRule(worse_than=1.15), [("baseline", 2), ("attention", 1)]),
    ],
)
def test_the_studys_own_rule_decides_who_collapsed(rule: CollapseRule, fell: list[tuple[str, int]]) -> None:
    runs = runs_of(KL, design=Design(primary="d_kl", collapse=rule))
    judged = with_collapsed(runs, judge(runs, points_of(runs, "d_kl", earlier={"digits-attention-1": 1.3})))
    rows = judged[judged["collapsed"]]
    assert list(zip(rows[names.VARIANT], rows[names.SEED], strict=True)) == fell
    assert f"a factor of {rule.factor:g}" in judge(runs, points_of(runs, "d_kl")).sentences[1]


def test_where_the_study_names_no_least_difference_the_metrics_row_does() -> None:
    values = {"d_kl": {"baseline": [0.003, 0.007], "attention": [0.004, 0.06]}}
    for least, fell in ((None, {("attention", 1)}), (0.0, {("attention", 1), ("baseline", 1)})):
        runs = runs_of(values, design=Design(primary="d_kl", collapse=CollapseRule(at_least=least)))
        judgement = judge(runs, points_of(runs, "d_kl"))
        assert judgement.collapses is not None
        assert set(judgement.collapses.collapsed) == fell
        assert ("by more than 0.05 nats" in judgement.sentences[1]) == (least is None)


def test_the_newest_run_says_how_the_study_is_judged_today() -> None:
    runs = runs_of(KL, design=Design(primary="modes"))
    runs.loc[5, names.DESIGN] = Design(primary="d_kl").as_text()
    judgement = judge(runs, points_of(runs, "d_kl", "modes"))
    assert judgement.design.primary == "d_kl"
    assert "after 6 of these 6" in judgement.named


@pytest.mark.parametrize(
    "text", ["nope", "[1]", '{"new": 1}', '{"collapse": {"factor": 0.5}}', '{"collapse": {"factor": "2"}}',
             '{"includes": {"both": 5}}'],
)  # fmt: skip
@pytest.mark.parametrize("tag", [names.DESIGN, names.DESIGN_AT_START])
def test_a_tag_that_cannot_be_read_is_an_error_that_quotes_it(tag: str, text: str) -> None:
    runs = runs_of(KL, design=Design(primary="d_kl"))
    runs.loc[5, tag] = text
    with pytest.raises(ReportError, match=r"design_at_start in MLflow .* cannot be read \(") as caught:
        judge(runs, points_of(runs, "d_kl"))
    assert f"{text!r}. Make the report with the version that trained the run" in str(caught.value)

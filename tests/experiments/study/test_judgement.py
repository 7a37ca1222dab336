"""What a study declares of how it is judged: read, checked, and carried along by its jobs."""

import json

import pytest

from experiments.design import Claim, CollapseRule, Design, SeedRule, design_from
from experiments.study.plan import job_as_json, job_from_json, make_plan, with_seeds
from experiments.study.problems import StudyError
from experiments.study.study import read_study


def jobs_of(path):
    return make_plan(read_study(path), None, {}, {}).jobs


def declared(text):
    return "profile: quick\n", f"profile: quick\n{text}\n"


def test_jobs_carry_the_primary_metric_the_rule_and_how_variants_are_made(write_study):
    rule = "collapse: {factor: 3, at_least: 20, worse_than: 900}"
    job = jobs_of(write_study(declared(f"primary: [fid, modes]\n{rule}")))[0]
    assert job.design.primary == "modes", "stacked digits record no fid"
    assert job.design.collapse == CollapseRule(factor=3, at_least=20, worse_than=900)
    assert job.design.includes == {"baseline": [], "attention": [], "switch": [], "both": ["attention", "switch"]}
    assert job.design.pure == ["both"]


def test_a_variant_that_adds_to_what_it_includes_is_not_pure(write_study):
    path = write_study(("include: [attention, switch]", "include: [attention, switch]\n    batch_size: 4"))
    assert jobs_of(path)[0].design.pure == []


def test_jobs_carry_the_claims_that_the_study_makes_of_its_variants(write_study):
    claim = "{says: no gain, expects: no-better, source: a report, at_least: 0.1}"
    job = jobs_of(write_study(declared(f"claims: {{attention: {claim}}}")))[0]
    expected = Claim(says="no gain", expects="no-better", source="a report", at_least=0.1)
    assert job.design.claims == {"attention": expected}
    assert design_from(json.loads(job.design.as_text())) == job.design
    assert job.identity == jobs_of(write_study())[0].identity
    with pytest.raises(ValueError, match="a claim expects worst: one of worse, better, no-better was expected"):
        Claim(says="no gain", expects="worst")


def test_the_design_is_no_part_of_the_identity_and_survives_job_json(write_study):
    plain, judged = jobs_of(write_study())[0], jobs_of(write_study(declared("primary: d_kl")))[0]
    assert plain.identity == judged.identity
    assert plain.design.primary == ""
    data = json.loads(json.dumps(job_as_json(judged)))
    assert job_from_json({key: value for key, value in data.items() if key != "config"}, data["config"]) == judged
    assert design_from(json.loads(judged.design.as_text())) == judged.design
    older = {key: value for key, value in data.items() if key not in ("config", "design")}
    assert job_from_json(older, data["config"]).design == Design()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("primary: d_lk", "unknown metric d_lk; did you mean d_kl?"),
        ("primary: d_kl_floor", "unknown metric d_kl_floor"),
        ("primary: fid", "fid is not recorded on stacked-digits, whose jobs record d_kl"),
        ("primary: [d_kl, fidd]", "primary.1: unknown metric fidd; did you mean fid?"),
        ("collapse: {factor: 0.5}", "collapse.factor: 0.5 is not greater than or equal to 1"),
        ("collapse: {worse_than: .inf}", "collapse.worse_than: "),
        ("collapse: {at_least: -1}", "collapse.at_least: "),
        ("collapse: {spread: 1}", "did you mean spreads?"),
        ("claims: {atention: {says: no, expects: worse}}", "unknown variant atention; did you mean attention?"),
        ("claims: {attention: {says: no, expects: worst}}", "claims.attention.expects"),
        ("claims: {attention: {expects: worse}}", "claims.attention.says"),
        ("claims: {attention: {says: no, expects: worse, at_least: 0}}", "claims.attention.at_least"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(write_study, text, message):
    path = write_study(declared(text))
    with pytest.raises(StudyError) as error:
        jobs_of(path)
    line = next(i for i, row in enumerate(path.read_text().splitlines(), 1) if row == text)
    assert f"{path}:{line}: " in str(error.value)
    assert message in str(error.value)


RULE = "{min: 3, max: 20, until: sign}"


def with_rule(rule, primary="primary: d_kl"):
    return declared(primary), ("seeds: [0, 1]", f"seeds: {rule}")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (RULE, SeedRule(least=3, most=20, sign=True, comparisons=3)),
        (
            "{min: 3, max: 20, until: {metric: d_kl, half_width: 0.02}}",
            SeedRule(least=3, most=20, half_width=0.02, comparisons=3),
        ),
        (
            "{min: 2, max: 9, until: {metric: d_kl, sign: true, half_width: 1.5}, spending: obrien-fleming}",
            SeedRule(least=2, most=9, sign=True, half_width=1.5, spending="obrien-fleming", comparisons=3),
        ),
    ],
)
def test_a_rule_for_seeds_travels_with_the_jobs_and_changes_no_identity(write_study, rule, expected):
    fixed = jobs_of(write_study(declared("primary: d_kl"), ("seeds: [0, 1]", "seeds: [0, 1, 19]")))
    adaptive = jobs_of(write_study(*with_rule(rule)))
    assert {job.design.seed_rule for job in adaptive} == {expected}
    assert [job.seed for job in adaptive if job.variant == "both"] == list(range(expected.most))
    assert {job.identity for job in fixed if job.seed < expected.most} <= {job.identity for job in adaptive}
    data = json.loads(json.dumps(job_as_json(adaptive[0])))
    assert job_from_json({k: v for k, v in data.items() if k != "config"}, data["config"]) == adaptive[0]


def test_a_profile_counts_its_own_comparisons(write_study):
    change = (
        "    datasets: [stacked-digits]\n",
        f"    datasets: [stacked-digits]\n    variants: [baseline, both]\n    seeds: {RULE}\n",
    )
    (rule,) = {job.design.seed_rule for job in jobs_of(write_study(declared("primary: d_kl"), change))}
    assert rule.comparisons == 1


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{min: 1, max: 20, until: sign}", "seeds.min: 1 is not greater than or equal to 2"),
        ("{min: 5, max: 3, until: sign}", "seeds.max: 3 is not above min, which is 5"),
        ("{min: 5, max: 5, until: sign}", "seeds.max: 5 is not above min, which is 5"),
        ("{min: 5, max: 3}", "seeds.max: 3 is not above min, which is 5"),
        ("{min: 3, max: 2000, until: sign}", "seeds.max: 2000 is not less than or equal to 1000"),
        (
            "{min: 3, max: 20}",
            "seeds.until: is missing: `until: sign`, say; seeds that all run are a list",
        ),
        ("{min: 3, max: 20, until: sing}", "seeds.until: a mapping of keys was expected, not 'sing'"),
        ("{min: 3, max: 20, until: {metric: d_kl}}", "seeds.until: `sign: true`, a half_width or both were expected"),
        ("{min: 3, max: 20, until: {half_width: 1}}", "half_width needs `metric`, in whose unit it is"),
        ("{min: 3, max: 20, until: {metric: d_kl, half_width: 0}}", "half_width: 0"),
        ("{min: 3, max: 20, until: {metric: modes, half_width: 1}}", "unknown primary metric modes"),
        (
            "{min: 3, max: 20, until: sign, spending: pocok}",
            "seeds.spending: unknown value pocok; did you mean pocock?",
        ),
        ("{min: 3, mx: 20, until: sign}", "seeds.mx: unknown key mx; did you mean max?"),
        ("many", "'many': a list of seeds, or a mapping of min, max and until, was expected"),
    ],
)
def test_a_mistake_in_a_rule_for_seeds_is_one_sentence_with_its_line(write_study, rule, message):
    path = write_study(*with_rule(rule))
    with pytest.raises(StudyError) as error:
        jobs_of(path)
    line = next(i for i, row in enumerate(path.read_text().splitlines(), 1) if row == f"seeds: {rule}")
    assert f"{path}:{line}: " in str(error.value)
    assert message in str(error.value)


def test_a_rule_for_seeds_names_what_it_needs(write_study):
    with pytest.raises(StudyError) as error:
        jobs_of(write_study(("seeds: [0, 1]", f"seeds: {RULE}")))
    assert "seeds.until: needs `primary:` in the file" in str(error.value)
    alone = ("    datasets: [stacked-digits]\n", "    datasets: [stacked-digits]\n    variants: [both]\n")
    with pytest.raises(StudyError) as error:
        jobs_of(write_study(*with_rule(RULE), alone))
    assert "seeds: until needs the baseline and another variant" in str(error.value)


def test_the_rules_metric_is_what_the_dataset_is_judged_by(write_study):
    rule = "{min: 3, max: 20, until: {metric: fid, half_width: 1}}"
    with pytest.raises(StudyError) as error:
        jobs_of(write_study(*with_rule(rule, "primary: [fid, d_kl]")))
    assert "seeds.until.metric: fid is not what stacked-digits is judged by, which is d_kl" in str(error.value)


def test_other_seeds_cannot_stand_for_a_rule(write_study):
    with pytest.raises(StudyError, match=r"--seeds: .*would be another look"):
        with_seeds(read_study(write_study(*with_rule(RULE))), None, [0, 1])

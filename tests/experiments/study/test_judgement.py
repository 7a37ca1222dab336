"""What a study declares of how it is judged: read, checked, and carried along by its jobs."""

import json

import pytest

from experiments.design import CollapseRule, Design, design_from
from experiments.study.plan import job_as_json, job_from_json, make_plan
from experiments.study.problems import StudyError
from experiments.study.study import read_study


def jobs_of(path):
    return make_plan(read_study(path), None, {}, {}).jobs


def declared(text):
    return "profile: quick\n", f"profile: quick\n{text}\n"


def test_jobs_carry_the_primary_metric_the_rule_and_how_variants_are_made(write_study):
    job = jobs_of(write_study(declared("primary: [fid, modes]\ncollapse: {factor: 3, worse_than: 900}")))[0]
    assert job.design.primary == "modes", "stacked digits record no fid"
    assert job.design.collapse == CollapseRule(factor=3, worse_than=900)
    assert job.design.includes == {"baseline": [], "attention": [], "switch": [], "both": ["attention", "switch"]}
    assert job.design.pure == ["both"]


def test_a_variant_that_adds_to_what_it_includes_is_not_pure(write_study):
    path = write_study(("include: [attention, switch]", "include: [attention, switch]\n    batch_size: 4"))
    assert jobs_of(path)[0].design.pure == []


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
        ("collapse: {spread: 1}", "did you mean spreads?"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(write_study, text, message):
    path = write_study(declared(text))
    with pytest.raises(StudyError) as error:
        jobs_of(path)
    line = next(i for i, row in enumerate(path.read_text().splitlines(), 1) if row == text)
    assert f"{path}:{line}: " in str(error.value)
    assert message in str(error.value)

"""A tuned variant written into a study file: what is inserted, that nothing else changes, and what is refused."""

import os
import stat
from pathlib import Path

import pytest

from experiments.study.insert import apply_variant, check_name
from experiments.study.plan import make_plan
from experiments.study.plan_checks import reused_tuning_seeds
from experiments.study.problems import StudyError
from experiments.study.study import read_study
from experiments.study.tune_section import Tuned
from experiments.study.yamlfile import read_document

ROOT = Path(__file__).parents[3]
TUNED = Tuned(search="a1b2c3d4e5", trial=7, seeds=[1000, 1001])
SETTINGS = {
    "schedules": {"gamma": {"start": 12.345678901234567, "end": 4.5e-05, "decay_img": 20000.0}, "beta2": 0.1 + 0.2},
    "loss": [{"kind": "relativistic-softplus"}, {"kind": "relativistic-hinge", "from_fraction": 1e-05}],
    "batch_size": 16,
    "network": {"attention": {"resolutions": [8]}},
    "x_flip": True,
}

HEAD = "study: s\nprofile: p\ndatasets: {d: {preset: digits-8x8}}\nprofiles: {p: {datasets: [d]}}\n"
SHAPES = {
    "in the middle": "study: s # name\nprofile: p\nvariants:\n  a:  # first\n    batch_size: 8\n\n# datasets, at last\n"
    "datasets: {d: {preset: digits-8x8}}\nprofiles: {p: {datasets: [d]}}\n",
    "at the end": HEAD + "variants:\n  a:\n    total_kimg: 1e-1   # quick\n  # no more than this\n",
    "without a final newline": HEAD + "variants:\n  a: {batch_size: 0o20}",
    "four spaces": HEAD + "variants:\n    a:\n        batch_size: 8\n",
    "missing": HEAD,
    "empty": "variants: # none yet\n" + HEAD,
    "empty braces": "variants: {}  # none yet\n" + HEAD,
    "null": "variants: null\n" + HEAD,
    "unicode and quotes": HEAD + "# Größe\nvariants:\n  'a':\n    batch_size: 8  # ±\n",
    "between sections": "variants:\n  a:\n    batch_size: 8\n\n\n" + HEAD,
}


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("shape", SHAPES)
def test_only_the_new_variant_is_inserted_and_read_back_bit_for_bit(tmp_path, shape, line_end):
    file = tmp_path / "study.yaml"
    text = SHAPES[shape].replace("\n", line_end)
    file.write_bytes(text.encode())
    before = read_document(file).data
    include = ["a"] if "a" in (before.get("variants") or {}) else []
    apply_variant(file, "tuned", include, SETTINGS, TUNED, "trial 7")
    after = file.read_bytes().decode()
    assert after.count("\r\n") == (after.count("\n") if line_end == "\r\n" else 0)
    kept = [line for line in text.splitlines() if not line.startswith("variants: ")]
    assert [line for line in after.splitlines() if line in kept] == kept
    variant = read_document(file).data["variants"]["tuned"]
    assert variant.pop("tuned") == TUNED.model_dump()
    assert variant.pop("include", []) == include
    assert variant == SETTINGS
    assert list(read_document(file).data["variants"])[-1] == "tuned"
    assert ("none yet" in after) == ("none yet" in text)


def test_the_repositorys_own_study_takes_a_variant_with_exactly_these_differences(tmp_path):
    file = tmp_path / "ablations.yaml"
    file.write_text((ROOT / "ablations.yaml").read_text())
    settings = {"schedules": {"gamma": {"start": 12.5, "end": 3.0, "decay_img": 6000.0}}}
    apply_variant(file, "tuned", ["attention"], settings, TUNED, "trial 7")
    assert (
        "\n  tuned:  # trial 7\n    include: [attention]\n    tuned: {search: a1b2c3d4e5, trial: 7," in file.read_text()
    )
    study = read_study(file)
    jobs = [job for job in make_plan(study, None, {}, {}).jobs if job.variant == "tuned"]
    assert jobs[0].differences["schedules.gamma.start"] == 12.5
    assert jobs[0].differences["network.attention.resolutions"] == [8]
    assert list(reused_tuning_seeds(study, jobs)) == []


def test_mode_and_link_of_the_file_stay(tmp_path):
    real, link = tmp_path / "real.yaml", tmp_path / "study.yaml"
    real.write_text(HEAD)
    os.chmod(real, 0o640)
    link.symlink_to(real)
    apply_variant(link, "tuned", [], SETTINGS, TUNED, "trial 7")
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert "tuned" in real.read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["real.yaml", "study.yaml"]


@pytest.mark.parametrize(
    ("variants", "name", "part"),
    [
        ("variants:\n  a: {batch_size: 16}\n", "a", "variants.a: is there already"),
        ("", "baseline", "is there already"),
        ("", "my variant", "only letters"),
        ("variants: {a: {batch_size: 16}}\n", "tuned", "is written in braces"),
        ("variants: {\n  a: {batch_size: 16}\n  }\n", "tuned", "a variant cannot be inserted here"),
        ("...\n", "tuned", "a variant cannot be inserted here"),
    ],
)
def test_a_name_or_file_that_cannot_take_it_is_refused_before_the_search(tmp_path, variants, name, part):
    file = tmp_path / "study.yaml"
    file.write_text(HEAD + variants)
    (problem,) = check_name(read_study(file), name)
    assert part in str(problem)
    assert check_name(read_study(file), "other") == [] or "variants: is there already" not in part


def test_a_text_that_would_not_say_the_same_is_not_written(tmp_path):
    file = tmp_path / "study.yaml"
    text = "variants: {a: {batch_size: 16}}\n" + HEAD
    file.write_text(text)
    with pytest.raises(StudyError):
        apply_variant(file, "tuned", [], SETTINGS, TUNED, "trial 7")
    assert file.read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]


def test_a_comparison_on_a_tuning_seed_is_warned_about_also_through_include(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text(HEAD + "seeds: [0, 1000]\n")
    apply_variant(file, "tuned", [], {"batch_size": 16}, TUNED, "trial 7")
    text = file.read_text() + "  more:\n    include: [tuned]\n    x_flip: true\n"
    file.write_text(text)
    study = read_study(file)
    warnings = list(reused_tuning_seeds(study, make_plan(study, None, {}, {}).jobs))
    assert len(warnings) == 2
    assert f"study.yaml:{text[: text.index('  tuned:')].count(chr(10)) + 1}: variants.tuned" in warnings[0]
    assert "was tuned on seed 1000" in warnings[0]
    assert "variants.more" in warnings[1]
    assert list(reused_tuning_seeds(study, make_plan(study, None, {"seed": ["0"]}, {}).jobs)) == []


def test_a_wrong_note_of_where_values_come_from_is_refused(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text(HEAD + "variants:\n  a: {batch_size: 16, tuned: {search: x, trail: 1, seeds: [1]}}\n")
    with pytest.raises(StudyError, match="unknown key trail; did you mean trial"):
        read_study(file)

"""The studies that ship: each plans in every profile, and is what its name and the documentation promise."""

from pathlib import Path

import pytest

from analysis.statistics.factorial import find_factorial
from experiments import run
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.availability import availability_problems

ROOT = Path(__file__).parents[1]
STUDIES = sorted((ROOT / "studies").glob("*.yaml"))


def plan(path, profile):
    return make_plan(read_study(path), profile, {}, {}).jobs


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_study_plans_in_the_profiles_that_the_documentation_names(path):
    quick, evidence, full = (plan(path, profile) for profile in ("quick", "evidence", "full"))
    assert read_study(path).name == path.stem
    assert read_study(path).default_profile == "quick"
    assert {job.dataset for job in quick + evidence} == {"stacked-digits"}
    assert {job.dataset for job in full} == {"stacked-mnist"}
    assert {job.seed for job in quick} == {0, 1}
    assert {job.seed for job in evidence} == set(range(6))
    for jobs in (quick, evidence, full):
        assert jobs[0].variant == "baseline"
        assert jobs[0].design.primary == "d_kl"
        assert jobs[0].design.claims.keys() & {job.variant for job in jobs}


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_study_shows_its_dry_run(path, tmp_path, capsys):
    assert run.main([str(path), "--dry-run", "--output", str(tmp_path), "--no-costs"]) == 0
    assert f"study {path.stem}, profile quick" in capsys.readouterr().out


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_quick_profile_ends_its_schedules_with_its_training_and_is_no_longer_than_the_default_studys(path):
    jobs = plan(path, "quick")
    for job in jobs:
        assert job.config.schedules.lr.decay_img == 1000 * job.config.total_kimg
    default = sum(job.config.total_kimg for job in plan(ROOT / "ablations.yaml", "quick"))
    assert sum(job.config.total_kimg for job in jobs) <= default


@pytest.mark.parametrize("name", ["negative-results", "paper-losses"])
def test_on_points_of_the_plane_everything_runs_that_a_perceptron_has(name):
    jobs = plan(ROOT / "studies" / f"{name}.yaml", "toys")
    assert {job.config.network.image_channels for job in jobs} == {2}
    assert jobs[0].design.primary == "points_d_kl"
    assert {"baseline"} < {job.variant for job in jobs} <= set(jobs[0].design.includes)
    for job in jobs:
        assert availability_problems(job.config) == []
        assert job.config.schedules.lr.decay_img == 1000 * job.config.total_kimg


def test_the_table_of_losses_is_a_full_factorial_that_the_report_finds():
    design = plan(ROOT / "studies" / "paper-losses.yaml", "quick")[0].design
    own = set(design.includes) - set(design.pure) - {"baseline"}
    found = find_factorial(design.includes, list(design.includes), own, "baseline")
    assert found.factors == ("plain-loss", "no-r1", "no-r2")
    assert found.left_out == ()

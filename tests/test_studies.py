"""The studies that ship: each plans in every profile, and is what its name and the documentation promise."""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.statistics.factorial import find_factorial
from experiments import run
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from r3gan.availability import availability_problems
from r3gan.config import CapacityConfig
from r3gan.training.capacity import count

ROOT = Path(__file__).parents[1]
STUDIES = sorted((ROOT / "studies").glob("*.yaml"))
WITHOUT_CLAIMS = {"style", "conditional"}  # of what the paper says nothing
SIZES = ["stacked-digits", *(f"stacked-digits-{size}" for size in (16, 32, 64, 128, 256))]
DATA = {"output-size": (SIZES[:3], SIZES)}  # of quick and evidence, and of full, where they are others than these:
DIGITS = (["stacked-digits"], ["stacked-mnist"])


def plan(path, profile):
    return make_plan(read_study(path), profile, {}, {}).jobs


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_study_plans_in_the_profiles_that_the_documentation_names(path):
    quick, evidence, full = (plan(path, profile) for profile in ("quick", "evidence", "full"))
    assert read_study(path).name == path.stem
    assert read_study(path).default_profile == "quick"
    small, large = DATA.get(path.stem, DIGITS)
    assert {job.dataset for job in quick + evidence} == set(small)
    assert {job.dataset for job in full} == set(large)
    assert {job.seed for job in quick} == {0, 1}
    assert {job.seed for job in evidence} == set(range(6))
    for jobs in (quick, evidence, full):
        assert jobs[0].variant == "baseline"
        assert jobs[0].design.primary == "d_kl"
        claimed = jobs[0].design.claims.keys() & {job.variant for job in jobs}
        assert bool(claimed) == (path.stem not in WITHOUT_CLAIMS)


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


def test_edm2s_learning_rate_is_a_profile_of_its_own_beside_the_jobs_of_evidence():
    path = ROOT / "studies" / "negative-results.yaml"
    own, evidence = plan(path, "magnitude-preserving"), plan(path, "evidence")
    trained = {job.identity for job in evidence}
    assert [job.variant for job in own if job.identity not in trained] == ["magnitude-preserving-lr"] * 6
    for profile in ("quick", "evidence", "full"):
        assert {job.variant for job in plan(path, profile)} == {*own[0].design.includes} - {"magnitude-preserving-lr"}


def test_the_table_of_losses_is_a_full_factorial_that_the_report_finds():
    design = plan(ROOT / "studies" / "paper-losses.yaml", "quick")[0].design
    own = set(design.includes) - set(design.pure) - {"baseline"}
    found = find_factorial(design.includes, list(design.includes), own, "baseline")
    assert found.factors == ("plain-loss", "no-r1", "no-r2")
    assert found.left_out == ()


def test_the_study_of_attention_extends_the_default_one_and_changes_one_thing_at_a_time():
    own = {job.variant: job.config.network for job in plan(ROOT / "studies" / "attention.yaml", "evidence")}
    default = {job.variant: job.config.network for job in plan(ROOT / "ablations.yaml", "quick")}
    assert own["attention"] == default["attention"]
    for name in own.keys() - {"baseline", "attention"}:
        ours, theirs = vars(own[name].attention), vars(own["attention"].attention)
        assert len([key for key in ours if ours[key] != theirs[key]]) == 1, name


def test_expansion_and_kernel_are_a_full_factorial_and_what_is_moved_keeps_its_budget():
    jobs = plan(ROOT / "studies" / "capacity.yaml", "evidence")
    design, networks = jobs[0].design, {job.variant: job.config.network for job in jobs}
    own = set(design.includes) - set(design.pure) - {"baseline"}
    found = find_factorial(design.includes, list(design.includes), own, "baseline")
    assert found.factors == ("expansion-4", "kernel-5")
    for name, what in (("", "parameters"), ("-equal-operations", "operations")):
        budget = count(networks["baseline"], what)
        for shape in ("low", "high"):
            kept = replace(networks[f"{shape}{name}"], capacity=CapacityConfig())
            assert abs(count(kept, what) / budget - 1) < 0.06
            assert kept.widths != networks["baseline"].widths


def test_sizes_are_reached_by_adding_stages():
    for job in plan(ROOT / "studies" / "output-size.yaml", "full"):
        size = int(job.dataset.removeprefix("stacked-digits-")) if job.dataset != "stacked-digits" else 8
        assert job.config.network.resolution == size
        if job.variant == "baseline":
            assert job.config.schedules.gamma.start == pytest.approx(30 * (size / 8) ** 2, rel=0.005)

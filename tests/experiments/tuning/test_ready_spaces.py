"""The ready-made search spaces fit every preset."""

import pytest

from experiments.study.study import read_study
from experiments.tuning.make_searches import make_searches
from experiments.tuning.own_setting import own_setting, own_setting_is_within
from experiments.tuning.search_checks import search_problems
from r3gan.presets import PRESETS
from r3gan.tables.metrics import METRICS


@pytest.mark.parametrize("preset", PRESETS)
def test_the_ready_made_space_is_sound_for_every_preset_and_holds_its_own_setting(preset, tmp_path):
    path = tmp_path / "study.yaml"
    metric = METRICS[PRESETS[preset].metric].best
    path.write_text(
        f"study: s\nprofile: p\ndatasets: {{d: {{preset: {preset}}}}}\nprofiles: {{p: {{datasets: [d]}}}}\n"
        f"tune: {{space: {{include: [loss-schedule]}}, objective: {{metric: {metric}}}, trials: 5}}\n"
    )
    study = read_study(path)
    (made,) = make_searches(study, study.tune, {}, {"dataset": None, "variant": None})
    assert own_setting_is_within(made)
    keys = {p.key for p in made.space.searched}
    assert {"schedules.gamma.start", "schedules.gamma.end", "schedules.gamma.decay_img", "loss"} <= keys
    assert any(key.startswith("schedules.ema_half_life_img") for key in keys)


def test_the_ready_made_space_searches_above_the_lowest_value_and_gamma_and_beta2_as_cosines(tmp_path):
    path = tmp_path / "study.yaml"
    lr = "{start: 3e-3, end: 1e-3, decay_img: 6_000, shape: inverse-sqrt}"
    gamma = "{start: 30, end: 20, decay_img: 6_000, shape: inverse-sqrt}"
    path.write_text(
        "study: s\nprofile: p\ndatasets: {d: {preset: digits-8x8}}\nprofiles: {p: {datasets: [d]}}\n"
        f"baseline: {{schedules: {{lr: {lr}, gamma: {gamma}}}}}\n"
        "tune: {space: {include: [loss-schedule]}, objective: {metric: d_kl}, trials: 5}\n"
    )
    study = read_study(path)
    (made,) = make_searches(study, study.tune, {}, {"dataset": None, "variant": None})
    (found,) = [p for p in made.space.searched if p.key.startswith("schedules.lr")]
    assert (found.key, found.low, found.high) == ("schedules.lr.start", 1e-3, 12e-3)
    assert search_problems(made) == []
    schedules = made.configured("baseline", own_setting(made)).schedules
    assert (schedules.gamma.shape, schedules.beta2.shape, schedules.lr.shape) == ("cosine", "cosine", "inverse-sqrt")


def test_a_shape_is_searched_like_any_other_choice(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(
        "study: s\nprofile: p\ndatasets: {d: {preset: digits-8x8}}\nprofiles: {p: {datasets: [d]}}\n"
        "tune: {space: {schedules.lr.shape: {choice: [cosine, inverse-sqrt]}}, objective: {metric: d_kl}, trials: 5}\n"
    )
    study = read_study(path)
    (made,) = make_searches(study, study.tune, {}, {"dataset": None, "variant": None})
    assert own_setting_is_within(made)
    assert own_setting(made) == {"schedules.lr.shape": "cosine"}
    assert made.configured("baseline", {"schedules.lr.shape": "inverse-sqrt"}).schedules.lr.shape == "inverse-sqrt"
    assert [p.key for p in made.space.searched] == ["schedules.lr.shape"]

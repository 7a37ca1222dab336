"""The ready-made search spaces fit every preset."""

import pytest

from experiments.study.study import read_study
from experiments.tuning.make_searches import make_searches
from experiments.tuning.own_setting import own_setting_is_within
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

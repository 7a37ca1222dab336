"""A variant's own values in the search space."""

import pytest

from experiments.tuning.own_setting import own_setting, own_setting_is_within


def test_the_own_setting_is_found_also_behind_names_and_constants(search):
    # gamma is constant (30) in the preset: its decay is any; batch_size is 8 in the study's baseline
    made = search()
    assert own_setting(made)["schedules.gamma.start"] == 30
    assert own_setting(made)["batch_size"] == 8
    assert own_setting_is_within(made)


def test_an_own_choice_is_recognised_by_what_it_means(search):
    loss = """loss:
      choice:
        plain: [{kind: relativistic-softplus}]
        switched: [{kind: relativistic-softplus}, {kind: relativistic-hinge, from_fraction: 0.9}]
    loss.1.from_fraction: {uniform: [0.2, 0.8], when: {loss: switched}}
    loss.1.margin: {log: [0.25, 4], when: {loss: switched}}
    batch_size:"""
    assert own_setting(search(("batch_size:", loss)))["loss"] == "plain"
    switch = search(("batch_size:", loss), ("seeds: [1000]", "seeds: [1000]\n  variants: [switch]"))
    own = own_setting(switch)
    assert (own["loss"], own["loss.1.from_fraction"], own["loss.1.margin"]) == ("switched", 0.5, 2.0)
    assert own_setting_is_within(switch)


@pytest.mark.parametrize(
    ("old", "new"),
    [("[3, 300]", "[3, 20]"), ("[8, 16]", "[16, 32]"), ("gamma.end: {value: 30}", "gamma.end: {value: 20}")],
)
def test_an_own_setting_outside_the_space_is_not_taken_for_one_inside(search, old, new):
    assert not own_setting_is_within(search((old, new)))

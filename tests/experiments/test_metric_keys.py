import pytest

from analysis.metrics import CURVES
from experiments.metric_keys import QUALITY, SECTIONS, is_constant, metric_key, recorded_name, section_of


def test_sections_sort_in_the_order_of_interest():
    order = [QUALITY, *SECTIONS]
    assert order == ["image quality", "losses", "penalties", "schedules", "steps", "training cost"]
    assert order == sorted(order), "MLflow's pages sort them by name"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("d_kl", "image quality/d_kl"),
        ("best_modes", "image quality/best_modes"),
        ("fd_dinov2_50k_raw", "image quality/fd_dinov2_50k_raw"),
        ("loss_g", "losses/loss_g"),
        ("r2", "penalties/r2"),
        ("ema_half_life_img", "schedules/ema_half_life_img"),
        ("images_per_second", "training cost/images_per_second"),
        ("something_else", "something_else"),
    ],
)
def test_a_key_and_its_name_lead_to_each_other(name, key):
    assert metric_key(name) == key
    assert recorded_name(key) == recorded_name(name) == name


def test_a_slash_of_other_people_is_left_alone():
    assert recorded_name("system/cpu") == "system/cpu"


def test_curves_are_in_the_section_of_the_figure_that_draws_them():
    assert {column.key: section_of(column.key) for column in CURVES} == {c.key: c.figure for c in CURVES}


def test_floors_and_accuracies_are_constant_and_results_are_not():
    constants = ("d_kl_floor", "best_d_kl_floor", "d_kl_floor_raw", "classifier_test_accuracy")
    assert [is_constant(name) for name in constants] == [True] * 4
    assert [name for name in ("d_kl", "kid_std10k", "kid10k_std", "loss_d", "study") if is_constant(name)] == []

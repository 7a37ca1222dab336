import pytest

from experiments.study.options import parse_only, parse_settings
from experiments.study.problems import StudyError


def test_only_admits_several_values_per_axis():
    assert parse_only(["variant=both,attention,seed=0", "seed=1"]) == {
        "variant": ["both", "attention"],
        "seed": ["0", "1"],
    }
    assert parse_only([]) == {}


@pytest.mark.parametrize("option", ["varant=both", "both"])
def test_only_with_an_unknown_axis_names_the_valid_ones(option):
    with pytest.raises(StudyError, match="variant, dataset, seed"):
        parse_only([option])


def test_settings_are_read_as_yaml():
    options = [
        "total_kimg=1.5",
        "network.widths=[8, 8]",
        "x_flip=true",
        "schedules.lr={start: 2e-4, end: 1e-4}",
        "a=b=c",
    ]
    assert parse_settings(options) == {
        "total_kimg": 1.5,
        "network.widths": [8, 8],
        "x_flip": True,
        "schedules.lr": {"start": 2e-4, "end": 1e-4},
        "a": "b=c",
    }


@pytest.mark.parametrize("option", ["total_kimg", "=3", "a..b=3", "a=[1"])
def test_settings_that_cannot_be_read_are_told(option):
    with pytest.raises(StudyError, match="--set"):
        parse_settings([option])

from argparse import ArgumentTypeError

import pytest

from experiments.study.options import parse_only, parse_seeds
from experiments.study.problems import StudyError
from r3gan.arguments import minutes, positive, seed_number
from r3gan.settings.options import parse_settings


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


@pytest.mark.parametrize("read", [parse_seeds, lambda text: parse_settings([f"batch_size={text}"])])
def test_an_absurd_number_is_one_readable_sentence(read):
    with pytest.raises(StudyError) as caught:
        read("9" * 5000)
    assert "5000 digits" in str(caught.value)
    assert "sys." not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("read", [positive, seed_number, minutes])
def test_an_absurd_number_of_an_option_is_one_too(read):
    with pytest.raises(ArgumentTypeError, match=r"^'99999999... \(5000 digits\)': a .*number .*was expected$"):
        read("9" * 5000)


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


@pytest.mark.parametrize("option", ["total_kimg", "=3", "a..b=3", "a=[1", "loss={2024-01-01: 1}"])
def test_settings_that_cannot_be_read_are_told(option):
    with pytest.raises(StudyError, match="--set"):
        parse_settings([option])


def test_a_setting_that_is_none_names_the_option_that_is_meant():
    with pytest.raises(StudyError, match=r"^--set: seed: is not a configuration key: use --seeds$"):
        parse_settings(["seed=3"], {"seed": "--seeds"})


@pytest.mark.parametrize(
    ("text", "seeds"), [("5", [5]), ("0-4", [0, 1, 2, 3, 4]), ("0,3,7-9", [0, 3, 7, 8, 9]), ("2, 1", [2, 1])]
)
def test_seeds_are_numbers_and_ranges(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "4-2", "-1", "1,", "x", "1.5", "0-1000000", "1,0-2", "0..4"])
def test_seeds_that_are_none_are_refused(text):
    with pytest.raises(StudyError, match="--seeds"):
        parse_seeds(text)

import numpy as np
import pytest

from analysis.statistics.best import not_worse_than_best

NEAR = {"a": [0.30, 0.34, 0.38], "b": [0.31, 0.36, 0.33], "far": [0.80, 0.84, 0.88]}


def arrays(values: dict[str, list[float]]) -> dict[str, np.ndarray]:
    return {variant: np.array(own) for variant, own in values.items()}


def test_what_is_shown_to_be_worse_than_the_best_is_not_among_them() -> None:
    assert not_worse_than_best(arrays(NEAR), "lower") == {"a", "b"}
    assert not_worse_than_best(arrays(NEAR), "higher") == {"far"}


def test_it_is_corrected_for_all_pairs() -> None:
    """p = 0.0335 for two samples with means 0 and 3, SD 1 and two seeds... by hand: t = 3.674 with 4 degrees of
    freedom, p = 0.0213 for three seeds each; times three pairs 0.064."""
    two = {"a": [-1.0, 0, 1], "b": [2.0, 3, 4]}
    assert not_worse_than_best(arrays(two), "lower") == {"a"}
    assert not_worse_than_best(arrays(two | {"c": [-1.1, 1.5, 3]}), "lower") == {"a", "b", "c"}


@pytest.mark.parametrize("values", [{"a": [1.0], "b": [9.0]}, {"a": [1.0, 1.0], "b": [9.0, 9.0]}])
def test_without_a_test_nothing_is_shown(values: dict[str, list[float]]) -> None:
    assert not_worse_than_best(arrays(values), "lower") == {"a", "b"}


def test_a_variant_without_a_value_is_left_out() -> None:
    assert not_worse_than_best(arrays({"a": [1.0, 2.0], "none": []}), "lower") == {"a"}
    assert not_worse_than_best(arrays({"none": []}), "lower") == set()

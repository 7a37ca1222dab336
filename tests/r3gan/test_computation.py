import argparse

import pytest

from r3gan.computation import Computation, add_computation, computation_of


@pytest.mark.parametrize(
    "computation",
    [
        Computation(),
        Computation(micro_batch=3),
        Computation(penalty_form="double"),
        Computation(7, "first-order", True),
    ],
)
def test_the_command_line_says_what_the_value_says(computation):
    parser = argparse.ArgumentParser()
    add_computation(parser)
    assert computation_of(parser.parse_args(computation.arguments())) == computation
    assert Computation().arguments() == []

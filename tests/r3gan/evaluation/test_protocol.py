"""Recorded names: `read_key` is the inverse of `recorded_key`, and refuses what is no such name."""

import pytest

from r3gan.config import EvaluationConfig
from r3gan.evaluation.protocol import BEST, read_key, recorded_key
from r3gan.tables.lookup import UnknownChoice
from r3gan.tables.metrics import numbers


@pytest.mark.parametrize("key", numbers())
@pytest.mark.parametrize("samples", [128, 1500, 12_345, 50_000])
@pytest.mark.parametrize("weights", ["ema", "raw"])
@pytest.mark.parametrize("best", ["", BEST])
def test_a_recorded_name_is_read_as_what_it_was_made_of(key, samples, weights, best):
    recorded = read_key(best + recorded_key(key, EvaluationConfig(every_kimg=1.0, samples=samples, weights=weights)))
    assert recorded is not None
    assert (recorded.number.key, recorded.raw, recorded.best) == (key, weights == "raw", bool(best))
    if recorded.number.counted:
        assert recorded.count == (str(samples) if samples % 1000 else f"{samples // 1000}k")
    else:
        assert recorded.count == ""


@pytest.mark.parametrize(
    "name",
    [
        "loss_d",
        "fid",
        "fid50k_junk",
        "fid_of_k",
        "fidelity",
        "modes50k",
        "is50k_stdev",
        "kid50k_err",
        "best_",
        "best_loss_d",
    ],
)
def test_other_names_are_not_read(name):
    assert read_key(name) is None


def test_a_number_that_no_row_has_is_refused_with_the_valid_ones():
    with pytest.raises(UnknownChoice, match="did you mean fid\\? valid: modes"):
        recorded_key("fids", EvaluationConfig(every_kimg=1.0))

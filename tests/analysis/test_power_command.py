"""How many seeds a study needs, from a fake store to what is printed."""

import math
from collections.abc import Callable, Mapping, Sequence

import pytest

from analysis.__main__ import main
from analysis.metrics import shown_columns
from analysis.power_command import Question, number, percent, seeds_sentence
from analysis.statistics.power import detectable, seeds_needed
from analysis.statistics.spread import find_spread
from tests.analysis.conftest import FakeStudy, final

NewStudy = Callable[..., FakeStudy]
D_KL = {"baseline": [0.30, 0.34, 0.38], "attention": [0.4, 0.5, 0.6, 0.7]}  # SDs 0.04 and 0.129


def log(study: FakeStudy, values: Mapping[str, Sequence[float]], **options: str) -> None:
    for variant, row in values.items():
        for seed, value in enumerate(row):
            study.log(variant, seed, final(d_kl=value), **options)


def printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command that must succeed prints, without the line breaks of the terminal's width."""
    assert main(["power", *arguments]) == 0
    return " ".join(capsys.readouterr().out.split())


def fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on standard error of a command that must fail, beside what MLflow logs."""
    assert main(["power", *arguments]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if " INFO mlflow." not in line]
    return line


def test_the_table_has_spreads_and_the_differences_that_so_many_seeds_show(
    new_study: NewStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    log(new_study(), D_KL)
    text = printed([], capsys)
    own = [f"{detectable(0.04, count, 0.04, count):.3f}" for count in (2, 3, 5, 10, 20)]
    other = [f"{detectable(0.1290994, count, 0.04, count):.3f}" for count in (2, 3, 5, 10, 20)]
    shares = [f"{detectable(0.04, count, 0.04, count) / 0.34:.0%}" for count in (2, 3, 5, 10, 20)]
    assert f"baseline 3 0.340 0.040 0.059 {' '.join(own)} {' '.join(shares)} attention" in text
    assert f"attention 4 0.550 0.129 0.148 {' '.join(other)}" in text
    assert "80% power by Welch's test, two-sided at level 0.05, with" in text
    assert "needs" not in text, "no difference was asked for"
    assert "7 runs compared, 0 other runs set aside, 0 jobs without a result." in text


def test_a_difference_is_answered_with_seeds_at_the_level_and_power_that_are_asked(
    new_study: NewStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    log(new_study(), D_KL)
    text = printed(["--difference", "0.1", "--comparisons", "4", "--power", "0.9"], capsys)
    own, other = (seeds_needed(0.1, sd, 0.04, comparisons=4, power=0.9) for sd in (0.04, 0.1290994))
    assert (
        f"A difference of 0.1 of D_KL (29% of the baseline) needs {own} seeds each if a variant spreads as the "
        f"baseline does, {other} with the spread of attention (90% power by Welch's test, two-sided at level 0.05 / 4)."
    ) in text


def test_each_variant_is_a_comparison_unless_it_is_said(
    new_study: NewStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    log(new_study(), {**D_KL, "both": [0.1, 0.2], "switch-loss": [0.1, 0.3]})
    assert "at level 0.05 / 3," in printed([], capsys)
    assert "at level 0.05," in printed(["--comparisons", "1"], capsys)


def test_a_collapsed_run_does_not_widen_the_spread_and_is_said(
    new_study: NewStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    attention = [0.31, 0.32, 0.33, 0.34, 0.35, 0.36, 0.37, 4.6]
    log(new_study(), {"baseline": D_KL["baseline"], "attention": attention})
    text = printed(["--difference", "0.1"], capsys)
    robust = 1.4826022 * 0.02
    assert f"{seeds_needed(0.1, robust, 0.04)} with the spread of attention" in text
    assert "attention: 1 of 8 values lies farther than 5 robust spreads from the median: median and robust" in text


def test_what_is_left_out_is_said(new_study: NewStudy, capsys: pytest.CaptureFixture[str]) -> None:
    study = new_study()
    log(study, {**D_KL, "both": [0.5]})
    study.log("attention", 7, final(loss_d=1.0))
    study.log("attention", 8, final(d_kl=1.0), status="FAILED")
    log(study, {"attention": [0.1, 0.2]}, dataset="other")
    text = printed(["--difference", "0.1"], capsys)
    assert "attention: left out 1 of 5 finished runs without d_kl." in text
    assert "both: one value, a spread needs two." in text
    assert "an unknown number with the spread of both" in text
    assert "other, profile laptop: D_KL ↓ (nats): nothing can be said, baseline has no finished run." in text
    assert "1 job without a result (running" in text


def test_dataset_and_metric_choose(new_study: NewStudy, capsys: pytest.CaptureFixture[str]) -> None:
    study = new_study()
    for seed in range(3):
        study.log("baseline", seed, final(d_kl=0.1 * seed, modes=900.0 + seed))
        study.log("baseline", seed, final(modes=900.0 + seed), dataset="other")
    text = printed(["--dataset", "stacked-digits", "--metric", "modes"], capsys)
    assert "Modes" in text
    assert "D_KL" not in text
    assert "other, profile" not in text
    assert "3 runs compared" in text
    assert "choose it by --metric: modes, d_kl" in fails(["--difference", "1"], capsys)
    assert "there is no dataset 'stacked' in these runs, did you mean 'stacked-digits'?" in fails(
        ["--dataset", "stacked"], capsys
    )
    assert "there is no metric 'd_lk' in these runs, did you mean 'd_kl'? (known: d_kl, modes)" in fails(
        ["--metric", "d_lk"], capsys
    )


def test_numbers_that_make_no_sense_are_one_sentence(new_study: NewStudy, capsys: pytest.CaptureFixture[str]) -> None:
    log(new_study("stacked"), {"baseline": [0.1]})
    assert "did you mean 'stacked'?" in fails(["--study", "staked"], capsys)
    assert "--power 80 has to be more than 0.05, the level, and less than 1" in fails(["--power", "80"], capsys)
    assert "--comparisons 0 has to be 1 or more" in fails(["--comparisons", "0"], capsys)
    for difference in ("0", "nan", "inf"):
        assert f"--difference {difference} has to be a number other than 0" in fails(
            ["--difference", difference], capsys
        )
    assert "no metric has a spread over seeds of baseline: run it with two seeds or more" in fails([], capsys)


def test_equal_runs_are_no_spread(new_study: NewStudy, capsys: pytest.CaptureFixture[str]) -> None:
    log(new_study(), {"baseline": [0.1, 0.2, 0.3], "attention": [0.5, 0.5]})
    text = printed([], capsys)
    assert "attention 2 0.500 0.000 0.000 – – – – –" in text
    assert "attention: all 2 values are equal, which is no evidence that more of them would be." in text


def test_small_numbers_are_never_shown_as_zero() -> None:
    (d_kl,) = shown_columns(["d_kl"])
    assert [number(value, d_kl) for value in (0.00012, 0.5, 0.0, math.nan)] == ["0.00012", "0.500", "0.000", "–"]
    baseline = find_spread([1.0, 3.0])
    assert [percent(value, baseline) for value in (1.0, 0.01)] == ["50%", "0.5%"]
    assert percent(1.0, find_spread([-1.0, 1.0])) == ""
    sentence = seeds_sentence(1e-9, d_kl, {"baseline": baseline}, Question(0.8, 1, 1e-9))
    assert "needs more than 1000 seeds each if a variant" in sentence

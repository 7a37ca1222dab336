"""A claim stands beside what hand-made tables show: agrees, disagrees, cannot tell."""

from dataclasses import replace

import pytest

from analysis.__main__ import conclusions
from analysis.claims import claim_sentences, count_tests
from analysis.sections.claims import claims_parts
from experiments.design import Claim, Design
from tests.analysis.studies import compared, points_of, runs_of, unfinished

BASE = [0.30, 0.34, 0.38, 0.35, 0.33, 0.36]
WORSE = [0.80, 0.84, 0.88, 0.82, 0.86, 0.83]
BETTER = [value - 0.2 for value in BASE]
SAME = [0.31, 0.36, 0.33, 0.35, 0.34, 0.37]


@pytest.fixture(scope="module")
def table():
    """Three variants of six seeds, none of which collapsed."""
    values = {"baseline": BASE, "worse": WORSE, "better": BETTER, "same": SAME}
    return compared(runs_of({"d_kl": values}, design=Design(primary="d_kl")))


def on(found, variant, expects, at_least=None):
    """The sentence on a claim of one variant."""
    claims = {variant: Claim(says="fails", expects=expects, at_least=at_least)}
    judgement = replace(found[0].judgement, design=Design(primary="d_kl", claims=claims))
    (said,) = claim_sentences(replace(found[0], judgement=judgement), count_tests(found))
    return said


@pytest.mark.parametrize(
    ("variant", "expects", "verdict"),
    [
        ("worse", "worse", "agrees"),
        ("worse", "better", "disagrees"),
        ("worse", "no-better", "agrees"),
        ("better", "worse", "disagrees"),
        ("better", "better", "agrees"),
        ("better", "no-better", "disagrees"),
        ("same", "worse", "cannot tell"),
        ("same", "better", "cannot tell"),
        ("same", "no-better", "cannot tell"),
    ],
)
def test_what_is_shown_agrees_or_disagrees_and_nothing_shown_cannot_tell(table, variant, expects, verdict):
    said = on(table, variant, expects)
    assert f"this run **{verdict}**: D_KL " in said
    assert ("would have been seen with 80% probability" in said) == (verdict == "cannot tell")
    assert ("p < 0.001" in said) == (verdict != "cannot tell")


@pytest.mark.parametrize(
    ("expects", "direction", "verdict"),
    [("worse", "worse", "disagrees"), ("better", "better", "disagrees"), ("no-better", "better", "agrees")],
)
def test_a_size_that_is_ruled_out_decides_where_nothing_is_shown(table, expects, direction, verdict):
    said = on(table, "same", expects, at_least=0.2)
    assert f"this run **{verdict}**" in said
    assert f"one that is {direction} by 0.200 or more is ruled out." in said
    assert "cannot tell" in on(table, "same", expects, at_least=0.001)


@pytest.fixture(scope="module")
def fallen():
    """One variant lost five seeds of six, one all, one one of seven, and a better one six of eight."""
    runs = runs_of({"d_kl": {"baseline": BASE, "most": SAME[:1], "one": SAME, "better": BETTER[:2]}})
    lost = {"most": range(1, 6), "all": range(6), "one": [6], "better": range(2, 8)}
    out = [unfinished(runs, name, seed, "diverged") for name, seeds in lost.items() for seed in seeds]
    return compared(runs, left_out=out)


def test_seeds_that_collapse_are_worse_whatever_the_others_say(fallen):
    said = on(fallen, "most", "worse")
    assert "this run **agrees**" in said
    assert "5 of 6 seeds collapsed or diverged [36%, 100%], of the baseline's 0 of 6" in said
    assert on(fallen, "all", "no-better").count("6 of 6 seeds collapsed or diverged") == 1
    assert "this run **agrees**: 6 of 6" in on(fallen, "all", "no-better")
    assert "this run **disagrees**" in on(fallen, "better", "better")


def test_where_a_seed_collapsed_its_interval_rules_nothing_out(fallen):
    assert "this run **cannot tell**" in on(fallen, "one", "worse", at_least=0.2)


def test_one_seed_cannot_tell_and_says_how_little_it_could():
    found = compared(runs_of({"d_kl": {"baseline": [0.3], "v": [0.9]}}))
    assert "this run **cannot tell**: D_KL +0.600; 1 against 1 seeds conclude nothing" in on(found, "v", "worse")


def test_two_seeds_conclude_nothing_however_near_they_lie():
    found = compared(runs_of({"d_kl": {"baseline": [0.3, 0.31], "far": [1.3, 1.32], "same": [0.3, 0.3001]}}))
    for variant, expects in (("far", "worse"), ("far", "no-better"), ("same", "no-better"), ("same", "worse")):
        said = on(found, variant, expects, at_least=0.05)
        assert "this run **cannot tell**" in said
        assert "2 against 2 seeds conclude nothing, 3 are the fewest" in said


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("expects", "verdict"), [("worse", "disagrees"), ("better", "disagrees"), ("no-better", "agrees")]
)
def test_what_is_shown_but_short_of_the_size_that_is_claimed_is_no_such_difference(expects, verdict, sign):
    """Six seeds that differ by 0.010 almost exactly show a difference, and rule one of 0.5 out."""
    small = [value + sign * 0.01 + 1e-5 * i for i, value in enumerate(BASE)]
    found = compared(runs_of({"d_kl": {"baseline": BASE, "v": small}}))
    said = on(found, "v", expects, at_least=0.5)
    assert "p < 0.001" in said
    assert f"this run **{verdict}**" in said
    assert "by 0.500 or more is ruled out" in said


def test_seeds_of_the_baseline_that_collapse_rule_nothing_out_and_what_is_left_does_not_speak_against_them():
    runs = runs_of({"d_kl": {"baseline": BASE[:3], "same": SAME, "worse": WORSE, "better": BETTER}})
    found = compared(runs, left_out=[unfinished(runs, "baseline", seed, "diverged") for seed in range(3, 6)])
    for expects in ("worse", "better", "no-better"):
        assert "this run **cannot tell**" in on(found, "same", expects, at_least=0.2)
    assert "this run **cannot tell**" in on(found, "worse", "worse")
    assert "say the opposite of how many are left" in on(found, "worse", "worse")
    assert "this run **agrees**" in on(found, "better", "better")


def test_collapses_are_tested_once_for_each_variant():
    """Three of three against none of three is p = 0.03: of one variant it is shown, of four it is not."""
    claim = Claim(says="fails", expects="worse")
    verdicts = []
    for others in ([], ["b", "c", "d"]):
        values = {"baseline": BASE[:3], **dict.fromkeys(others, SAME[:3])}
        runs = runs_of({"d_kl": values}, design=Design(primary="d_kl", claims={"a": claim}))
        found = compared(runs, left_out=[unfinished(runs, "a", seed, "diverged") for seed in range(3)])
        (said,) = claim_sentences(found[0], count_tests(found))
        verdicts.append(said.split("**")[3])
    assert verdicts == ["agrees", "cannot tell"]


def test_the_metrics_direction_counts():
    modes = {"baseline": [900.0, 904, 902], "v": [950.0, 953, 951]}
    design = Design(primary="modes", claims={"v": Claim(says="covers more", expects="better", source="someone")})
    found = compared(runs_of({"modes": modes}, design=design))
    (said,) = claim_sentences(found[0], count_tests(found))
    assert said.startswith("**v**: someone says “covers more”, so that better is expected; this run **agrees**: ")


def test_the_section_is_there_where_something_is_claimed_and_says_what_was_not_run():
    claims = {name: Claim(says="fails", expects="worse") for name in ("v", "gone")}
    runs = runs_of({"d_kl": {"baseline": BASE, "v": WORSE}}, design=Design(primary="d_kl", claims=claims))
    text = "\n".join(claims_parts(compared(runs, points=points_of(runs, "d_kl"))))
    assert "## The claims" in text
    assert "Claims on what was not run here: gone." in text
    assert claims_parts(compared(runs_of({"d_kl": {"baseline": BASE, "v": WORSE}}))) == []


def test_the_terminal_ends_with_the_claims_of_what_was_run():
    runs = runs_of(
        {"d_kl": {"baseline": BASE, "v": WORSE}},
        design=Design(primary="d_kl", claims={"v": Claim(says="fails", expects="worse")}),
    )
    heading, baseline, variant, claim = conclusions(compared(runs, points=points_of(runs, "d_kl")))
    assert heading.endswith("judged by D_KL:")
    assert baseline.startswith("  baseline: D_KL")
    assert variant.startswith("  v is worse than the baseline")
    assert claim.startswith("  v: the paper says “fails”, so that worse is expected; this run agrees: ")

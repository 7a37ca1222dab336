"""Effects of a factorial design by hand, against statsmodels' robust OLS, and in simulation."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import t

from analysis.statistics.factorial import Factorial, find_factorial
from analysis.statistics.factorial_effects import effects
from tests.analysis.statistics.test_collapse import TEN_SEEDS, needs_ten_seeds


def design_of(*factors: str) -> Factorial:
    """Cells are named by their factors: 0 (the baseline), a, b, ab, ..."""
    names = ["".join(some) for order in range(1, len(factors) + 1) for some in itertools.combinations(factors, order)]
    includes = {"0": [], **{name: list(name) if len(name) > 1 else [] for name in names}}
    design = find_factorial(includes, list(includes), factors, "0")
    assert design is not None
    return design


def samples(**cells) -> dict[str, pd.Series]:
    return {name.strip("_"): pd.Series(values, dtype=float) for name, values in cells.items()}


BY_HAND = samples(_0=[0, 2], a=[4, 6], b=[3, 3, 3], ab=[8, 10, 12, 14])


def test_a_two_by_two_by_hand() -> None:
    """Means 1, 5, 3, 11. a: ((5 - 1) + (11 - 3)) / 2 = 6; b: ((3 - 1) + (11 - 5)) / 2 = 4; ab: (11 - 3) - (5 - 1) = 4.
    s^2 / n: 1, 1, 0, 5/3. SE of a main effect sqrt(11/3 / 4), of the interaction sqrt(11/3);
    df = (11/3)^2 / (1/1 + 1/1 + 0 + (5/3)^2 / 3) = 4.5949 for all."""
    found = {effect.term: effect for effect in effects(design_of("a", "b"), BY_HAND)}
    assert [effect.value for effect in found.values()] == [6.0, 4.0, 4.0]
    df = (11 / 3) ** 2 / (2 + (5 / 3) ** 2 / 3)
    for term, scale in ((("a",), 0.5), (("b",), 0.5), (("a", "b"), 1.0)):
        error = scale * math.sqrt(11 / 3)
        effect = found[term]
        assert (effect.standard_error, effect.df) == pytest.approx((error, df))
        half = t.ppf(0.975, df) * error
        assert (effect.interval.low, effect.interval.high) == pytest.approx((effect.value - half, effect.value + half))
        assert effect.p == pytest.approx(2 * t.sf(effect.value / error, df))


@pytest.mark.parametrize("factors", [("a", "b"), ("a", "b", "c")])
def test_values_and_errors_are_those_of_ols_with_codes_of_one_half_and_hc2(factors) -> None:
    rng, design = np.random.default_rng(0), design_of(*factors)
    cells = {name: rng.normal(i, 1 + i, 3 + i) for i, name in enumerate(design.cells.values())}
    codes = {name: [0.5 if f in levels else -0.5 for f in factors] for levels, name in design.cells.items()}
    rows = np.array([codes[name] for name, values in cells.items() for _ in values])
    terms = [math.prod(rows[:, factors.index(f)] for f in term) for term in design.terms()]
    model = sm.OLS(np.concatenate(list(cells.values())), sm.add_constant(np.column_stack(terms)))
    fit = model.fit(cov_type="HC2")
    found = effects(design, {name: pd.Series(values) for name, values in cells.items()})
    assert [e.value for e in found] == pytest.approx(fit.params[1:])
    assert [e.standard_error for e in found] == pytest.approx(fit.bse[1:])


def test_with_equal_spreads_and_counts_df_are_those_of_the_pooled_variance() -> None:
    values = np.array([-1.0, 0.0, 1.0])
    cells = samples(_0=values, a=values + 1, b=values, ab=values + 2)
    assert [effect.df for effect in effects(design_of("a", "b"), cells)] == pytest.approx([8.0] * 3)


def test_intervals_cover_with_unequal_spreads_and_counts() -> None:
    rng, design, runs, hits = np.random.default_rng(1), design_of("a", "b"), 800, np.zeros(3)
    truth = [2.0, 1.0, 2.0]
    for _ in range(runs):
        cells = samples(_0=rng.normal(0, 1, 4), a=rng.normal(1, 3, 3), b=rng.normal(0, 1, 6), ab=rng.normal(3, 2, 5))
        found = effects(design, cells)
        hits += [e.interval.low < true < e.interval.high for e, true in zip(found, truth, strict=True)]
    assert ((hits / runs > 0.93) & (hits / runs < 0.97)).all()


def test_the_level_of_the_interval_can_be_chosen() -> None:
    wide, narrow = (effects(design_of("a", "b"), BY_HAND, level)[0].interval for level in (0.99, 0.8))
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(
    ("changed", "value", "note"),
    [
        ({"a": [5]}, 6.0, "a with one value only"),
        ({"a": [5, math.nan]}, 6.0, "a with one value only"),
        ({"a": [], "b": [math.nan]}, math.nan, "a, b without any value"),
        ({"ab": [1, math.inf]}, math.nan, "ab with values that are not finite"),
        (
            {"_0": [0.1] * 3, "a": [0.1] * 3, "b": [0.1] * 3, "ab": [0.1] * 3},
            0.0,
            "the values of each cell are all equal",
        ),
    ],
)
def test_where_there_is_no_interval_the_note_says_why(changed, value: float, note: str) -> None:
    effect = effects(design_of("a", "b"), {**BY_HAND, **samples(**changed)})[0]
    assert effect.value == pytest.approx(value, nan_ok=True)
    assert not effect.interval.is_known
    assert math.isnan(effect.p)
    assert effect.note == note


def test_a_variant_without_any_sample_is_an_empty_cell() -> None:
    cells = {name: values for name, values in BY_HAND.items() if name != "b"}
    assert effects(design_of("a", "b"), cells)[0].note == "b without any value"


@needs_ten_seeds
def test_without_the_collapsed_seeds_the_study_of_ten_shows_the_switch_and_nothing_else() -> None:
    table = pd.read_csv(TEN_SEEDS).query("images == 24000").set_index("seed")
    collapsed = {("attention", 3), ("both", 3), ("both", 9)}
    cells = {
        variant: rows["d_kl"][[(variant, seed) not in collapsed for seed in rows.index]]
        for variant, rows in table.groupby("variant")
    }
    names = {"0": "baseline", "a": "attention", "b": "switch-loss", "ab": "both"}
    attention, switch, both = effects(design_of("a", "b"), {cell: cells[name] for cell, name in names.items()})
    assert (switch.interval.low, switch.interval.high) == pytest.approx((0.066, 0.137), abs=1e-3)
    assert not attention.interval.excludes(0)
    assert not both.interval.excludes(0)

"""Main effects and interactions of a two-level factorial design in one dataset."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t

from analysis.statistics.factorial import Factorial, Levels
from analysis.statistics.interval import CONFIDENCE, NO_INTERVAL, Interval

Term = tuple[str, ...]  # (a,): the main effect of a; (a, b): the interaction of a and b
Samples = Mapping[str, pd.Series]  # variant -> one value per seed; NaN is left out


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One contrast of a design, in the units of the values it was computed from."""

    term: Term
    value: float  # NaN: a cell is empty or holds a value that is not finite
    standard_error: float  # NaN: a cell has fewer than two values
    df: float  # Welch's and Satterthwaite's degrees of freedom
    interval: Interval
    p: float  # two-sided, that there is no effect; not corrected for the number of effects; NaN without an interval
    note: str  # why something is missing; empty: nothing is


def effects(design: Factorial, samples: Samples, confidence: float = CONFIDENCE) -> list[Effect]:
    """Every main effect and interaction of one dataset, in the order of `design.terms()`.

    Factors are coded -1/2 (off) and +1/2 (on). With m the mean of a cell, k factors, and s the product of the signs
    (+1 on, -1 off) of the term's factors:  effect = 2^(order - k) * sum over cells of s * m.
    So a main effect is the mean difference that switching the factor on makes, averaged over all levels of the others
    with equal weight; in a 2x2 design (m_a - m_0 + m_ab - m_b) / 2. An interaction of two factors is the full
    difference of differences, how much more a changes the value where b is on, (m_ab - m_b) - (m_a - m_0), averaged
    over the levels of further factors; it is not halved, as contrasts coded -1 and +1 would.
    The standard error is sqrt(sum w^2 s^2 / n) over the cells, each with its own spread, and df are Satterthwaite's
    (1946) as Welch (1947) uses them: in a cell of n values s^2 / n counts with n - 1.
    """
    return [_contrast(design, term, samples, confidence) for term in design.terms()]


def _contrast(design: Factorial, term: Term, samples: Samples, confidence: float) -> Effect:
    cells = {
        levels: samples[variant].dropna().to_numpy(dtype=float) if variant in samples else np.empty(0)
        for levels, variant in design.cells.items()
    }
    weights = {levels: _weight(design, term, levels) for levels in cells}

    def named(holds: Callable[[np.ndarray], bool]) -> list[str]:
        return [design.cells[levels] for levels, values in cells.items() if holds(values)]

    if empty := named(lambda values: len(values) == 0):
        return without_interval(term, math.nan, ", ".join(empty) + " without any value")
    if wild := named(lambda values: not np.isfinite(values).all()):
        return without_interval(term, math.nan, ", ".join(wild) + " with values that are not finite")
    value = float(sum(weights[levels] * values.mean() for levels, values in cells.items()))
    if short := named(lambda values: len(values) < 2):
        return without_interval(term, value, ", ".join(short) + " with one value only")
    parts = [
        (weights[levels] ** 2 * _variance(values) / len(values), len(values) - 1.0) for levels, values in cells.items()
    ]
    return with_interval(term, value, parts, confidence)


def _weight(design: Factorial, term: Term, levels: Levels) -> float:
    sign = math.prod(1 if factor in levels else -1 for factor in term)
    return sign * 2.0 ** (len(term) - len(design.factors))


def _variance(values: np.ndarray) -> float:
    """Exactly 0 for equal values, of which the rounded mean can differ."""
    return float(values.var(ddof=1)) if np.ptp(values) else 0.0


def with_interval(term: Term, value: float, parts: Sequence[tuple[float, float]], confidence: float) -> Effect:
    """parts: independent variances that add up to the effect's, each with its degrees of freedom (Satterthwaite)."""
    variance = sum(part for part, _ in parts)
    if variance <= 0:
        return without_interval(term, value, "the values of each cell are all equal")
    error = math.sqrt(variance)
    df = variance**2 / sum(part**2 / own for part, own in parts)
    half = float(t.ppf((1 + confidence) / 2, df)) * error
    return Effect(
        term=term,
        value=value,
        standard_error=error,
        df=df,
        interval=Interval(value - half, value + half),
        p=float(2 * t.sf(abs(value) / error, df)),
        note="",
    )


def without_interval(term: Term, value: float, note: str) -> Effect:
    """An effect that the data allow no interval of; the note says why."""
    return Effect(
        term=term, value=value, standard_error=math.nan, df=math.nan, interval=NO_INTERVAL, p=math.nan, note=note
    )

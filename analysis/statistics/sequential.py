"""Looking several times at a growing study: how much error each look may spend, and where its test then stands.

A group sequential design: K looks at growing numbers of seeds, |Z_k| >= c_k at look k ends it. Lan and DeMets (1983,
Biometrika 70:659-663) fix beforehand how much of the level has been spent by each fraction of the information; then the
c_k follow one after the other, each from the probability to get past all looks before it, by the recursion of Armitage,
McPherson and Rowe (1969, JRSS A 132:235-244). Of Welch's test its p value is compared with the two-sided level of c_k,
2 (1 - Φ(c_k)), as Pocock (1977, Biometrika 64:191-199) proposes for t tests: t's correction for few seeds is kept, and
the joint distribution over looks is that of normal values approximately. How nearly: benchmarks/sequential.py.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from experiments.design import Spending

NODES = 128  # of the quadrature between two bounds; 512 change no critical value by more than 1e-9
FAR = 12.0  # standard deviations: a critical value beyond, whose level is below 1e-32, counts as infinite

# alpha(t): what of a one-sided level may be spent by the fraction t (0..1) of the information
SPENDING: dict[Spending, Callable[[float, float], float]] = {
    "obrien-fleming": lambda level, t: float(2 * norm.sf(norm.isf(level / 2) / math.sqrt(t))),
    "pocock": lambda level, t: level * math.log1p((math.e - 1) * t),
}


def critical_values(fractions: Sequence[float], level: float, spending: Spending) -> np.ndarray:
    """c_k of |Z_k| for each look; infinite where so little is spent that nothing could show.

    fractions: of the information at each look, growing, the last at most 1. level: two-sided, of all looks together;
    each side spends half of it (Lan and DeMets, their alpha_1* and alpha_2*). Raises ValueError for other fractions and
    for a level that is not between 0 and 1.
    """
    steps = np.diff([0.0, *fractions])
    if not len(steps) or steps.min() <= 0 or fractions[-1] > 1:
        raise ValueError(f"fractions {list(fractions)}: expected growing numbers above 0, the last at most 1")
    if not 0 < level < 1:
        raise ValueError(f"level {level:g}: expected a number between 0 and 1")
    return _critical_values(tuple(fractions), level, spending)


def look_levels(fractions: Sequence[float], level: float, spending: Spending) -> np.ndarray:
    """The two-sided level of the test at each look, 2 (1 - Φ(c_k)); 0 where a look can show nothing."""
    return 2 * norm.sf(critical_values(fractions, level, spending))


@lru_cache(maxsize=256)
def _critical_values(fractions: tuple[float, ...], level: float, spending: Spending) -> np.ndarray:
    """On the scale of B(t) = Z sqrt(t), whose increments are independent."""
    spent = 2 * np.array([SPENDING[spending](level / 2, t) for t in fractions])
    found: list[float] = []
    points, masses = np.zeros(1), np.ones(1)  # of B at the look before, where it has ended nothing
    for t, step, budget in zip(fractions, np.diff([0.0, *fractions]), np.diff([0.0, *spent]), strict=True):
        deviation = math.sqrt(step)
        critical = _critical_value(points / math.sqrt(t), masses, deviation / math.sqrt(t), float(budget))
        found.append(critical)
        bound = min(critical, FAR) * math.sqrt(t)
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        after = bound * nodes
        density = norm.pdf((after[:, None] - points) / deviation) @ masses / deviation
        points, masses = after, bound * weights * density
    return np.array(found)


def _critical_value(points: np.ndarray, masses: np.ndarray, deviation: float, budget: float) -> float:
    """The c beyond which, to either side, normal values of this deviation around the points lie with mass `budget`."""

    def excess(c: float) -> float:
        outside = norm.sf((c - points) / deviation) + norm.cdf((-c - points) / deviation)
        return float(masses @ outside) - budget

    return math.inf if excess(FAR) >= 0 else float(brentq(excess, 0.0, FAR, xtol=1e-12))

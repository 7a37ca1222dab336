"""Power function profiles against numerical integrals, mixtures of stored averages against one tracked directly."""

import numpy as np
import pytest
from scipy.integrate import quad

from r3gan.power_averages import WIDEST, Profile, product, solve
from r3gan.quantities import WIDEST_AVERAGE as CHECKED

STEPS, BATCH = 4000, 8


def density(profile):
    g, t = profile.exponent, profile.images
    return lambda s: (g + 1) * s**g / t ** (g + 1) if s <= t else 0.0


@pytest.mark.parametrize("sigma", [0.01, 0.05, 0.1, 0.2, 0.28])
def test_a_profile_has_the_width_that_it_is_named_by(sigma):
    p = density(Profile(1, sigma))
    whole, mean, square = (quad(lambda s, k=k: s**k * p(s), 0, 1, points=[1 - sigma])[0] for k in range(3))
    assert whole == pytest.approx(1, abs=1e-9)
    assert (square - mean**2) ** 0.5 == pytest.approx(sigma, rel=1e-6)


def test_the_widest_one_is_the_plain_average():
    assert Profile(1, WIDEST).exponent == pytest.approx(0, abs=1e-9)
    assert CHECKED == WIDEST


@pytest.mark.parametrize(("one", "other"), [((5, 0.1), (8, 0.05)), ((8, 0.1), (5, 0.05)), ((6, 0.2), (6, 0.2))])
def test_products_are_integrals(one, other):
    p, q = Profile(*one), Profile(*other)
    expected = quad(lambda s: density(p)(s) * density(q)(s), 0, min(p.images, q.images))[0]
    assert product(p, q) == pytest.approx(expected, rel=1e-8)
    assert product(q, p) == product(p, q)


def tracked(path, sigma, moments):
    """The average of a path of numbers [STEPS, ...] in float64, as training tracks it, at some image counts."""
    average, found = path[0], {}
    for step, value in enumerate(path):
        profile = Profile((step + 1) * BATCH, sigma)
        average = value + profile.keep(BATCH) * (average - value)
        if profile.images in moments:
            found[profile.images] = average
    return found


def test_a_tracked_average_is_the_integral_over_its_profile():
    times = (np.arange(STEPS) + 1) / STEPS
    for sigma in (0.05, 0.15):
        end = tracked(np.sin(5 * times), sigma, {STEPS * BATCH})[STEPS * BATCH]
        p = density(Profile(1, sigma))
        expected = quad(lambda s, p=p: p(s) * np.sin(5 * s), 0, 1)[0]
        assert end == pytest.approx(expected, abs=2e-3)


@pytest.fixture(scope="module")
def path():
    """Weights that wander: sums of steps that are independent, 50 of them, and drift to a place."""
    draw = np.random.default_rng(0)
    return np.cumsum(draw.standard_normal((STEPS, 50)), axis=0) / STEPS**0.5 + np.linspace(0, 3, STEPS)[:, None]


@pytest.mark.parametrize("sigma", [0.03, 0.05, 0.075, 0.1, 0.15, 0.25])
@pytest.mark.parametrize("end", [1.0, 0.5])
def test_a_mixture_of_stored_averages_is_the_average_that_was_tracked_directly(path, sigma, end):
    moments = {images for images in range(BATCH, STEPS * BATCH + 1, BATCH) if images % 1000 == 0}
    last = max(images for images in moments if images <= end * STEPS * BATCH)
    stored = {Profile(t, s): value for s in (0.05, 0.1) for t, value in tracked(path, s, moments).items() if t <= last}
    mixture = solve(list(stored), Profile(last, sigma))
    found = np.tensordot(mixture.factors, np.array(list(stored.values())), axes=1)
    expected = tracked(path, sigma, {last})[last]
    spread = np.linalg.norm(path[: last // BATCH] - path[: last // BATCH].mean(axis=0)) / (last // BATCH) ** 0.5
    assert np.linalg.norm(found - expected) < max(0.003, mixture.error) * spread
    assert mixture.error < 0.1
    assert sum(mixture.factors) == pytest.approx(1, abs=1e-9)


def test_a_stored_average_is_found_again_and_one_that_cannot_be_made_is_told():
    stored = [Profile(t, sigma) for t in range(100, 1001, 100) for sigma in (0.05, 0.1)]
    same = solve(stored, Profile(1000, 0.1))
    assert same.error < 1e-5
    np.testing.assert_allclose(same.factors, [0] * 19 + [1], atol=1e-4)
    assert solve(stored[:2], Profile(1000, 0.1)).error > 0.5

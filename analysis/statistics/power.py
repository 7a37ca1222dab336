"""Provisional."""

from scipy.stats import t


def detectable(sd, n, bsd, bn, m, power):
    se = (sd**2 / n + bsd**2 / bn) ** 0.5
    df = n + bn - 2
    return (t.ppf(1 - 0.025 / m, df) + t.ppf(power, df)) * se

"""Numbers of the Beta distribution by counter.

A Beta number is G1 / (G1 + G2) of two Gamma numbers, which Marsaglia and Tsang's method makes ("A simple method for
generating gamma variables", ACM TOMS 26, 2000). Logarithms are kept, since for small parameters Gamma numbers
themselves would be 0.
"""

from __future__ import annotations

import math

from registry_core.components import Draws


def beta(alpha: float, draws: Draws) -> float:
    """A number from 0 to 1, distributed as Beta(alpha, alpha)."""
    difference = _log_gamma_number(alpha, draws) - _log_gamma_number(alpha, draws)
    if difference < 0:
        power = math.exp(difference)
        return power / (1.0 + power)
    return 1.0 / (1.0 + math.exp(-difference))


def _log_gamma_number(shape: float, draws: Draws) -> float:
    """The logarithm of a number that is distributed as Gamma(shape, 1)."""
    boost = math.log(_positive(draws)) / shape if shape < 1 else 0.0
    d = (shape + 1 if shape < 1 else shape) - 1 / 3
    while True:
        normal = _normal(draws)
        cube = (1 + normal / math.sqrt(9 * d)) ** 3
        if cube > 0 and math.log(_positive(draws)) < 0.5 * normal**2 + d - d * cube + d * math.log(cube):
            return math.log(d * cube) + boost


def _normal(draws: Draws) -> float:
    """A number of the standard normal distribution, by Box and Muller."""
    return math.sqrt(-2 * math.log(_positive(draws))) * math.cos(2 * math.pi * float(draws.uniform()))


def _positive(draws: Draws) -> float:
    """A number above 0, up to 1."""
    return 1.0 - float(draws.uniform())

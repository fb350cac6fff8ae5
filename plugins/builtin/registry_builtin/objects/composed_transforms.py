"""Transforms composed of transforms: draws decide which parts are applied, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

from registry_core.components import Draws

Part = Callable[[Any], Any]


class RandomApply:
    """Applies all parts with probability ``p``, otherwise none; draws one word."""

    def __init__(self, p: float) -> None:
        self.p = p

    def __call__(self, sample: Any, draws: Draws, parts: Sequence[Part]) -> Any:
        """Return the sample after all parts, or unchanged."""
        if draws.uniform() < self.p:
            for part in parts:
                sample = part(sample)
        return sample


class RandomChoice:
    """Applies one of the parts, chosen by weight; draws one word."""

    def __init__(self, weights: Sequence[float]) -> None:
        self.weights = weights

    def __call__(self, sample: Any, draws: Draws, parts: Sequence[Part]) -> Any:
        """Return the sample after the chosen part."""
        return parts[self.chosen(draws)](sample)

    def chosen(self, draws: Draws) -> int:
        """Return the place of the chosen part, at which the cumulative weights exceed the drawn number."""
        sums = list(accumulate(self.weights))
        drawn = draws.uniform(0.0, sums[-1])
        return next((place for place, passed in enumerate(sums) if drawn < passed), _last_possible(self.weights))


def _last_possible(weights: Sequence[float]) -> int:
    return max(place for place, weight in enumerate(weights) if weight > 0)


class RandomOrder:
    """Applies all parts in random order (Fisher-Yates shuffle); draws one word per part except the last."""

    def __call__(self, sample: Any, draws: Draws, parts: Sequence[Part]) -> Any:
        """Return the sample after all parts."""
        for place in self.order(len(parts), draws):
            sample = parts[place](sample)
        return sample

    def order(self, length: int, draws: Draws) -> list[int]:
        """Return the places of the parts in random order."""
        places = list(range(length))
        for done in range(length - 1):
            chosen = done + draws.integer(length - done)
            places[done], places[chosen] = places[chosen], places[done]
        return places

"""Built transforms: each a pure function of the seed, its place in the file, the epoch, and the sample's number."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from registry_core.assembly.checked import build
from registry_core.components import Draws, Transform, stream_key
from registry_core.components.transform import Randomness, Scope
from registry_core.diagnostics import BrokenComponent, RegistryError

Sample = dict[str, Any]
Batch = dict[str, Any]


@dataclass(frozen=True)
class Moment:
    """When a step is taken: the epoch, the number of the sample or batch, and which of several views of a sample."""

    epoch: int
    number: int
    view: int = 0


@dataclass(frozen=True)
class Step:
    """One built transform; without its declaration: one made of a signature cannot be sent to a worker process."""

    name: str
    label: str
    built: Callable[..., Any]
    random: Randomness
    image_only: bool
    unit: Scope
    on_device: bool
    views: int
    key: int
    children: tuple[Step, ...]

    @classmethod
    def of(cls, transform: Transform, key: int) -> Step:
        """Build a transform and those inside it; their keys follow from this one and from their places."""
        parts = enumerate(transform.children().values())
        return cls(
            name=transform.name,
            label=transform.label,
            built=build(transform, transform.build),
            random=transform.random,
            image_only=transform.image_only,
            unit=transform.get_unit(),
            on_device=transform.on_device,
            views=transform.num_views,
            key=key,
            children=tuple(cls.of(part, stream_key(key, f"parts[{place}]")) for place, part in parts),
        )

    def __call__(self, sample: Sample, moment: Moment) -> Sample:
        """The sample (or batch) after it."""
        found: Sample = self._applied(sample, moment)
        return found

    def each(self, sample: Sample, moment: Moment) -> list[Sample]:
        """The samples that it makes of one."""
        found = self._applied(sample, moment)
        if self.views == 1:
            return [found]
        if len(found) != self.views:
            message = f"The {self.label} made {len(found)} views of sample {moment.number}"
            raise BrokenComponent(f"{message}, but declares {self.views}.")
        return [dict(view) for view in found]

    def _applied(self, sample: Sample, moment: Moment) -> Any:
        try:
            return self._called(sample, moment)
        except RegistryError:
            raise
        except (Exception, SystemExit) as error:  # a plugin may raise anything
            reason = f"{type(error).__name__}: {error}"
            raise BrokenComponent(f"The {self.label} failed on {self.unit} {moment.number}: {reason}.") from error

    def _called(self, sample: Sample, moment: Moment) -> Any:
        draws = Draws(self.key, moment.epoch, moment.number, moment.view)
        if self.children:
            return dict(self.built(sample, draws, [partial(part, moment=moment) for part in self.children]))
        given = sample["input"] if self.image_only else sample
        if self.random == "counter":
            result = self.built(given, draws)
        elif self.random == "generators":
            with seeded_generators(draws.seed()):
                result = self.built(given)
        else:
            result = self.built(given)
        if self.image_only:
            return {**sample, "input": result}
        return dict(result) if self.views == 1 else list(result)


@contextmanager
def seeded_generators(seed: int) -> Iterator[None]:
    """Seed the global generators of torch (CPU), NumPy and Python inside, and put them back afterwards."""
    saved = torch.get_rng_state(), np.random.get_state(), random.getstate()
    torch.default_generator.manual_seed(seed)  # not torch.manual_seed, which would seed the device's generator too
    np.random.seed([seed & 0xFFFFFFFF, seed >> 32])
    random.seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(saved[0])
        np.random.set_state(saved[1])
        random.setstate(saved[2])

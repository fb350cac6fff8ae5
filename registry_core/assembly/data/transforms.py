"""Built transforms: pure functions of a random key, the epoch, and the index of the sample or batch."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from registry_core.assembly.building import build
from registry_core.components import Draws, Transform, stream_key
from registry_core.components.transform import Randomness, Unit
from registry_core.diagnostics import BrokenComponent, Keys, RegistryError
from registry_core.diagnostics.foreign_code import failure, pass_interrupt

Sample = dict[str, Any]
Batch = dict[str, Any]


@dataclass(frozen=True)
class Moment:
    """The random state of a call of a transform: the epoch, the index of the sample or batch, and the view.

    ``occurrence`` counts how often the epoch had this sample before.
    """

    epoch: int
    number: int
    view: int = 0
    occurrence: int = 0


@dataclass(frozen=True)
class BuiltTransform:
    """One built transform, without its declaration: one made from a signature cannot be sent to a worker process."""

    name: str
    label: str
    keys: Keys
    """The keys of its declaration in the file."""
    built: Callable[..., Any]
    random: Randomness
    image_only: bool
    unit: Unit
    views: int
    random_key: int
    children: tuple[BuiltTransform, ...]
    batch_form: Callable[[Tensor], Tensor] | None
    """The form for a stack of images, if it is applied to one."""

    @classmethod
    def of(cls, transform: Transform, random_key: int, keys: Keys = (), *, batch_form: bool = False) -> BuiltTransform:
        """Build a transform and those inside it; their random keys derive from this one and their places."""
        children = enumerate(transform.children().items())
        return cls(
            name=transform.name,
            label=transform.label,
            keys=keys,
            built=build(transform, transform.build),
            random=transform.random,
            image_only=transform.image_only,
            unit=transform.get_unit(),
            views=transform.num_views,
            random_key=random_key,
            children=tuple(
                cls.of(child, stream_key(random_key, f"parts[{place}]"), (*keys, transform.name_in_file, *at))
                for place, (at, child) in children
            ),
            batch_form=build(transform, transform.build_batch_form) if batch_form else None,
        )

    def __call__(self, sample: Sample, moment: Moment) -> Sample:
        """The sample (or batch) after it."""
        found: Sample = self._applied(sample, moment)
        return found

    def each(self, sample: Sample, moment: Moment) -> list[Sample]:
        """The samples that it makes from one."""
        found = self._applied(sample, moment)
        if self.views == 1:
            return [found]
        if len(found) != self.views:
            message = f"The {self.label} made {len(found)} views of sample {moment.number}"
            raise BrokenComponent(f"{message}, but declares {self.views}.").at(*self.keys)
        return [dict(view) for view in found]

    def _applied(self, sample: Sample, moment: Moment) -> Any:
        try:
            return self._called(sample, moment)
        except RegistryError as error:
            if not error.keys:
                error.at(*self.keys)
            raise
        except BaseException as error:  # a plugin may raise anything; a context would cost each sample time
            pass_interrupt(error)
            raise failure(f"The {self.label} failed on {self.unit} {moment.number}", error).at(*self.keys) from error

    def _called(self, sample: Sample, moment: Moment) -> Any:
        draws = Draws(self.random_key, moment.epoch, moment.number, moment.view, moment.occurrence)
        if self.children:
            return dict(self.built(sample, draws, [partial(child, moment=moment) for child in self.children]))
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
    """A context with seeded global generators of torch (CPU), NumPy and Python, which it restores at the end."""
    saved = torch.get_rng_state(), np.random.get_state(), random.getstate()
    torch.default_generator.manual_seed(seed)  # torch.manual_seed would also seed the generator of the device
    np.random.seed([seed & 0xFFFFFFFF, seed >> 32])
    random.seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(saved[0])
        np.random.set_state(saved[1])
        random.setstate(saved[2])

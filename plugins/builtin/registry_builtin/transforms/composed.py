"""Transforms that act on transforms: apply some at random, choose one, or change their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import Field, model_validator

from registry_core.components import CheckFailed, Image, Transform
from registry_core.components.facts import FORM_NAMES
from registry_core.components.forms import TargetForm, counted, words
from registry_core.components.transform import At, Randomness
from registry_core.components.types import NonNegativeFloat, Probability

_MOST_ORDERS = 10
"""Of so many transforms all orders are followed; more have too many."""

S = TypeVar("S")


class _Composed(Transform):
    """What transforms of transforms share."""

    random: ClassVar[Randomness] = "counter"

    transforms: Annotated[tuple[Transform, ...], Field(min_length=1)] = Field(
        description="The transforms, with their parameters; each has random numbers of its own."
    )

    def children(self) -> Mapping[At, Transform]:
        """The transforms inside."""
        return {("transforms", place): transform for place, transform in enumerate(self.transforms)}

    def for_classes(self, classes: int | None) -> Self:
        """The same with transforms that know the number of classes."""
        made = []
        for place, transform in enumerate(self.transforms):
            try:
                made.append(transform.for_classes(classes))
            except CheckFailed as failed:
                raise self._inside(failed, place) from None
        return self.model_copy(update={"transforms": tuple(made)})

    def arguments(self) -> dict[str, Any]:
        """The parameters but for the transforms, which the built object is called with."""
        return {name: value for name, value in super().arguments().items() if name != "transforms"}

    def _image_after(self, place: int, image: Image | None) -> Image | None:
        try:
            return None if image is None else self.transforms[place].infer_image(image)
        except CheckFailed as failed:
            raise self._inside(failed, place) from None

    def _target_after(self, place: int, form: TargetForm) -> TargetForm:
        try:
            return self.transforms[place].infer_target(form)
        except CheckFailed as failed:
            raise self._inside(failed, place) from None

    def _inside(self, failed: CheckFailed, place: int) -> CheckFailed:
        inner = (self.transforms[place].name_in_file, *failed.at) if failed.at else ()
        return CheckFailed(failed.message, failed.remedy, ("transforms", place, *inner))

    def _one_image(self, branches: Iterable[tuple[int, Image | None]]) -> Image | None:
        """What is known of an image that went through one of several branches, each with the place to blame."""
        found = list(branches)
        known = [(place, image) for place, image in found if image is not None]
        if not known:
            return None
        first = known[0][1]
        for place, image in known[1:]:
            if image.form != first.form:
                forms = f"sometimes a {FORM_NAMES[first.form]}, sometimes a {FORM_NAMES[image.form]}"
                message = f"After {self.name}, the image would be {forms}."
                remedy = f"Put what changes its form before or after {self.name}."
                raise CheckFailed(message, remedy, ("transforms", place))
            first = _either(first, image)
        return first if len(known) == len(found) else None

    def _one_target(self, branches: Iterable[tuple[int, TargetForm]]) -> TargetForm:
        found = list(branches)
        known = [form for _, form in found if form != "any"]
        for place, form in found:
            if form != "any" and form != known[0]:
                message = (
                    f"After {self.name}, the target would be sometimes {words(known[0])}, sometimes {words(form)}."
                )
                raise CheckFailed(message, "Let all of them leave the same kind of target.", ("transforms", place))
        return known[0] if len(known) == len(found) else "any"


def _either(one: Image, other: Image) -> Image:
    same: dict[str, Any] = {
        name: getattr(one, name) if getattr(one, name) == getattr(other, name) else None
        for name in ("channels", "height", "width")
    }
    sizes = (one.height, one.width, other.height, other.width)
    differ = None not in sizes and sizes[:2] != sizes[2:]
    same["varying"] = one.varying or other.varying or differ
    same["square"] = one.is_square and other.is_square
    same["mode"] = one.mode or other.mode
    if None in (one.low, one.high, other.low, other.high):
        return one.changed(**same, low=None, high=None)
    low = min(value for value in (one.low, other.low) if value is not None)
    high = max(value for value in (one.high, other.high) if value is not None)
    return one.changed(**same, low=low, high=high)


class RandomApply(_Composed):
    """Apply all of the transforms, one after the other, with probability `p`; else none.

    In and out: whatever the transforms take and give; they must leave images of the same kind as they find, since
    images come out both ways. Draws: one number; they are applied if it is below `p`. As
    torchvision.transforms.v2.RandomApply.
    """

    target = "registry_builtin.objects.composed_transforms:RandomApply"
    example: ClassVar[Mapping[str, Any]] = {"transforms": [{"random_crop": {"size": 8, "padding": 1}}], "p": 0.3}

    p: Probability = Field(default=0.5, description="Probability that they are applied, 0 to 1.")

    def infer_image(self, image: Image) -> Image | None:
        """What is known of the image both with and without them."""
        after: Image | None = image
        changing = 0
        for place in range(len(self.transforms)):
            before, after = after, self._image_after(place, after)
            if before is not None and after is not None and before.form != after.form:
                changing = place
        return self._one_image(self._possible(image, after, changing))

    def infer_target(self, form: TargetForm) -> TargetForm:
        """The form that the target has both with and without them."""
        after = form
        changing = 0
        for place in range(len(self.transforms)):
            before, after = after, self._target_after(place, after)
            changing = changing if before == after else place
        return self._one_target(self._possible(form, after, changing))

    def _possible(self, before: S, after: S, place: int) -> list[tuple[int, S]]:
        return [(place, each) for each, possible in ((before, self.p < 1), (after, self.p > 0)) if possible]


class RandomChoice(_Composed):
    """Apply one of the transforms, chosen at random.

    In and out: whatever the transforms take and give; images must come out of all of them as the same kind. Each is
    chosen with a probability proportional to its number in `p`. Draws: one number. As
    torchvision.transforms.v2.RandomChoice. In batch_transforms it chooses for each batch.
    """

    target = "registry_builtin.objects.composed_transforms:RandomChoice"
    example: ClassVar[Mapping[str, Any]] = {
        "transforms": ["random_horizontal_flip", {"pad": {"padding": 1}}],
        "p": [3, 1],
    }
    old_spellings: ClassVar[Mapping[str, str]] = {"probabilities": "p"}

    p: tuple[NonNegativeFloat, ...] | None = Field(
        default=None, description="A weight for each transform, at least 0; they need not sum to 1. None: all equal."
    )

    @model_validator(mode="after")
    def _weights_fit(self) -> Self:
        if self.p is not None and len(self.p) != len(self.transforms):
            given = counted(len(self.p), "weight")
            raise ValueError(f"`p` has {given} for {len(self.transforms)} transforms; give one for each")
        if self.p is not None and sum(self.p) <= 0:
            raise ValueError("p has no weight above 0, so nothing could be chosen")
        return self

    def arguments(self) -> dict[str, Any]:
        """The weights."""
        return {"weights": self._weights()}

    def infer_image(self, image: Image) -> Image | None:
        """What is known of the image after each of them."""
        return self._one_image((place, self._image_after(place, image)) for place in self._possible())

    def infer_target(self, form: TargetForm) -> TargetForm:
        """The form that the target has after each of them."""
        return self._one_target((place, self._target_after(place, form)) for place in self._possible())

    def _weights(self) -> tuple[float, ...]:
        return self.p or (1.0,) * len(self.transforms)

    def _possible(self) -> list[int]:
        return [place for place, weight in enumerate(self._weights()) if weight > 0]


class RandomOrder(_Composed):
    """Apply all of the transforms, in a random order.

    In and out: whatever the transforms take and give, in every order; images must come out as the same kind. All
    orders are equally likely. Draws: one number for each transform but the last. As
    torchvision.transforms.v2.RandomOrder. Of more than ten transforms nothing is known before the run.
    """

    target = "registry_builtin.objects.composed_transforms:RandomOrder"
    example: ClassVar[Mapping[str, Any]] = {
        "transforms": ["random_horizontal_flip", {"random_crop": {"size": 8, "padding": 1}}]
    }

    def infer_image(self, image: Image) -> Image | None:
        """What is known of the image after every order."""
        if len(self.transforms) > _MOST_ORDERS:
            return None
        return self._one_image(self._after_all_orders(image, self._image_after))

    def infer_target(self, form: TargetForm) -> TargetForm:
        """The form that the target has after every order."""
        if len(self.transforms) > _MOST_ORDERS:
            return "any"
        return self._one_target(self._after_all_orders(form, self._target_after))

    def _after_all_orders(self, start: S, after: Any) -> Sequence[tuple[int, S]]:
        """All that may come out, each with the place of the transform that came last."""
        everything = frozenset(range(len(self.transforms)))
        reached: dict[frozenset[int], dict[S, int]] = {frozenset(): {start: 0}}
        for _ in self.transforms:
            further: dict[frozenset[int], dict[S, int]] = {}
            for done, states in reached.items():
                for place in sorted(everything - done):
                    found = further.setdefault(done | {place}, {})
                    for state in states:
                        found.setdefault(after(place, state), place)
            reached = further
        return [(place, state) for state, place in reached[everything].items()]

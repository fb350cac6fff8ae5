"""Transforms composed of transforms: apply them at random, choose one, or shuffle their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import Field, model_validator

from registry_builtin.transforms.doubts import no_effect
from registry_core.components import CheckFailed, DataFacts, Image, ParameterError, RunFacts, Transform
from registry_core.components.facts import FORM_NAMES
from registry_core.components.forms import TargetForm, counted, words
from registry_core.components.transform import At, Randomness
from registry_core.components.types import NonNegativeFloat, Probability

_MOST_ORDERS = 10
"""Maximum number of transforms for which all orders are analysed."""

S = TypeVar("S")


class _Composed(Transform):
    """Base of the transforms that are composed of transforms."""

    random: ClassVar[Randomness] = "counter"

    transforms: Annotated[tuple[Transform, ...], Field(min_length=1)] = Field(
        description="The transforms with their parameters; each draws its own random numbers."
    )

    def children(self) -> Mapping[At, Transform]:
        """Return the inner transforms."""
        return {("transforms", place): transform for place, transform in enumerate(self.transforms)}

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if the choice, or one of the transforms, is random."""
        return self._chooses() or any(transform.is_random() for transform in self.transforms)

    def _chooses(self) -> bool:
        return len(self.transforms) > 1

    def for_classes(self, classes: int | None) -> Self:
        """Return a copy whose transforms know the number of classes."""
        made = []
        for place, transform in enumerate(self.transforms):
            try:
                made.append(transform.for_classes(classes))
            except CheckFailed as failed:
                raise self._inside(failed, place) from None
        return self.model_copy(update={"transforms": tuple(made)})

    def for_data(self, facts: DataFacts) -> Self:
        """Return a copy whose transforms know the data set."""
        return self.model_copy(update={"transforms": tuple(one.for_data(facts) for one in self.transforms)})

    def arguments(self) -> dict[str, Any]:
        """Return the parameters except the transforms, which are passed when the object is called."""
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
        """Merge the facts of an image that took one of several branches, each with the place to blame."""
        found = list(branches)
        known = [(place, image) for place, image in found if image is not None]
        if not known:
            return None
        first = known[0][1]
        for place, image in known[1:]:
            if image.form != first.form:
                forms = f"either a {FORM_NAMES[first.form]} or a {FORM_NAMES[image.form]}"
                message = f"The output of {self.name} would be {forms}, depending on the random choice."
                remedy = f"Move the conversion before or after {self.name}."
                raise CheckFailed(message, remedy, ("transforms", place))
            first = _either(first, image)
        return first if len(known) == len(found) else None

    def _one_target(self, branches: Iterable[tuple[int, TargetForm]]) -> TargetForm:
        found = list(branches)
        known = [form for _, form in found if form != "any"]
        for place, form in found:
            if form != "any" and form != known[0]:
                forms = f"either {words(known[0])} or {words(form)}"
                message = f"The targets after {self.name} would be {forms}, depending on the random choice."
                raise CheckFailed(
                    message, "Use transforms that produce the same form of target.", ("transforms", place)
                )
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
    """Apply all of the transforms in sequence with probability `p`, otherwise none.

    Input and output: as for the transforms; they must not change the form of the image, because images leave both with
    and without them. Draws: one number; the transforms are applied if it is below `p`. Equivalent to
    torchvision.transforms.v2.RandomApply.
    """

    target = "registry_builtin.objects.composed_transforms:RandomApply"
    example: ClassVar[Mapping[str, Any]] = {"transforms": [{"random_crop": {"size": 8, "padding": 1}}], "p": 0.3}

    p: Probability = Field(default=0.5, description="Probability of applying the transforms, 0 to 1.")

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if the transforms may be applied, and are random or are not always applied."""
        return self.p > 0 and super().is_random(image)

    def _chooses(self) -> bool:
        return 0 < self.p < 1

    def infer_image(self, image: Image) -> Image | None:
        """Return the facts that hold both with and without the transforms."""
        after: Image | None = image
        changing = 0
        for place in range(len(self.transforms)):
            before, after = after, self._image_after(place, after)
            if before is not None and after is not None and before.form != after.form:
                changing = place
        return self._one_image(self._possible(image, after, changing))

    def infer_target(self, form: TargetForm) -> TargetForm:
        """Return the target form that holds both with and without the transforms."""
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

    Input and output: as for the transforms; all of them must produce images of the same form. Each is chosen with a
    probability proportional to its weight in `p`. Draws: one number. Equivalent to
    torchvision.transforms.v2.RandomChoice. In batch_transforms, one transform is chosen for the whole batch.
    """

    target = "registry_builtin.objects.composed_transforms:RandomChoice"
    alternatives: ClassVar[bool] = True
    example: ClassVar[Mapping[str, Any]] = {
        "transforms": ["random_horizontal_flip", {"pad": {"padding": 1}}],
        "p": [3, 1],
    }
    old_spellings: ClassVar[Mapping[str, str]] = {"probabilities": "p"}

    p: tuple[NonNegativeFloat, ...] | None = Field(
        default=None, description="One weight per transform, at least 0; they need not sum to 1. null: all equal."
    )

    @model_validator(mode="after")
    def _weights_fit(self) -> Self:
        if self.p is not None and len(self.p) != len(self.transforms):
            given = counted(len(self.p), "weight")
            raise ParameterError(
                f"`p` has {given} for {len(self.transforms)} transforms", "Write one weight per transform"
            )
        if self.p is not None and sum(self.p) <= 0:
            raise ParameterError("`p` has no positive weight, so no transform can be chosen", "Set a weight above 0")
        return self

    def arguments(self) -> dict[str, Any]:
        """Return the weights."""
        return {"weights": self._weights()}

    def infer_image(self, image: Image) -> Image | None:
        """Return the facts that hold after each of the possible transforms."""
        return self._one_image((place, self._image_after(place, image)) for place in self._possible())

    def infer_target(self, form: TargetForm) -> TargetForm:
        """Return the target form that holds after each of the possible transforms."""
        return self._one_target((place, self._target_after(place, form)) for place in self._possible())

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if the choice, or a transform that may be chosen, is random."""
        possible = self._possible()
        return len(possible) > 1 or any(self.transforms[place].is_random(image) for place in possible)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of transforms that are never chosen."""
        never = [transform.name for place, transform in enumerate(self.transforms) if place not in self._possible()]
        if not never:
            return ()
        return [no_effect(f"{never[0]} in {self.name}", "its weight is 0", "p", remedy="Set a weight above 0.")]

    def _weights(self) -> tuple[float, ...]:
        return self.p or (1.0,) * len(self.transforms)

    def _possible(self) -> list[int]:
        return [place for place, weight in enumerate(self._weights()) if weight > 0]


class RandomOrder(_Composed):
    """Apply all of the transforms in random order.

    Input and output: as for the transforms, in every order; all orders must produce images of the same form. All orders
    are equally likely. Draws: one number for each transform but the last. Equivalent to
    torchvision.transforms.v2.RandomOrder. With more than ten transforms, the result is not analysed before the run.
    """

    target = "registry_builtin.objects.composed_transforms:RandomOrder"
    example: ClassVar[Mapping[str, Any]] = {
        "transforms": ["random_horizontal_flip", {"random_crop": {"size": 8, "padding": 1}}]
    }

    def infer_image(self, image: Image) -> Image | None:
        """Return the facts that hold after every order."""
        if len(self.transforms) > _MOST_ORDERS:
            return None
        return self._one_image(self._after_all_orders(image, self._image_after))

    def infer_target(self, form: TargetForm) -> TargetForm:
        """Return the target form that holds after every order."""
        if len(self.transforms) > _MOST_ORDERS:
            return "any"
        return self._one_target(self._after_all_orders(form, self._target_after))

    def _after_all_orders(self, start: S, after: Any) -> Sequence[tuple[int, S]]:
        """Return every possible result, each with the place of the transform that came last."""
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

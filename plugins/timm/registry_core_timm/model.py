"""Base class of all timm models: checks of the images, and the call that builds the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import model_validator

from registry_core.components import CheckFailed, Image, Model, ParameterError, Shape
from registry_core.components.forms import OutputForm, counted
from registry_core_timm.tables import NEEDS

_OF_WEIGHTS = ("num_classes", "in_chans", "img_size", "global_pool")
"""Parameters whose defaults timm reads from the selected weights, so that they are always passed with weights."""

_CHANGES_NO_FEATURES = {
    *("num_classes", "in_chans", "img_size", "pretrained", "tag"),
    *("drop_rate", "drop_path_rate", "proj_drop_rate", "attn_drop_rate", "pos_drop_rate", "patch_drop_rate"),
}
_POOLS_NOTHING = ("", "none", "soft", "merge")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Facts of a timm model that are known without importing timm."""

    architecture: str
    made_for: str
    """The version of timm from which the facts were read."""
    channels: int
    size: tuple[int, int]
    """Height and width of the images that the model was designed for."""
    fixed: bool
    """True if other sizes require ``img_size``."""
    smallest: tuple[int, int] | None
    tags: tuple[str, ...]
    """Tags of the available weights, the default first."""
    features: int | None
    """Number of output features per image, for models without a classifier by default."""


class TimmModel(Model):
    """A timm model; the provider derives one class for each."""

    target: ClassVar[str] = "registry_core_timm.objects.models:create"
    requirements: ClassVar[dict[str, str]] = NEEDS
    output_form: ClassVar[OutputForm] = "logits"
    facts: ClassVar[ModelFacts]

    @model_validator(mode="after")
    def _pools_and_weights_fit(self) -> Self:
        pooling = self._value("global_pool")
        if pooling in _POOLS_NOTHING:
            raise ParameterError(
                f"`global_pool` {pooling!r} keeps the features of all positions, but a model must emit one vector per "
                "image",
                "Omit global_pool to use the default of the network",
            )
        if self._value("tag") is not None and not self._value("pretrained"):
            raise ParameterError(
                "`tag` selects weights, which are loaded only if pretrained is true", "Set pretrained to true"
            )
        return self

    def get_output_form(self) -> OutputForm:
        """Return logits, or embeddings if there is no classifier."""
        return "logits" if self._value("num_classes") else "embeddings"

    def num_outputs(self) -> int | None:
        """Return the number of classes or, without a classifier, the number of features if it is known."""
        classes: int = self._value("num_classes")
        return classes or (self.facts.features if self._has_usual_features() else None)

    def output_shape(self) -> Shape | None:
        """Return the shape of one vector."""
        return (self.num_outputs(),)

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if the channels differ from ``in_chans``, or the network does not support the size."""
        channels = self._value("in_chans") or self.facts.channels
        if image.channels not in (None, channels):
            raise CheckFailed(
                f"The model {self.name!r} expects {counted(channels, 'input channel')}, but the image has "
                f"{image.channels}.",
                self._remedy_for_channels(channels, image.channels),
            )
        wanted = self._exact_size()
        if wanted is not None:
            self._check_exact(image, wanted)
        elif self.facts.smallest is not None:
            self._check_smallest(image, self.facts.smallest)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments for ``timm.create_model``: those that differ from the defaults or depend on weights."""
        always = _OF_WEIGHTS if self._value("pretrained") else ()
        given = {
            name: getattr(self, name)
            for name, field in type(self).model_fields.items()
            if name not in ("pretrained", "tag") and (name in always or getattr(self, name) != field.default)
        }
        return {
            "name": self.facts.architecture,
            "tag": (self._value("tag") or self.facts.tags[0]) if self._value("pretrained") else None,
            "parameters": {
                name: _as_timm(value, type(self).model_fields[name].default)
                for name, value in given.items()
                if value is not None
            },
            "made_for": self.facts.made_for,
        }

    def _remedy_for_channels(self, channels: int, given: int | None) -> str:
        if "in_chans" not in type(self).model_fields:
            return f"Add `grayscale: {{num_output_channels: {channels}}}`, or choose another model."
        return f"Set in_chans to {given}{', or add grayscale' if channels == 1 else ''}."

    def _value(self, name: str) -> Any:
        """Return a parameter that only some models have, or None."""
        return getattr(self, name, None)

    def _has_usual_features(self) -> bool:
        fields = type(self).model_fields
        return all(name in _CHANGES_NO_FEATURES or self._value(name) == fields[name].default for name in fields)

    def _exact_size(self) -> tuple[int, int] | None:
        """Return the height and width that images must have, or None if other sizes are allowed."""
        if not self.facts.fixed or self._value("dynamic_img_size") or self._value("strict_img_size") is False:
            return None
        size = self._value("img_size") or self.facts.size
        return (size, size) if isinstance(size, int) else size

    def _check_exact(self, image: Image, wanted: tuple[int, int]) -> None:
        given = (image.height, image.width)
        if all(side in (None, right) for side, right in zip(given, wanted, strict=True)):
            return
        resize = f"Add `resize: {{size: [{wanted[0]}, {wanted[1]}]}}`"
        if "img_size" in type(self).model_fields and self._divides(given):
            resize = f"Set img_size to [{given[0]}, {given[1]}], or add `resize: {{size: [{wanted[0]}, {wanted[1]}]}}`"
        raise CheckFailed(
            f"The model {self.name!r} expects {wanted[0]} x {wanted[1]} pixels, but the image has {_sides(given)}.",
            f"{resize}.",
        )

    def _divides(self, given: tuple[int | None, int | None]) -> bool:
        """Return True if images of this size consist of whole patches, as far as that is known."""
        patch = self._value("patch_size")
        side = patch if isinstance(patch, int) else 1
        return all(given_side is not None and given_side % side == 0 for given_side in given)

    def _check_smallest(self, image: Image, smallest: tuple[int, int]) -> None:
        given = (image.height, image.width)
        if any(side is not None and side < least for side, least in zip(given, smallest, strict=True)):
            raise CheckFailed(
                f"The model {self.name!r} expects at least {smallest[0]} x {smallest[1]} pixels, but the image has "
                f"{_sides(given)}.",
                f"Add `resize: {{size: [{smallest[0]}, {smallest[1]}]}}` or larger.",
            )


def _as_timm(value: Any, default: Any) -> Any:
    """Convert to integers where the default of timm is one: some networks count with values annotated as float."""
    if isinstance(value, tuple):
        defaults = default if isinstance(default, tuple) else (default,)
        return tuple(_as_timm(item, defaults[min(place, len(defaults) - 1)]) for place, item in enumerate(value))
    return int(value) if isinstance(value, float) and value.is_integer() and type(default) is int else value


def _sides(given: tuple[int | None, int | None]) -> str:
    return " x ".join("?" if side is None else str(side) for side in given)

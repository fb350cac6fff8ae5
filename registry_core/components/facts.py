"""What declarations say of data without loading it: facts that checks and the plan use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from registry_core.components.forms import OutputForm, TargetForm
from registry_core.diagnostics import format_value

Form = Literal["pil", "uint8", "float"]
"""A Pillow image, a uint8 tensor (0..255) or a float tensor; tensors are [channels, height, width]."""

FORM_NAMES: dict[Form, str] = {"pil": "Pillow image", "uint8": "uint8 tensor", "float": "float tensor"}


@dataclass(frozen=True)
class Image:
    """An image on its way to the model; ``None`` is a fact that is not known before the run."""

    form: Form
    channels: int | None = None
    height: int | None = None
    width: int | None = None
    low: float | None = 0.0
    high: float | None = 255.0
    varying: bool = False
    """Whether the height and width that are not known differ from sample to sample."""
    square: bool = False
    """Whether height and width, where they are not known, are equal."""
    mode: str | None = None
    """The mode of a Pillow image that is neither grey nor RGB, such as HSV."""
    masked: bool = False
    """Whether masks, which are tensors, move with it."""

    def changed(self, **facts: Any) -> Image:
        """The same image with other facts."""
        return replace(self, **facts)

    @property
    def is_square(self) -> bool:
        """Whether height and width are equal, as far as that is known."""
        return self.square if None in (self.height, self.width) else self.height == self.width

    def __str__(self) -> str:
        sides = " x ".join("?" if n is None else str(n) for n in (self.channels, self.height, self.width))
        values = "" if self.low is None or self.high is None else f", {self.low:.4g} to {self.high:.4g}"
        return f"{FORM_NAMES[self.form]} {sides}{values}"


Shape = tuple[int | None, ...]
"""What one sample is inside a network, without the batch: (channels, height, width) or (features,); None: any."""


def written_shape(shape: Shape) -> str:
    """A shape for people: ``6 x 28 x 28``."""
    return " x ".join("?" if side is None else str(side) for side in shape)


@dataclass(frozen=True)
class DataFacts:
    """What a data set holds, as far as a cheap look tells."""

    length: int | None = None
    image: Image | None = None
    num_classes: int | None = None
    class_names: tuple[str, ...] = ()
    target_form: TargetForm = "any"
    """What the entry ``target`` of a sample is."""
    entries: tuple[str, ...] | None = None
    """Names of a sample's entries; None where they are not known."""
    largest_label: int | None = None
    """Where the number of classes is not known: the largest class number that occurs."""
    num_values: int | None = None
    """Where targets are values, counts or signs that stand for no classes: how many numbers one has."""
    blank: int | None = None
    """Where targets are sequences: the class that means no label."""
    longest: int | None = None
    """Where targets are sequences: how many labels the longest may have."""
    masks: tuple[str, ...] = ()
    """Entries that are masks, which geometric transforms move with the images."""
    boxes: tuple[str, ...] = ()
    """Entries that are boxes, which geometric transforms move with the images."""


@dataclass(frozen=True)
class Horizon:
    """How long a run is: epochs, and optimizer steps in one epoch and in all."""

    epochs: int
    steps_per_epoch: int
    total_steps: int
    of: str = "the run"
    """What is so long, in messages: the run, or the part of it that is left to a schedule."""

    def count(self, unit: Literal["epoch", "step", "evaluation"]) -> int:
        """Its length in epochs or steps; one evaluation an epoch is supposed."""
        return self.total_steps if unit == "step" else self.epochs


@dataclass(frozen=True)
class RunFacts:
    """The facts of a run, known before it begins, that components are checked against."""

    sections: Mapping[str, DataFacts]
    """What is known of each section of the data."""
    metric_names: tuple[str, ...]
    """Names of the metrics."""
    outputs: tuple[str, ...]
    """Names of what the model gives, such as ``output``."""
    target_form: TargetForm
    """What the targets of an evaluation are; those of training, where there is none."""
    output_form: OutputForm = "any"
    """What the model emits."""
    num_outputs: int | None = None
    """How many numbers the model emits for a sample, where that is known."""
    num_classes: int | None = None
    """Number of classes, from the model or the training data."""
    horizon: Horizon | None = None
    """The length of the run; None where it is not known before the data are opened."""
    lr: float | None = None
    """The learning rate of the optimizer; None if the optimizer has none."""
    image: Image | None = None
    """The training image at the input of the component that is asked; None where that is not known before the run.

    It is the input of a transform for that transform, and the input of the model for every other component.
    """
    layers: Mapping[str, Shape | None] = field(default_factory=dict)
    """The parts of the model, where they are known before it is built, with what a sample is after each."""

    @property
    def evaluates(self) -> bool:
        """Whether the run evaluates ``val``."""
        return "val/loss" in self.metric_names


class CheckFailed(Exception):
    """Raised by a declaration's own checks: what is wrong, and what to do about it.

    ``at`` is where inside the declaration's parameters, such as ``("layers", 3)``.
    """

    def __init__(self, message: str, remedy: str = "", at: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.at = at


class ParameterError(ValueError):
    """Raised by validators of a declaration: what is wrong with its parameters, and what to do about it.

    The message begins in lower case or with the name of a parameter, and neither part ends with a full stop.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message}. {remedy}" if remedy else message)
        self.message = message
        self.remedy = remedy


class UnexpectedValue(ParameterError):
    """Raised by validators for a value that is not what a parameter expects: ``expected a pair of sides, not 3``."""

    def __init__(self, expected: str, value: object, remedy: str = "") -> None:
        super().__init__(f"expected {expected}, not {format_value(value)}", remedy)

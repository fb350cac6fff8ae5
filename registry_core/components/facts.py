"""Facts of data and runs that declarations state without loading data, for checks and the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from registry_core.components.forms import Aspect, OutputForm, TargetForm
from registry_core.components.sources import Sources
from registry_core.diagnostics import format_value

if TYPE_CHECKING:
    from registry_core.components.left_out import LeftOut

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
    """True if an unknown height or width differs from sample to sample."""
    square: bool = False
    """True if height and width are equal although they are not known."""
    mode: str | None = None
    """The mode of a Pillow image that is neither greyscale nor RGB, such as HSV."""
    masked: bool = False
    """True if the sample has masks, which are tensors and move with it."""

    def changed(self, **facts: Any) -> Image:
        """The same image with other facts."""
        return replace(self, **facts)

    @property
    def is_square(self) -> bool:
        """True if height and width are known to be equal."""
        return self.square if None in (self.height, self.width) else self.height == self.width

    def __str__(self) -> str:
        sides = " x ".join("?" if n is None else str(n) for n in (self.channels, self.height, self.width))
        values = "" if self.low is None or self.high is None else f", {self.low:.4g} to {self.high:.4g}"
        return f"{FORM_NAMES[self.form]} {sides}{values}"


Shape = tuple[int | None, ...]
"""The shape of one sample inside a network: (channels, height, width) or (features,); None: unknown or any size."""


def written_shape(shape: Shape) -> str:
    """A shape as text: ``6 x 28 x 28``."""
    return " x ".join("?" if side is None else str(side) for side in shape)


@dataclass(frozen=True)
class DataFacts:
    """The facts of a data set, as far as a cheap look shows them."""

    length: int | None = None
    image: Image | None = None
    num_classes: int | None = None
    class_names: tuple[str, ...] = ()
    target_form: TargetForm = "any"
    """The form of the entry ``target``."""
    entries: tuple[str, ...] | None = None
    """Names of a sample's entries; None if they are not known."""
    largest_label: int | None = None
    """The largest class index that occurs, if the number of classes is not known."""
    smallest_label: int | None = None
    """The smallest class index that occurs, if the number of classes is not known."""
    num_values: int | None = None
    """The length of a target of values, counts, or signs that mean no classes."""
    blank: int | None = None
    """For sequences: the class that means no label."""
    longest: int | None = None
    """For sequences: the largest number of labels of a target."""
    most_steps: int | None = None
    """For sequences: the time steps that `ctc` needs for the longest target, its labels and one more for each
    repetition of the label before; a data set that draws its labels states what probably occurs."""
    value_range: tuple[float, float] | None = None
    """The least and the largest value of targets of values or counts."""
    masks: tuple[str, ...] = ()
    """Entries that are masks, which geometric transforms move with the images."""
    void: int | None = None
    """The value of mask pixels that belong to no class, such as 255; None if the data set has none."""
    boxes: tuple[str, ...] = ()
    """Entries that are boxes, which geometric transforms move with the images."""
    target_depends_on: frozenset[Aspect] = frozenset()
    """Aspects of an image that decide its target, which transforms do not change: a mirrored digit is no digit."""
    sources: Sources = field(default=Sources(), compare=False, repr=False)
    """The data that are read; a data set that does not say is compared by its parameters."""
    left_out: LeftOut | None = None
    """Image files that are not read, where that is probably not meant."""
    one_size: bool = False
    """True if all images have the size of ``image`` for certain; a cheap look at files reads that of some of them."""

    def get_value_range(self) -> tuple[float | None, float | None]:
        """The least and the largest value of a target, as stated or by its form; None: not known."""
        return self.value_range or _RANGES.get(self.target_form, (None, None))


_RANGES: dict[TargetForm, tuple[float | None, float | None]] = {
    "counts": (0.0, None),
    "signs": (-1.0, 1.0),
    "multi_hot": (0.0, 1.0),
    "one_hot": (0.0, 1.0),
    "distributions": (0.0, 1.0),
}


@dataclass(frozen=True)
class Horizon:
    """The length of a run: epochs, and optimizer steps in one epoch and in all."""

    epochs: int
    steps_per_epoch: int
    total_steps: int
    of: str = "the run"
    """The subject of messages about the length: the run, or the part of it that is left to a schedule."""

    def count(self, unit: Literal["epoch", "step", "evaluation"]) -> int:
        """Its length in this unit; one evaluation per epoch is assumed."""
        return self.total_steps if unit == "step" else self.epochs


@dataclass(frozen=True)
class RunFacts:
    """The facts of a run, known before it begins, that components are checked against."""

    sections: Mapping[str, DataFacts]
    """The known facts of each section of the data."""
    metric_names: tuple[str, ...]
    """Names of the metrics."""
    outputs: tuple[str, ...]
    """Names of the model's outputs, such as ``output``."""
    target_form: TargetForm
    """The form of the targets of evaluations, or of training if there are none."""
    output_form: OutputForm = "any"
    """The form of the model's output."""
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
    section: str | None = None
    """The section of the data that the component belongs to: train, val or test; None for any other component."""
    sample: DataFacts | None = None
    """The facts of the samples at the input of a transform, after the transforms before it; None for others."""
    layers: Mapping[str, Shape | None] = field(default_factory=dict)
    """The layers of the model with their output shapes, if they are known before it is built."""

    @property
    def evaluates(self) -> bool:
        """True if the run evaluates ``val``."""
        return "val/loss" in self.metric_names


class CheckFailed(Exception):
    """Raised by a declaration's own checks, with what is wrong and what to do about it.

    ``at`` is the place inside the declaration's parameters, such as ``("layers", 3)``. ``code`` is the kind of the
    mistake, one of ``registry_core.diagnostics.codes``; by default that of the check that asked.
    """

    def __init__(self, message: str, remedy: str = "", at: tuple[str | int, ...] = (), code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.at = at
        self.code = code


class ParameterError(ValueError):
    """Raised by validators of a declaration, with what is wrong with its parameters and what to do about it.

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

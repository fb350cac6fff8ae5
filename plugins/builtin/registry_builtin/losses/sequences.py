"""Losses for sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from registry_builtin.losses.parameters import Reducing
from registry_core.components import CheckFailed, DataFacts, ExampleTensor, NotFiniteLoss, Shape
from registry_core.components.forms import OutputForm, TargetForm, counted
from registry_core.components.types import NonNegativeInt


class CTC(Reducing):
    """Connectionist temporal classification: an ordered sequence of labels without their positions.

    Output: log-probabilities [batch, time, classes]; log_softmax over the classes is inserted if the model emits
    logits. Target: int64 [batch, longest], padded, without blanks; ``target_length``: int64 [batch]. All time steps are
    used. The mean first divides the loss of each sample by the length of its target. Source: Graves et al.,
    "Connectionist temporal classification", ICML 2006; ``torch.nn.CTCLoss``.
    """

    target = "registry_builtin.objects.losses:CTC"
    inputs: ClassVar[tuple[str, ...]] = ("output", "target", "target_length")
    output_form: ClassVar[OutputForm] = "log_probabilities"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("sequences",)
    class_dimension: ClassVar[int] = -1
    example: ClassVar[Mapping[str, Any]] = {"blank": 0, "zero_infinity": True}
    example_inputs: ClassVar[Mapping[str, ExampleTensor]] = {
        "output": ExampleTensor((4, 12, 6), low=-3, high=-1),
        "target": ExampleTensor((4, 5), "int64", 1, 5),
        "target_length": ExampleTensor((4,), "int64", 1, 5),
    }

    blank: NonNegativeInt = Field(default=0, description="Index of the blank class, which means no label.")
    zero_infinity: bool = Field(
        default=False,
        description="If true, infinite losses, which occur for targets longer than the output, are set to 0.",
    )

    def explain_not_finite(self, *inputs: Any) -> NotFiniteLoss | None:
        """Return the samples whose labels do not fit into the time steps."""
        output, target, lengths = inputs
        time = output.shape[1]
        wanted = [
            int(length) + int((row[1:length] == row[: max(length - 1, 0)]).sum())
            for row, length in zip(target, lengths.tolist(), strict=True)
        ]
        rows = tuple(row for row, steps in enumerate(wanted) if steps > time)
        if not rows or self.zero_infinity:
            return None
        message = f"The model emits {counted(time, 'time step')}, but the labels need up to {max(wanted)}: one each, "
        message += "and one more between two equal labels."
        return NotFiniteLoss(message, "Use wider images or shorter targets, or set zero_infinity: true.", rows)

    def check_outputs(self, outputs: int | None) -> None:
        """Raise CheckFailed unless the blank is one of the outputs."""
        if outputs is not None and self.blank >= outputs:
            message = (
                f"The blank of {self.name!r} is class {self.blank}, but the model has {counted(outputs, 'output')}."
            )
            raise CheckFailed(message, f"Set blank to a class from 0 to {outputs - 1}.", ("blank",))

    def check_shape(self, shape: Shape, facts: DataFacts) -> None:
        """Raise CheckFailed if there are fewer time steps than labels, which makes the loss infinite."""
        if len(shape) == 2 and None not in (shape[0], facts.longest) and not self.zero_infinity:
            time, longest = shape[0] or 0, facts.longest or 0
            if time < longest:
                message = f"The model emits {counted(time, 'time step')} per sample"
                message += f", but a target has up to {counted(longest, 'label')}."
                raise CheckFailed(message, "Use wider images or shorter targets, or set zero_infinity: true.")

    @property
    def aligns_sequences(self) -> bool:
        """Return True unless infinite losses are set to 0."""
        return not self.zero_infinity

    def shape_warnings(self, shape: Shape, facts: DataFacts) -> Sequence[CheckFailed]:
        """Warn of fewer time steps than labels and their repetitions."""
        steps, needed = shape[0] if len(shape) == 2 else None, facts.most_steps
        if self.zero_infinity or steps is None or needed is None or steps >= needed:
            return ()
        message = (
            f"The model emits {counted(steps, 'time step')} per sample, but targets of {facts.longest} labels need up"
        )
        message += (
            f" to {2 * (facts.longest or 1) - 1}: equal neighbours need a blank between them, or the loss is infinite."
        )
        return (CheckFailed(message, "Use wider images or shorter targets, or set zero_infinity: true."),)

    def check_targets(self, facts: DataFacts) -> None:
        """Raise CheckFailed if the data have another blank."""
        if facts.blank not in (None, self.blank):
            message = f"The blank of {self.name!r} is class {self.blank}, but that of the data is {facts.blank}."
            raise CheckFailed(message, f"Set blank to {facts.blank}.", ("blank",))

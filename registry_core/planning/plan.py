"""The plan of a run: the program that assembly turns into torch objects; ``print`` shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from registry_core.analysis.lengths import horizon_of
from registry_core.analysis.measured import Direction
from registry_core.components import Every, Hook, Horizon, Model
from registry_core.components.forms import OutputForm, TargetForm, counted
from registry_core.components.model import LayerFacts
from registry_core.config.devices import Device
from registry_core.config.finetune import Finetune
from registry_core.config.models import InitRule, Optim, Section, Spec
from registry_core.config.text.tree import Tree
from registry_core.diagnostics.printable import printable
from registry_core.planning.decisions import Decision
from registry_core.planning.explanation import layer_lines, section_lines
from registry_core.planning.program import SectionPlan
from registry_core.planning.step import EvaluationPlan, StepPlan


@dataclass(frozen=True)
class ModelPlan:
    """The model, and the source of the initial values of its parameters."""

    declared: Model
    output_form: OutputForm
    layers: tuple[LayerFacts, ...]
    """Its layers, if they are known before it is built."""
    init: tuple[InitRule, ...]
    finetune: Finetune | None


@dataclass(frozen=True)
class LoadingPlan:
    """The loading of batches for the training process."""

    workers: int
    pin_memory: bool | None
    """True if batches are in page-locked memory; None: only if the device is CUDA."""


@dataclass(frozen=True)
class Plan:
    """The program of a run; ``print`` shows it."""

    seed: int
    sections: Mapping[Section, SectionPlan]
    loading: LoadingPlan
    model: ModelPlan
    step: StepPlan
    optim: Optim
    evaluation: EvaluationPlan
    hooks: tuple[Hook, ...]
    device: Literal["auto", Device]
    log_every: Every
    horizon: Horizon | None
    """None if the length of the training data is not known before the run."""
    num_classes: int | None
    target_form: TargetForm
    """The form of the training targets after the transforms."""
    metrics: Mapping[str, Direction]
    """The names of the metrics, each with its better direction."""
    decisions: tuple[Decision, ...]
    rewrites: tuple[str, ...]
    """The names of the applied rewrites, in their order."""
    spec: Spec = field(repr=False)
    """The spec that the plan is made from, for the records of a run; assembly does not read it."""
    places: Tree | None = field(default=None, repr=False, compare=False)
    """The tree of the file, for problems that appear during assembly; None for a spec made in Python."""

    def horizon_for(self, batches: int) -> Horizon:
        """The horizon of a run with this number of training batches per epoch, which the opened data may show first."""
        return horizon_of(self.spec, batches)

    def __str__(self) -> str:
        return "\n".join(map(printable, self._lines()))

    def _lines(self) -> Iterator[str]:
        for section in self.sections.values():
            yield from section_lines(section)
        yield from self._run_lines()
        for group in self.optim.groups:
            options = ", ".join(f"{name} {value}" for name, value in group.options.items())
            yield f"  parameters matching '{group.label}': {options}"
        if decay := self.optim.layer_decay:
            yield f"  learning rate of a layer: {decay.factor:g} of the next one's"
        yield "decisions"
        for decision in self.decisions:
            yield f"  {decision.about}: {decision.choice} ({decision.reason})"

    def _run_lines(self) -> Iterator[str]:
        run, epochs = self.horizon, self.spec.train.epochs
        model, loss, optimizer = self.model.declared.name, self.spec.loss.name, self.optim.optimizer.name
        yield f"model: {model}, loss: {loss}, optimizer: {optimizer}"
        yield from layer_lines(self.model.layers)
        if run is None:
            yield f"run: {epochs} epochs; their length is known when the data are opened"
        else:
            steps = f"{run.steps_per_epoch:,} steps an epoch, {run.total_steps:,} in all"
            yield f"run: {counted(run.epochs, 'epoch')}, {steps}, precision {self.step.precision}"
        yield f"measured: {', '.join(self.metrics)}"

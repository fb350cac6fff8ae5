"""Doubts about a first step: parameters whose gradients stay 0, and a loss far above that of a guess."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from registry_core.analysis.patterns import some_of
from registry_core.assembly.data.executor import LoadedBatch
from registry_core.assembly.optim.parameters import named_parameters
from registry_core.diagnostics import Problem
from registry_core.engine.optimizer_step import MicroBatch, OptimizerStep
from registry_core.engine.view import buffers_kept
from registry_core.planning.plan import Plan

_PASSES = 3
"""Passes after the step in which a gradient has to be 0: layers that are dropped at random differ among them."""

_TIMES, _MORE = 4.0, 4.0
"""A first loss above this multiple of that of a guess, plus this, is doubtful.

Initial values of torch and torchvision exceed the guess by less than 1, logits of standard deviation 3 by about 4.
"""


def constant_parameters(step: OptimizerStep, loaded: LoadedBatch, names: Sequence[str]) -> list[str]:
    """The parameters among ``names`` whose gradients are 0 for this batch after a step, too.

    A layer that starts with zeros hides the layers before it from gradients, but only in the first step.
    """
    pipeline = step.pipeline
    rates = [float(group.get("lr", 1)) for group in pipeline.optimizer.param_groups]
    found = [name for name in names if not name.startswith("loss.")]  # a cluster of classes may have no sample
    if not found or not all(rates):
        return []
    parameters = named_parameters(pipeline.model, pipeline.loss)
    batch = MicroBatch(loaded, 1.0)
    with buffers_kept(pipeline.model, pipeline.loss):
        for _ in range(_PASSES):
            pipeline.optimizer.zero_grad()
            step.loss_of(step.on_device(batch), batch.samples).mean.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            found = [name for name in found if _is_zero(parameters[name])]
    pipeline.optimizer.zero_grad()
    return [name for name in found if not _is_cancelled(name, found, parameters)]


def _is_zero(parameter: torch.nn.Parameter) -> bool:
    gradient = parameter.grad
    if gradient is None:
        return True
    return not bool((gradient._values() if gradient.is_sparse else gradient).any())


def _is_cancelled(name: str, found: Sequence[str], parameters: dict[str, torch.nn.Parameter]) -> bool:
    """True for a bias beside weights with gradients: a normalization after it subtracts it."""
    weight = f"{name.removesuffix('bias')}weight"
    return name.endswith("bias") and weight in parameters and weight not in found


def of_gradients(names: Sequence[str], count: int) -> Problem:
    """The warning of parameters without an influence on the loss; ``count`` is the number of all that are trained."""
    which = "all parameters" if len(names) == count else f"{len(names)} parameters"
    message = f"The gradients of {which} are 0 for the first batch, before and after a step: {some_of(names)}."
    remedy = "Check the initial values, and the activations after these layers: they may be 0 for every sample."
    return Problem(message, remedy, keys=("model",), code="gradient-zero", warning=True)


def of_first_loss(plan: Plan, loss: float) -> Problem | None:
    """The warning of a first loss far above that of a model that guesses; None if there is nothing to doubt."""
    spec = plan.spec
    terms, classes = spec.loss.terms(), plan.num_classes
    if len(terms) != 1 or not classes or spec.finetune is not None:
        return None
    guess = terms[0].loss.loss_of_a_guess(classes)
    if guess is None or loss <= terms[0].weight * (_TIMES * guess + _MORE):
        return None
    message = f"The loss of the first batch is {loss:.4g}, but a model that guesses has {terms[0].weight * guess:.4g}:"
    remedy = "Normalize the images, or use smaller initial values."
    return Problem(f"{message} the outputs are too large.", remedy, keys=("loss",), code="first-loss", warning=True)

"""The calls inside a running pipeline: their arguments, their results, and the one in progress at an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from registry_core.assembly.data.transforms import BuiltTransform, Moment
from registry_core.assembly.model.objective import Objective
from registry_core.assembly.pipeline import NamedMetric
from registry_core.diagnostics import Keys
from registry_core.engine.memory import Storages, storages, tensors_in
from registry_core.engine.metric_value import one_number
from registry_core.planning.plan import Plan
from registry_core.planning.program import Action


@dataclass(frozen=True)
class Call:
    """A call: its description, its keys in the pipeline, and its arguments."""

    what: str
    keys: Keys
    given: Any = None
    source: object = None
    """The called module or component; None between two calls."""
    is_backward: bool = False
    """True for the backward pass."""

    def __str__(self) -> str:
        return self.what if self.given is None else f"{self.what}, called with {written(self.given)},"


def described(value: Any) -> Any:
    """Shapes and dtypes of a value as plain data; the type name of a value without tensors."""
    if isinstance(value, torch.Tensor):
        return {"shape": list(value.shape), "dtype": str(value.dtype).removeprefix("torch.")}
    if isinstance(value, Mapping):
        return {"entries": {str(name): described(item) for name, item in value.items()}}
    if isinstance(value, (list, tuple)):
        return [described(item) for item in value]
    return {"type": type(value).__name__}


def written(data: Any) -> str:
    """A result of ``described`` as text: ``64 x 10 float32``."""
    if isinstance(data, list):
        shown = ", ".join(written(item) for item in data[:4]) + (", …" if len(data) > 4 else "")
        return f"[{shown}]"
    if "entries" in data:
        return ", ".join(f"{name} {written(item)}" for name, item in data["entries"].items())
    if "type" in data:
        return str(data["type"])
    return f"{' x '.join(map(str, data['shape'])) or 'one'} {data['dtype']}"


def parts_of(model: nn.Module, prefix: str = "") -> dict[str, nn.Module]:
    """The parts of a model by name: its children, with lists expanded; an only child is replaced by its parts."""
    found: dict[str, nn.Module] = {}
    for name, child in model.named_children():
        if isinstance(child, (nn.ModuleList, nn.ModuleDict)):
            found.update(parts_of(child, f"{prefix}{name}."))
        else:
            found[f"{prefix}{name}"] = child
    if len(found) == 1:
        ((name, only),) = found.items()
        return parts_of(only, f"{name}.") or found
    return found


class Calls:
    """Observes a running pipeline: the operations of its programs, and by hooks its modules and its optimizer."""

    def __init__(
        self, plan: Plan, networks: Sequence[nn.Module], loss: Objective, optimizer: torch.optim.Optimizer | None
    ) -> None:
        """Observe these ``networks``: the model, and its average if there is one."""
        self.plan = plan
        self.model = f"model {plan.model.declared.name!r}"
        self.outputs = plan.model.declared.outputs
        self.module_outputs: dict[str, Any] = {}
        """The output of each module of the model, as ``described``."""
        self.values: dict[str, Any] = {}
        """The last batch on the device with the outputs of the model, as ``described``."""
        self.batch: Storages = {}
        """The memory of that batch."""
        self.loss: Any = None
        """The last value of the objective."""
        self._open: list[Call] = []
        self._between = Call(f"The call of the {self.model}", ("model",))
        self._follow(networks, loss, optimizer)

    @property
    def at_work(self) -> Call:
        """The innermost call in progress; if there is none, the step after the last finished call."""
        return self._open[-1] if self._open else self._between

    def begin(self) -> None:
        """Forget unfinished calls: a new phase begins."""
        self._open.clear()
        self._between = Call(f"The call of the {self.model}", ("model",))

    @contextmanager
    def inside(self, call: Call) -> Iterator[None]:
        """A context in which this call is in progress; after an error it stays so."""
        self._open.append(call)
        depth = len(self._open)
        yield
        del self._open[depth - 1 :]

    def began(self, action: Action, transform: BuiltTransform | None, moment: Moment, value: Any) -> None:
        """An operation of a program begins."""
        if transform is not None:
            self._open.append(Call(f"The {transform.label}", transform.keys, described(value)))

    def ended(self, action: Action, transform: BuiltTransform | None, moment: Moment, value: Any) -> None:
        """An operation of a program ended."""
        if transform is not None:
            self._open.pop()

    def _follow(self, networks: Sequence[nn.Module], loss: Objective, optimizer: torch.optim.Optimizer | None) -> None:
        for network in networks:
            for name, module in network.named_modules():
                self._follow_module(name, module)
        self._follow_objective(loss)
        if optimizer is None:
            return
        call = Call(f"The optimizer {self.plan.optim.optimizer.name!r}", ("optim", "optimizer"), source=optimizer)
        after = Call("The code after the optimizer's step", ("train",))
        optimizer.register_step_pre_hook(lambda *_: self._open.append(call))
        optimizer.register_step_post_hook(lambda *_: self._end(optimizer, after))

    def _follow_module(self, name: str, module: nn.Module) -> None:
        what = f"The part {name!r} ({type(module).__name__}) of the {self.model}" if name else f"The {self.model}"

        def begun(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
            arguments = [*given, *named.values()]
            if not name:
                self.batch.clear()
                self.batch.update(storages(tensors_in(arguments)))
            shapes = described(arguments[0] if len(arguments) == 1 else arguments)
            self._open.append(Call(what, ("model",), shapes, module))

        def ended(_: nn.Module, __: Any, output: Any) -> None:
            self.module_outputs[name] = described(output)
            self._end(module, Call(f"The code after the call of the {self.model}", ("model",)))

        module.register_forward_pre_hook(begun, with_kwargs=True)
        module.register_forward_hook(ended)

    def _follow_objective(self, objective: Objective) -> None:
        declared = self.plan.spec.loss
        names = f"model {self.plan.model.declared.name!r}, loss {declared.name!r}"
        whole = Call(f"The loss {declared.name!r}", ("loss",), source=objective)

        def begun(_: nn.Module, given: tuple[Any, ...]) -> None:
            (values,) = given
            self.values = {name: described(value) for name, value in values.items()}
            entries = {name: value for name, value in values.items() if name not in self.outputs}
            self.batch.update(storages(tensors_in(entries)))
            self._open.append(whole)

        def ended(_: nn.Module, __: Any, loss: Any) -> None:
            self.loss = loss.mean
            self._end(objective, Call(f"The backward pass ({names})", (), is_backward=True))

        objective.register_forward_pre_hook(begun)
        objective.register_forward_hook(ended)
        for term, built in zip(declared.terms(), objective.terms, strict=True):
            at: Keys = ("loss", declared.name_in_file, *term.at) if term.at else ("loss",)
            self._follow_term(f"The loss {term.loss.name!r}", at, term.inputs, built)

    def _follow_term(self, what: str, keys: Keys, takes: tuple[str, ...], built: nn.Module) -> None:
        def begun(_: nn.Module, given: tuple[Any, ...]) -> None:
            taken = {name: given[0][name] for name in takes if name in given[0]}
            self._open.append(Call(what, keys, described(taken), built))

        built.register_forward_pre_hook(begun)
        built.register_forward_hook(lambda *_: self._end(built, Call("The sum of the losses", ("loss",))))

    def _end(self, source: object, after: Call) -> None:
        """End the last call of this source, with all calls inside it that an error left open."""
        while self._open and self._open.pop().source is not source:
            pass
        self._between = after


class WatchedMetric:
    """A metric whose calls are watched."""

    def __init__(self, metric: Any, name: str, place: int, calls: Calls) -> None:
        self.metric = metric
        self.name, self.place = name, place
        self.what = f"The metric {name!r}"
        self.keys: Keys = ("metrics", place)
        self.calls = calls

    def update(self, *values: Any) -> None:
        """Update it with its inputs from a batch."""
        with self.calls.inside(Call(self.what, self.keys, described(list(values)))):
            self.metric.update(*values)

    def reset(self) -> None:
        """Reset it."""
        with self.calls.inside(Call(self.what, self.keys)):
            self.metric.reset()

    def compute(self) -> float:
        """Its value."""
        with self.calls.inside(Call(self.what, self.keys)):
            return one_number(self.metric.compute(), self.name, self.place)


def watched_metrics(metrics: Sequence[NamedMetric], plan: Plan, calls: Calls) -> list[NamedMetric]:
    """The metrics of a plan, watched."""
    declared = plan.evaluation.metrics
    return [
        replace(measured, metric=WatchedMetric(measured.metric, declared[place].name, place, calls))
        for place, measured in enumerate(metrics)
    ]

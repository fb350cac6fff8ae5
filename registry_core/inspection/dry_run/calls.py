"""What the parts of a pipeline are called with and give, and which of them is at work when an error comes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from registry_core.assembly.data.samples import BatchTransforms
from registry_core.assembly.data.steps import Batch, Step
from registry_core.assembly.pipeline import Pipeline
from registry_core.config import Section
from registry_core.diagnostics import Keys
from registry_core.engine.memory import Storages, storages, tensors_in


@dataclass(frozen=True)
class Call:
    """Something at work: in words, by the keys of the pipeline that it stands at, and what it was given."""

    what: str
    keys: Keys
    given: Any = None

    def __str__(self) -> str:
        return self.what if self.given is None else f"{self.what}, given {written(self.given)},"


def described(value: Any) -> Any:
    """Shapes and types of a value as plain data; of what holds no tensor the name of its type."""
    if isinstance(value, torch.Tensor):
        return {"shape": list(value.shape), "dtype": str(value.dtype).removeprefix("torch.")}
    if isinstance(value, Mapping):
        return {"entries": {str(name): described(item) for name, item in value.items()}}
    if isinstance(value, (list, tuple)):
        return [described(item) for item in value]
    return {"type": type(value).__name__}


def written(data: Any) -> str:
    """What ``described`` gave, for people: ``64 x 10 float32``."""
    if isinstance(data, list):
        shown = ", ".join(written(item) for item in data[:4]) + (", …" if len(data) > 4 else "")
        return f"[{shown}]"
    if "entries" in data:
        return ", ".join(f"{name} {written(item)}" for name, item in data["entries"].items())
    if "type" in data:
        return str(data["type"])
    return f"{' x '.join(map(str, data['shape'])) or 'one'} {data['dtype']}"


def parts_of(model: nn.Module, prefix: str = "") -> dict[str, nn.Module]:
    """The parts of a model by name: its children, in place of lists what is in them; an only child is opened."""
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
    """Follows a pipeline at work, by hooks on its modules and its optimizer."""

    def __init__(self, pipeline: Pipeline) -> None:
        spec = pipeline.plan.spec
        self.spec = spec
        self.model = f"the model {spec.model.name!r}"
        self.outputs = spec.model.outputs
        self.module_outputs: dict[str, Any] = {}
        """What each module of the model gave, as ``described``."""
        self.values: dict[str, Any] = {}
        """The last batch on the device, and what the model gave for it, as ``described``."""
        self.batch: Storages = {}
        """The memory of that batch."""
        self.loss: Any = None
        """What the objective gave last."""
        self._open: list[Call] = []
        self._between = Call(f"The call of {self.model}", ("model",))
        self._follow(pipeline)

    @property
    def at_work(self) -> Call:
        """The innermost of what was begun and has not ended; if there is none, what comes after the last that ended."""
        return self._open[-1] if self._open else self._between

    def begin(self) -> None:
        """Forget what has not ended: something new begins."""
        self._open.clear()
        self._between = Call(f"The call of {self.model}", ("model",))

    @contextmanager
    def inside(self, call: Call) -> Iterator[None]:
        """Inside, this is at work; if an error comes, it stays so."""
        self._open.append(call)
        depth = len(self._open)
        yield
        del self._open[depth - 1 :]

    def _follow(self, pipeline: Pipeline) -> None:
        for name, module in pipeline.model.named_modules():
            self._follow_module(name, module)
        if pipeline.averaged is not None:
            for name, module in pipeline.averaged.module.named_modules():
                self._follow_module(name, module)
        self._follow_objective(pipeline)
        optimizer = pipeline.optimizer
        call = Call(f"The optimizer {self.spec.optim.optimizer.name!r}", ("optim", "optimizer"))
        after = Call("What follows the optimizer's step", ("train",))
        optimizer.register_step_pre_hook(lambda *_: self._open.append(call))
        optimizer.register_step_post_hook(lambda *_: self._end(call.what, after))

    def _follow_module(self, name: str, module: nn.Module) -> None:
        what = f"The part {name!r} ({type(module).__name__}) of {self.model}" if name else f"T{self.model[1:]}"

        def begun(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
            arguments = [*given, *named.values()]
            if not name:
                self.batch.clear()
                self.batch.update(storages(tensors_in(arguments)))
            self._open.append(Call(what, ("model",), described(arguments[0] if len(arguments) == 1 else arguments)))

        def ended(_: nn.Module, __: Any, output: Any) -> None:
            self.module_outputs[name] = described(output)
            self._end(what, Call(f"What follows the call of {self.model}", ("model",)))

        module.register_forward_pre_hook(begun, with_kwargs=True)
        module.register_forward_hook(ended)

    def _follow_objective(self, pipeline: Pipeline) -> None:
        declared, names = self.spec.loss, f"model {self.spec.model.name!r}, loss {self.spec.loss.name!r}"
        whole = Call(f"The loss {declared.name!r}", ("loss",))

        def begun(_: nn.Module, given: tuple[Any, ...]) -> None:
            (values,) = given
            self.values = {name: described(value) for name, value in values.items()}
            entries = {name: value for name, value in values.items() if name not in self.outputs}
            self.batch.update(storages(tensors_in(entries)))
            self._open.append(whole)

        def ended(_: nn.Module, __: Any, loss: Any) -> None:
            self.loss = loss
            self._end(whole.what, Call(f"The backward pass ({names})", ()))

        pipeline.loss.register_forward_pre_hook(begun)
        pipeline.loss.register_forward_hook(ended)
        for term, built in zip(declared.terms(), pipeline.loss.terms, strict=True):
            at: Keys = ("loss", declared.name_in_file, *term.at) if term.at else ("loss",)
            self._follow_term(f"The loss {term.loss.name!r}", at, term.inputs, built)

    def _follow_term(self, what: str, keys: Keys, takes: tuple[str, ...], built: nn.Module) -> None:
        def begun(_: nn.Module, given: tuple[Any, ...]) -> None:
            taken = {name: given[0][name] for name in takes if name in given[0]}
            self._open.append(Call(what, keys, described(taken)))

        built.register_forward_pre_hook(begun)
        built.register_forward_hook(lambda *_: self._end(what, Call("The sum of the losses", ("loss",))))

    def _end(self, what: str, after: Call) -> None:
        """What was begun last under these words has ended, and all that was begun in it and left by an error."""
        while self._open and self._open.pop().what != what:
            pass
        self._between = after


class FollowedTransforms(BatchTransforms):
    """Batch transforms on the device, followed one by one."""

    def __init__(self, steps: list[Step], places: list[Keys], calls: Calls) -> None:
        super().__init__(steps)
        self.places = places
        self.calls = calls

    @classmethod
    def of_section(cls, pipeline: Pipeline, section: Section, calls: Calls) -> FollowedTransforms:
        """Those of a section."""
        declared = pipeline.plan.spec.data.sections()[section].batch_transforms
        numbers = [number for number, transform in enumerate(declared) if transform.on_device]
        places: list[Keys] = [("data", section, "batch_transforms", number) for number in numbers]
        return cls(pipeline.loaders[section].device_transforms.steps, places, calls)

    def __call__(self, batch: Batch, epoch: int, number: int) -> Batch:
        """The batch after all of them."""
        for step, keys in zip(self.steps, self.places, strict=True):
            with self.calls.inside(Call(f"The {step.label}", keys, described(batch))):
                batch = BatchTransforms([step])(batch, epoch, number)
        return batch


class FollowedMetric:
    """A metric whose calls are followed."""

    def __init__(self, metric: Any, name: str, place: int, calls: Calls) -> None:
        self.metric = metric
        self.what = f"The metric {name!r}"
        self.keys: Keys = ("metrics", place)
        self.calls = calls

    def update(self, *values: Any) -> None:
        """Update it with what it takes of a batch."""
        with self.calls.inside(Call(self.what, self.keys, described(list(values)))):
            self.metric.update(*values)

    def reset(self) -> None:
        """Forget what it saw."""
        with self.calls.inside(Call(self.what, self.keys)):
            self.metric.reset()

    def compute(self) -> float:
        """Its value."""
        with self.calls.inside(Call(self.what, self.keys)):
            return float(self.metric.compute())

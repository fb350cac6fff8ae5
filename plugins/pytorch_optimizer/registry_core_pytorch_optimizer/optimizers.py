"""Provider of the pytorch_optimizer optimizers: maps a name, such as ``pytorch_optimizer_lion``, to its declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import create_model

from registry_core.components import CheckFailed, Optimizer, ParameterFacts
from registry_core_pytorch_optimizer.parameter_types import field
from registry_core_pytorch_optimizer.tables import NEEDS, parameter, recorded, sentences

PREFIX = "pytorch_optimizer_"
"""Prefix of the names of the library."""


class LibraryOptimizer(Optimizer):
    """An optimizer of pytorch_optimizer; the provider derives one class for each."""

    target: ClassVar[str] = "registry_core_pytorch_optimizer.objects.optimizers:create"
    requirements: ClassVar[Mapping[str, str]] = NEEDS
    library_name: ClassVar[str]
    made_for: ClassVar[str]
    """The version of pytorch_optimizer from which the data was read."""
    of_groups: ClassVar[tuple[str, ...]]
    """Parameters that a group may override."""
    group_keys: ClassVar[tuple[str, ...]] = ()
    """Parameters that the library reads only from groups."""
    dimensions: ClassVar[tuple[int, int | None]] = (0, None)
    """Minimum and maximum number of dimensions of the parameters that it can train; None: no maximum."""

    def check_parameters(self, parameters: Sequence[ParameterFacts]) -> None:
        """Raise CheckFailed for parameters with sparse gradients, or with a shape that the optimizer cannot train."""
        sparse = [fact.name for fact in parameters if fact.sparse]
        if sparse:
            message = (
                f"The optimizer {self.name!r} does not support sparse gradients, but {sparse[0]!r} would have them."
            )
            raise CheckFailed(message, "Use sparse_adam, adagrad or sgd.")
        least, most = self.dimensions
        if getattr(self, "use_muon", False):
            least = 2
        others = [fact for fact in parameters if len(fact.shape) < least or (most and len(fact.shape) > most)]
        if others:
            message = f"The optimizer {self.name!r} requires parameters with {_in_words(least, most)}"
            remedy = _BY_ADAMW if "use_muon" in self.group_keys else _BY_ANOTHER
            raise CheckFailed(f"{message}, unlike {_listed(others)}.", remedy)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``create`` except the parameters."""
        options = super().arguments()
        keys = {name: options.pop(name) for name in self.group_keys}
        return {
            "name": self.library_name,
            "options": options,
            "keys": keys,
            "of_groups": self.of_groups,
            "made_for": self.made_for,
        }


_BY_ADAMW = "Put these parameters into a group of optim.groups with `use_muon: false`, which AdamW trains."
_BY_ANOTHER = "Freeze these parameters, or use another optimizer, such as adamw."


def optimizer(name: str) -> type[LibraryOptimizer]:
    """Return the declaration of the optimizer with this name; raise KeyError if there is none."""
    data = recorded()
    library_name = name.removeprefix(PREFIX)
    entry = data["optimizers"][library_name]
    fields = {key: _field(library_name, key, *said) for key, said in entry["parameters"].items()}
    create: Any = create_model  # its return type depends on the created class
    made: type[LibraryOptimizer] = create(
        entry["class"].rpartition(":")[2],
        __base__=LibraryOptimizer,
        __doc__=_documentation(library_name, entry, data["version"]),
        __module__=__name__,
        **fields,
    )
    made.library_name, made.made_for = library_name, data["version"]
    made.of_groups, made.group_keys = tuple(entry["of_groups"]), tuple(entry.get("group_keys", ()))
    made.dimensions = tuple(entry.get("dimensions", (0, None)))
    made.needs_closure = entry.get("needs_closure", False)
    made.supports_groups = entry.get("supports_groups", True)
    made.example = _example(entry["parameters"])
    return made


def summary(name: str) -> str:
    """Return one sentence about an optimizer, for the index."""
    return sentences()[name].does


def _field(optimizer_name: str, key: str, kind: Any, default: Any, required: bool = False) -> tuple[Any, Any]:
    said = parameter(optimizer_name, key)
    if said is None:
        raise KeyError(f"parameters.tsv has no line for {key!r} of {optimizer_name!r}")
    return field(kind, default, required, said)


def _example(parameters: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    wanted = {key: said for key, said in parameters.items() if key == "lr" or said[2:] == [True]}
    return {key: said[1] if said[1] is not None else {"int": 1000}.get(said[0], 1e-3) for key, said in wanted.items()}


def _documentation(name: str, entry: Mapping[str, Any], made_for: str) -> str:
    does, source, note = sentences()[name]
    closure = " A step evaluates the loss itself, so fp16 is not supported." if entry.get("needs_closure") else ""
    return (
        f"{does}\n\n"
        f"Class ``{entry['class'].replace(':', '.')}``, with the defaults of pytorch_optimizer {made_for}."
        f"{' ' + note.rstrip('.') + '.' if note else ''}{closure} Source: {source}."
    )


def _in_words(least: int, most: int | None) -> str:
    if least == most:
        return f"{least} dimensions"
    return f"at least {least} dimensions" if most is None else f"at most {most} dimensions"


def _listed(facts: Sequence[ParameterFacts]) -> str:
    some = ", ".join(f"{fact.name} {list(fact.shape)}" for fact in facts[:5])
    return some + (f" and {len(facts) - 5} more" if len(facts) > 5 else "")
